/** Time as a port, so that tests advance it by hand (house.md §4). */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Monotonic milliseconds; only differences have a meaning. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels. Never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export interface ManualClock extends Clock {
  /** Moves time forward and runs what falls due, in order of due time, then of creation. */
  advance(ms: number): void;
  /** Moves the wall clock alone, as setting it does: nothing falls due. */
  step(ms: number): void;
  /** How many timers wait. */
  readonly pending: number;
}

export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let elapsedMs = 0;
  let steppedMs = 0;
  let order = 0;
  const waiting = new Set<Waiting>();
  const nextDue = (until: number): Waiting | undefined => {
    let best: Waiting | undefined;
    for (const item of waiting) {
      if (item.at > until) continue;
      if (!best || item.at < best.at || (item.at === best.at && item.order < best.order)) best = item;
    }
    return best;
  };
  return {
    now: () => startMs + steppedMs + elapsedMs,
    monotonic: () => elapsedMs,
    after(delayMs, run) {
      const item: Waiting = { at: elapsedMs + delayMs, order: order++, run };
      waiting.add(item);
      return () => void waiting.delete(item);
    },
    advance(ms) {
      const until = elapsedMs + ms;
      for (let due = nextDue(until); due; due = nextDue(until)) {
        waiting.delete(due);
        elapsedMs = due.at;
        due.run();
      }
      elapsedMs = until;
    },
    step(ms) {
      steppedMs += ms;
    },
    get pending() {
      return waiting.size;
    },
  };
}
