// What several processes of one proxy have stored of one campaign, as one (shadow §14).
import { isWorse } from "../words.ts";
import type { Confirmation, FamilyState } from "./families.ts";
import type { FamilyRow, GapRow, SampleRow } from "./model.ts";
import { SAMPLES } from "./reservoir.ts";

/** What one process still sees is not over, whatever the others say. */
const STATES: readonly FamilyState[] = ["regressed", "open", "accepted", "fixed"];
const CONFIRMATIONS: readonly Confirmation[] = ["breaking", "family-test", "re-checks"];

const firstOf = <T>(order: readonly T[], ...found: readonly (T | null)[]): T | null =>
  order.find((one) => found.includes(one)) ?? null;

/** By name. Groups that two processes have seen count twice: who they are is not stored. */
export function mergeFamilies(rows: Iterable<FamilyRow>): readonly FamilyRow[] {
  const merged = new Map<string, FamilyRow>();
  for (const row of rows) {
    const known = merged.get(row.name);
    merged.set(row.name, known === undefined ? row : bothOf(known, row));
  }
  return [...merged.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function bothOf(one: FamilyRow, other: FamilyRow): FamilyRow {
  const first = other.firstSeenMs < one.firstSeenMs ? other : one;
  const last = other.lastSeenMs > one.lastSeenMs ? other : one;
  return {
    ...one,
    severity: isWorse(other.severity, one.severity) ? other.severity : one.severity,
    state: firstOf(STATES, one.state, other.state) ?? one.state,
    differing: one.differing + other.differing,
    groups: one.groups + other.groups,
    confirmedBy: firstOf(CONFIRMATIONS, one.confirmedBy, other.confirmedBy),
    firstSeenMs: first.firstSeenMs,
    firstBuild: first.firstBuild,
    lastSeenMs: last.lastSeenMs,
    lastBuild: last.lastBuild,
  };
}

/** Of one family: in turns from each process, and no more of a group than one process would keep (shadow §4). */
export function mergeSamples(files: readonly (readonly SampleRow[])[]): readonly SampleRow[] {
  const ofGroup = new Map<string, number>();
  const kept: SampleRow[] = [];
  const longest = Math.max(0, ...files.map((rows) => rows.length));
  for (let at = 0; at < longest; at++) {
    for (const rows of files) {
      const row = rows[at];
      const count = row === undefined ? 0 : (ofGroup.get(row.group) ?? 0);
      if (row === undefined || count >= SAMPLES.perGroup || kept.length >= SAMPLES.samples) continue;
      ofGroup.set(row.group, count + 1);
      kept.push({ ...row, place: kept.length });
    }
  }
  return kept;
}

export function mergeGaps(rows: readonly GapRow[]): readonly GapRow[] {
  const byPlace = new Map(rows.map((row) => [`${row.process} ${row.fromMs}`, row]));
  return [...byPlace.values()].sort(
    (one, other) =>
      one.fromMs - other.fromMs || (one.process < other.process ? -1 : one.process > other.process ? 1 : 0),
  );
}
