// What a campaign says nothing about (shadow §16): a clean report must not be read as more than it is.
import { ARMS } from "../kernel/index.ts";
import { count, limitText, plural } from "./format.ts";
import type { Gate, ReportInput } from "./input.ts";
import { BLIND_SPOTS, type BlindSpot, type CannotSay } from "./model.ts";
import { by, sumOf } from "./order.ts";
import { GATE } from "./readiness.ts";
import { LIMITS, type RouteFigures } from "./routes.ts";

export interface Told {
  readonly routes: readonly RouteFigures[];
  readonly gate: Gate;
  readonly gaps: number;
  readonly leftOut: { readonly families: number; readonly samples: number };
}

export function cannotSay(input: ReportInput, { routes, gate, gaps, leftOut }: Told): readonly CannotSay[] {
  const told: CannotSay[] = [];
  const tell = (what: BlindSpot, text: string, about: readonly string[] = []): void =>
    void told.push({ what, text, routes: about });
  const named = (which: (route: RouteFigures) => boolean): readonly string[] =>
    routes.filter(which).map(({ route }) => route);
  const { guards, groups, areRepeatsOn, areModelsLive } = input.facts;
  const lost = lostCounts(input);
  if (lost !== 0) tell("accounting", `the counts do not add up: ${count(lost)} more verdicts than exchanges`);
  if (gaps > 0) tell("gap", `evidence is missing of ${plural(gaps, "time")}: a process ended without saying so`);
  for (const arm of ARMS) {
    if (guards[arm] === null)
      tell("no-target", `${arm} has no shadow target: nothing is mirrored to it but safe reads`);
    if (guards[arm] === "network") {
      tell("guard-network", `that only the mirror reaches the shadow target of ${arm} is what its operator says`);
    }
  }
  const never = named(({ notMirrored }) => notMirrored !== null);
  if (never.length > 0) tell("never", `nothing is known of ${plural(never.length, "route")} not mirrored`, never);
  if (groups !== null && groups.waiting > 0) {
    tell("not-seeded", `what ${plural(groups.waiting, "group")} did that were never seeded is not in the sample`);
  }
  if (!areRepeatsOn) tell("repeats-off", "repeats are off: what control changes by itself counts as a difference");
  const sandbox = named(({ mode }) => mode === "sandbox");
  if (sandbox.length > 0) {
    const text = `calls of ${plural(sandbox.length, "route")} in mode sandbox are never repeated: their noise is known by formats only`;
    tell("not-repeated", text, sandbox);
  }
  if (areModelsLive) {
    const text =
      "the models of both arms answered by themselves: of their texts language and length are compared, and of the state that holds them nothing";
    tell("live-models", text);
  }
  for (const text of lowered(gate)) tell("lowered-gate", text);
  for (const { route, limit, kind } of routes) {
    if (limit === null || limit <= LIMITS[kind]) continue;
    const text = `${limitText(limit)} of ${route} may differ above noise, instead of ${limitText(LIMITS[kind])}`;
    tell("lowered-gate", text, [route]);
  }
  if (leftOut.families + leftOut.samples > 0) {
    const families = plural(leftOut.families, "family", "families");
    tell("left-out", `${families} and ${plural(leftOut.samples, "sample")} are in the evidence and not in this report`);
  }
  return told.sort(by(({ what }) => BLIND_SPOTS.indexOf(what)));
}

/** Verdicts without an exchange (shadow A1); the other way round they are `open`. */
const lostCounts = ({ totals }: ReportInput): number =>
  sumOf(
    totals.map(({ sampled, verdicts, notCompared }) =>
      Math.max(0, sumOf(Object.values(verdicts)) + sumOf(Object.values(notCompared)) - sampled),
    ),
  );

/** rollout §2: printed wherever it is used. */
function lowered({ coverageMin, comparisonsMin }: Gate): readonly string[] {
  const told: string[] = [];
  if (coverageMin < GATE.coverageMin) {
    told.push(`coverage of ${limitText(coverageMin)} is enough here, instead of ${limitText(GATE.coverageMin)}`);
  }
  if (comparisonsMin < GATE.comparisonsMin) {
    told.push(`${plural(comparisonsMin, "comparison")} a route are enough here, instead of ${GATE.comparisonsMin}`);
  }
  return told;
}
