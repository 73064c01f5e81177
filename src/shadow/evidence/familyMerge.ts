// Rows of families from several runs, processes and files, as one (shadow §14: summed on read). In any order, in any grouping the same.
import { isWorse } from "../words.ts";
import { Distinct } from "./distinct.ts";
import { confirmationOf, type FamilyState, stateOfSeen } from "./family.ts";
import type { FamilyMemory, FamilyPart, FamilyRow, FixedIn } from "./model.ts";
import { addRechecks } from "./rechecks.ts";

/** By name. */
export function familiesOf(parts: Iterable<FamilyPart>): readonly FamilyPart[] {
  const byName = Map.groupBy(parts, ({ name }) => name);
  return [...byName.values()].map(mergeFamilies).sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** At one time: what a rule accepts counts too where another process has no such rule. */
const rankOf = ({ state, memory }: FamilyPart): number =>
  memory.sinceMs === null ? RANKS.indexOf(state) : Number(state !== "accepted");
/** Who says fixed has seen no more of it, who says open or accepted has not seen that it was fixed. */
const RANKS: readonly FamilyState[] = ["open", "accepted", "regressed", "fixed"];

/** @throws RangeError for none */
export function mergeFamilies(parts: readonly FamilyPart[]): FamilyPart {
  const seen = parts.filter(({ memory }) => memory.sinceMs !== null);
  // Of what was seen here, those tell that have seen it.
  const [one, ...others] = seen.length > 0 ? seen : parts;
  if (one === undefined) throw new RangeError("no row of the family");
  const severity = others.reduce(
    (worst, part) => (isWorse(part.severity, worst) ? part.severity : worst),
    one.severity,
  );
  const last = others.reduce((found, part) => (isLater(part, found) ? part : found), one);
  const first = parts.reduce((found, part) => (isEarlier(part, found) ? part : found), one);
  const memory = mergeMemories(parts.map((part) => part.memory));
  const { sinceMs, goneMs, isByTest, rechecks } = memory;
  const isCarried = sinceMs === null;
  const state = isCarried || last.state === "accepted" ? last.state : stateOfSeen(sinceMs, goneMs);
  return {
    ...one,
    severity,
    state,
    differing: parts.reduce((sum, { differing }) => sum + differing, 0),
    groups: new Distinct(memory.groups).count,
    confirmedBy: isCarried ? null : confirmationOf({ state, severity, isByTest, rechecks }),
    firstSeenMs: first.firstSeenMs,
    lastSeenMs: last.lastSeenMs,
    firstBuild: first.firstBuild,
    lastBuild: last.lastBuild,
    isCarried,
    fixed: parts.map(({ fixed }) => fixed).reduce(laterFixed),
    memory,
  };
}

function mergeMemories(all: readonly FamilyMemory[]): FamilyMemory {
  const groups = new Distinct();
  for (const one of all) groups.merge(one.groups);
  return {
    offered: all.reduce((sum, { offered }) => sum + offered, 0),
    sinceMs: earliest(all.map(({ sinceMs }) => sinceMs)),
    goneMs: earliest(all.map(({ goneMs }) => goneMs)),
    groups: groups.text,
    rechecks: all.map(({ rechecks }) => rechecks).reduce(addRechecks),
    isByTest: all.some(({ isByTest }) => isByTest),
  };
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function laterFixed(one: FixedIn | null, other: FixedIn | null): FixedIn | null {
  if (one === null || other === null) return one ?? other;
  if (one.atMs !== other.atMs) return one.atMs > other.atMs ? one : other;
  return one.build > other.build ? one : other;
}

const isEarlier = (one: FamilyRow, other: FamilyRow): boolean =>
  one.firstSeenMs === other.firstSeenMs ? one.firstBuild < other.firstBuild : one.firstSeenMs < other.firstSeenMs;

function isLater(one: FamilyPart, other: FamilyPart): boolean {
  if (one.lastSeenMs !== other.lastSeenMs) return one.lastSeenMs > other.lastSeenMs;
  if (rankOf(one) !== rankOf(other)) return rankOf(one) > rankOf(other);
  return one.lastBuild > other.lastBuild;
}
