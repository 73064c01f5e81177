// How many groups a campaign had in its sample, and how many wait for it (shadow J1): gauges of its processes, added up on read.
import type { GroupCounts } from "./model.ts";

/** What one run has saved last. */
export interface RunGroups {
  /** Runs of one process, one after the other, share it. */
  readonly slot: string;
  /** Epoch ms. */
  readonly savedMs: number;
  readonly isEnded: boolean;
  /** Null: its unit seeds nothing. */
  readonly groups: GroupCounts | null;
}

/** Processes of one fleet save every second, and stop within this. */
const TOGETHER_MS = 60_000;

/** Of those that run; when all have stopped, of those that ran last. Null: nothing is seeded. */
export function sumGroups(runs: readonly RunGroups[]): GroupCounts | null {
  const bySlot = Map.groupBy(runs, ({ slot }) => slot);
  const last = [...bySlot.values()].map((all) => all.reduce((one, other) => (isNewer(other, one) ? other : one)));
  const newestMs = Math.max(...last.map(({ savedMs }) => savedMs));
  const together = last.filter(({ savedMs }) => savedMs >= newestMs - TOGETHER_MS);
  const running = together.filter(({ isEnded }) => !isEnded);
  const counted = (running.length > 0 ? running : together).flatMap(({ groups }) => groups ?? []);
  if (counted.length === 0) return null;
  const sum = (of: (counts: GroupCounts) => number): number => counted.reduce((all, one) => all + of(one), 0);
  return { waiting: sum((one) => one.waiting), seeded: sum((one) => one.seeded), diverged: sum((one) => one.diverged) };
}

const isNewer = (one: RunGroups, other: RunGroups): boolean =>
  one.savedMs === other.savedMs ? !one.isEnded && other.isEnded : one.savedMs > other.savedMs;
