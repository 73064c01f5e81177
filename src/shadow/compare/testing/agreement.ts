import assert from "node:assert/strict";
import fc from "fast-check";
import type { Verdict } from "../../verdict.ts";
import { opinionOf } from "./differ.ts";
import { type TextPair, textPairs } from "./randomPairs.ts";
import { judge } from "./replies.ts";

export interface Agreement {
  readonly pairs: number;
  readonly verdicts: ReadonlyMap<string, number>;
  /** Pairs of which also the places were compared. */
  readonly withPlaces: number;
  readonly exceptions: readonly (TextPair & { readonly told: string; readonly expected: string })[];
}

/** Of one pair no more families are kept than this: beyond it nobody can say which of them are. */
const FAMILIES_MAX = 100;

const textOf = (places: ReadonlyMap<string, number>): string =>
  [...places]
    .map(([template, count]) => `${template} × ${count}`)
    .sort()
    .join(", ");

function toldBy(verdict: Verdict): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const { template, count } of "differences" in verdict ? verdict.differences : []) {
    places.set(template, (places.get(template) ?? 0) + count);
  }
  return places;
}

/** shadow §17: the comparer beside an independent differ. */
export function agreementOf(pairs: number, seed: number): Agreement {
  const verdicts = new Map<string, number>();
  const exceptions: Agreement["exceptions"][number][] = [];
  let withPlaces = 0;
  const see = ({ control, candidate }: TextPair): void => {
    const verdict = judge(control, candidate);
    verdicts.set(verdict.name, (verdicts.get(verdict.name) ?? 0) + 1);
    const { isEqual, places } = opinionOf(control, candidate);
    const name = control === candidate ? "identical" : isEqual ? "equivalent" : "different";
    const hasPlaces = places.size < FAMILIES_MAX;
    if (hasPlaces) withPlaces += 1;
    const [told, expected] = [toldBy(verdict), places].map((one) => (hasPlaces ? textOf(one) : ""));
    if (verdict.name === name && told === expected) return;
    exceptions.push({ control, candidate, told: `${verdict.name} ${told}`, expected: `${name} ${expected}` });
  };
  fc.assert(
    fc.property(textPairs, (pair) => see(pair)),
    { numRuns: pairs, seed },
  );
  return { pairs, verdicts, withPlaces, exceptions };
}

/** What the goal asks of it, and that the pairs were worth asking about. */
export function assertAgreement({ pairs, verdicts, withPlaces, exceptions }: Agreement): void {
  assert.deepEqual(exceptions.slice(0, 3), [], `${exceptions.length} of ${pairs}`);
  for (const name of ["identical", "equivalent", "different"]) {
    assert.ok((verdicts.get(name) ?? 0) > pairs / 20, `only ${verdicts.get(name)} were ${name}`);
  }
  assert.ok(withPlaces > pairs * 0.95);
}
