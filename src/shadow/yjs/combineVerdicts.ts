// The verdict on a document from those on its views: the worst.
import { verdictOf } from "../verdict.ts";
import type { DocumentVerdict } from "./checkDocuments.ts";

/** As many as one comparison of bodies tells at most: views differ in the same places. */
const DIFFERENCES_MAX = 100;

/** All that can be said of a view that ended with updates under way. */
export const CUT = { name: "not_compared", reason: "served_aborted" } as const;

/** @param verdicts one of each view that can be judged; none: all left before anything could be said */
export function combineVerdicts(verdicts: readonly DocumentVerdict[]): DocumentVerdict {
  const named = <Name extends DocumentVerdict["name"]>(name: Name) =>
    verdicts.filter((one): one is Extract<DocumentVerdict, { name: Name }> => one.name === name);
  if (verdicts.length === 0) return CUT;
  const compared = { differences: distinct(verdicts), normalisers: normalisersOf(verdicts) };
  if (named("different").length > 0) return verdictOf({ ...compared, notes: [] });
  const lost = named("not_compared");
  const bound = lost.find(({ reason }) => reason !== CUT.reason);
  if (bound !== undefined) return bound;
  if (named("lagging").length > 0) return { name: "lagging", ...compared };
  // Others that have left as well do not say that what was under way would have come.
  if (lost.length > 0) return CUT;
  if (verdicts.every(({ name }) => name === "identical")) return { name: "identical" };
  return verdictOf({ ...compared, notes: [] });
}

const normalisersOf = (verdicts: readonly DocumentVerdict[]): readonly string[] => [
  ...new Set(verdicts.flatMap((one) => ("normalisers" in one ? one.normalisers : []))),
];

/** The same place of several views is one difference; those that count come first. */
function distinct(verdicts: readonly DocumentVerdict[]) {
  const found = verdicts.flatMap((one) => ("differences" in one ? one.differences : []));
  const byPlace = new Map(found.map((one) => [`${one.kind} ${one.path} ${one.control} ${one.candidate}`, one]));
  const counting = [...byPlace.values()].sort(
    (one, other) => Number(one.acceptedBy !== null) - Number(other.acceptedBy !== null),
  );
  return counting.slice(0, DIFFERENCES_MAX);
}
