// A clock and timers that only move when the test says so.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Timers } from "../alarm.ts";

export interface ManualTime {
  readonly clock: () => number;
  readonly timers: Timers;
  /** Delays that were asked for, in order. */
  readonly delaysMs: readonly number[];
  /** Moves the clock without ringing anything, as a sleep of the machine does. */
  jump(ms: number): void;
  /** Goes on by `ms`, rings every timer at its time, and lets what it started settle. */
  advance(ms: number): Promise<void>;
  readonly waiting: number;
}

/** Lets promises and immediates that are under way finish. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
}

export function createManualTime(startMs: number): ManualTime {
  let nowMs = startMs;
  /** Runs apart from the clock, like the monotonic clock behind real timers. */
  let elapsedMs = 0;
  const waiting = new Set<{ atMs: number; callback: () => void }>();
  const delaysMs: number[] = [];
  return {
    clock: () => nowMs,
    timers: {
      set(callback, delayMs) {
        delaysMs.push(delayMs);
        if (delayMs > 2 ** 31 - 1) delayMs = 1;
        const entry = { atMs: elapsedMs + Math.max(1, delayMs), callback };
        waiting.add(entry);
        return () => void waiting.delete(entry);
      },
    },
    delaysMs,
    jump: (ms) => void (nowMs += ms),
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      for (;;) {
        await settle();
        const next = [...waiting].sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > untilMs) break;
        waiting.delete(next);
        nowMs += next.atMs - elapsedMs;
        elapsedMs = next.atMs;
        next.callback();
      }
      nowMs += untilMs - elapsedMs;
      elapsedMs = untilMs;
      await settle();
    },
    get waiting() {
      return waiting.size;
    },
  };
}
