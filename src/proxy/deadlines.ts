import type { Clock } from "../kernel/index.ts";

/** Something that must show progress by a moment that it keeps moving on. */
export interface Timed {
  /** Monotonic ms; read at each check. */
  readonly deadlineMs: number;
  /** Where it stands among the running ones, -1 when it does not; kept by `Deadlines` alone. */
  slot: number;
  onDeadline(): void;
}

/**
 * One timer for all running calls. A timer per call, re-armed between first byte and idle, costs the library more than
 * the rest of a call's bookkeeping (bench, rest); a quarter of a second of slack does not matter at limits of seconds.
 */
export interface Deadlines {
  add(item: Timed): void;
  remove(item: Timed): void;
  stop(): void;
}

const CHECK_MS = 250;

/**
 * The running ones stand in a dense list, and a leaving one's place is taken by the last. Not a `Set`: one whose items
 * come and go is rehashed, and each outgrown table keeps its items and leads to the next table, so that one table in the
 * old generation carries every later call there with it.
 */
export function createDeadlines(clock: Clock): Deadlines {
  const running: Timed[] = [];
  let cancel = () => {};
  const check = (): void => {
    const nowMs = clock.monotonic();
    // Acting on one may remove it and others.
    for (const item of running.filter((one) => one.deadlineMs <= nowMs)) if (item.slot !== -1) item.onDeadline();
    cancel = clock.after(CHECK_MS, check);
  };
  cancel = clock.after(CHECK_MS, check);
  return {
    add(item) {
      if (item.slot !== -1) return;
      item.slot = running.length;
      running.push(item);
    },
    remove(item) {
      const { slot } = item;
      if (slot === -1) return;
      item.slot = -1;
      const last = running.pop() as Timed;
      if (last === item) return;
      running[slot] = last;
      last.slot = slot;
    },
    stop: () => cancel(),
  };
}
