// Rows of families from several runs, processes and files, as one (shadow §14: summed on read). In any order, in any grouping the same.
import { isWorse } from "../words.ts";
import { Distinct } from "./distinct.ts";
import { confirmationOf, FAMILY_STATES, type FamilyState } from "./family.ts";
import type { FamilyPart, FamilyRow } from "./model.ts";
import { addRechecks } from "./rechecks.ts";

/** By name. */
export function familiesOf(parts: Iterable<FamilyPart>): readonly FamilyPart[] {
  const byName = Map.groupBy(parts, ({ name }) => name);
  return [...byName.values()].map(mergeFamilies).sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** At one time: who says fixed has seen no more of it, who says open or accepted has not seen that it was fixed. */
const rankOf = (state: FamilyState): number =>
  state === "fixed" ? FAMILY_STATES.length : FAMILY_STATES.indexOf(state);

/** @throws RangeError for none */
export function mergeFamilies(parts: readonly FamilyPart[]): FamilyPart {
  const [one, ...others] = parts;
  if (one === undefined) throw new RangeError("no row of the family");
  const groups = new Distinct();
  let { severity, differing, memory } = one;
  let [first, last] = [one, one];
  groups.merge(memory.groups);
  for (const part of others) {
    const other = part.memory;
    if (isWorse(part.severity, severity)) severity = part.severity;
    if (isEarlier(part, first)) first = part;
    if (isLater(part, last)) last = part;
    differing += part.differing;
    groups.merge(other.groups);
    memory = {
      offered: memory.offered + other.offered,
      groups: "",
      rechecks: addRechecks(memory.rechecks, other.rechecks),
      isByTest: memory.isByTest || other.isByTest,
    };
  }
  const { state, lastSeenMs, lastBuild } = last;
  const { firstSeenMs, firstBuild } = first;
  const { isByTest, rechecks } = memory;
  return {
    ...one,
    severity,
    state,
    differing,
    groups: groups.count,
    confirmedBy: confirmationOf({ state, severity, isByTest, rechecks }),
    firstSeenMs,
    lastSeenMs,
    firstBuild,
    lastBuild,
    memory: { ...memory, groups: groups.text },
  };
}

const isEarlier = (one: FamilyRow, other: FamilyRow): boolean =>
  one.firstSeenMs === other.firstSeenMs ? one.firstBuild < other.firstBuild : one.firstSeenMs < other.firstSeenMs;

function isLater(one: FamilyRow, other: FamilyRow): boolean {
  if (one.lastSeenMs !== other.lastSeenMs) return one.lastSeenMs > other.lastSeenMs;
  if (one.state !== other.state) return rankOf(one.state) > rankOf(other.state);
  return one.lastBuild > other.lastBuild;
}
