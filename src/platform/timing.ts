import { setTimeout as wait } from "node:timers/promises";
import type { Timing } from "./ports.ts";

export const systemTiming: Timing = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    if (signal?.aborted) return;
    // An aborted wait is an ended wait here; callers look at their signal.
    await wait(ms, undefined, signal ? { signal } : {}).catch(() => {});
  },
  random: () => Math.random(),
};

/**
 * Waits between attempts: `firstMs` doubling to `maxMs`. `jitter` 0 is exact, 1 is anything from zero up ("full
 * jitter"), so that clients that were cut off together do not come back together (handoff.md §10).
 */
export function createBackoff(
  options: { firstMs: number; maxMs: number; jitter: number },
  random: () => number = Math.random,
) {
  let attempt = 0;
  return {
    next(): number {
      const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt++, 30));
      return full * (1 - options.jitter * random());
    },
    reset(): void {
      attempt = 0;
    },
  };
}
