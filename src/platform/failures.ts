const WINDOW_MS = 30_000;
const REPEATED = 5;
const QUIET_MS = 60_000;

export interface Failures {
  good(): void;
  /** `what` is one of the traffic's own names (`POST /api/v1/sessions`, `tutor turn`), never an id or an address. */
  bad(what: string, why: string): void;
  totals(): { readonly good: number; readonly bad: number };
}

interface Seen {
  times: number[];
  unsaid: number;
  saidAt: number | null;
}

/**
 * Counts what the students met. One failure is everyday life; the same thing failing five times in half a minute is
 * said, once, and then at most once a minute with its count (ux.md §7).
 */
export function createFailures(say: (line: string) => void, now: () => number): Failures {
  const seen = new Map<string, Seen>();
  let good = 0;
  let bad = 0;
  return {
    good: () => void (good += 1),
    bad(what, why) {
      bad += 1;
      const entry = seen.get(what) ?? { times: [], unsaid: 0, saidAt: null };
      seen.set(what, entry);
      const at = now();
      entry.times = [...entry.times.filter((time) => at - time < WINDOW_MS), at].slice(-REPEATED);
      entry.unsaid += 1;
      const isRepeated = entry.times.length >= REPEATED;
      if (!isRepeated || (entry.saidAt !== null && at - entry.saidAt < QUIET_MS)) return;
      say(`students: ${what} keeps failing (${entry.unsaid} times since the last word on it); last: ${why}`);
      entry.saidAt = at;
      entry.unsaid = 0;
    },
    totals: () => ({ good, bad }),
  };
}
