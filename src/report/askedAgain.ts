// What the same call once more has said of a family (shadow §8, §16.4): control beside its repeat, candidate beside its own.
import { readSample, type SampleAgain, weighRechecks } from "../shadow/ports.ts";
import type { AskedAgain, Repeated, SampleAgainReport } from "./model.ts";

const wordOf = (isSame: boolean): Repeated => (isSame ? "same" : "changed");

/** Of one sample, at the place of its family; null: its call was not made again. */
export function againOf(template: string, body: unknown): SampleAgainReport | null {
  // Most were not: reading all of them as what they are would cost more than the rest of the report.
  if (typeof body !== "object" || body === null || !Object.hasOwn(body, "again")) return null;
  const again = readSample(body)?.again;
  if (again === undefined) return null;
  const { rechecks, repeat } = again;
  const arms = rechecks.length === 0 ? null : weighed(template, rechecks);
  return { rechecks: rechecks.length, ...(arms ?? NOT_ASKED), repeat: repeat && wordOf(isStable(template, repeat)) };
}

const NOT_ASKED = { control: null, candidate: null, isStillApart: null } as const;

function weighed(template: string, rechecks: SampleAgain["rechecks"]) {
  const seen = rechecks.map((one) => {
    return { arms: new Set(one.arms), control: new Set(one.control), candidate: new Set(one.candidate) };
  });
  const { isArmsApart, isControlStable, isCandidateStable } = weighRechecks(template, seen);
  return { control: wordOf(isControlStable), candidate: wordOf(isCandidateStable), isStillApart: isArmsApart };
}

const isStable = (template: string, differing: readonly string[]): boolean =>
  weighRechecks(template, [{ arms: new Set(), control: new Set(differing), candidate: new Set() }]).isControlStable;

/** The grid of a family's samples. */
export function sumAgain(all: readonly (SampleAgainReport | null)[]): AskedAgain {
  const grid = { same: { same: 0, changed: 0 }, changed: { same: 0, changed: 0 } };
  const repeats = { same: 0, changed: 0 };
  let samples = 0;
  for (const one of all) {
    if (one?.repeat != null) repeats[one.repeat] += 1;
    if (one === null || one.control === null || one.candidate === null) continue;
    samples += 1;
    grid[one.control][one.candidate] += 1;
  }
  return { samples, grid, repeats };
}

/** `asked again 4: both the same 3, control changed 1`; null: nothing was asked again. */
export function againText({ samples, grid, repeats }: AskedAgain): string | null {
  const parts = [
    [grid.same.same, "both the same"],
    [grid.same.changed, "candidate changed"],
    [grid.changed.same, "control changed"],
    [grid.changed.changed, "both changed"],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${what} ${count}`);
  const repeated = repeats.same + repeats.changed;
  const alone = repeated === 0 ? [] : [`control alone ${repeated}, changed ${repeats.changed}`];
  if (samples === 0) return alone.length === 0 ? null : `asked again: ${alone.join()}`;
  return `asked again ${samples}: ${[...told, ...alone].join(", ")}`;
}

/** `asked again: control same, candidate same, still apart` */
export function sampleAgainText({ control, candidate, isStillApart, repeat }: SampleAgainReport): string {
  const both =
    control === null
      ? []
      : [`control ${control}`, `candidate ${candidate}`, isStillApart === true ? "still apart" : "equal now"];
  const alone = repeat === null ? [] : [`control alone ${repeat}`];
  return `asked again: ${[...both, ...alone].join(", ")}`;
}
