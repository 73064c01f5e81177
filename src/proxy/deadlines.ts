import type { Clock } from "../kernel/index.ts";

/** Something that must show progress by a moment that it keeps moving on. */
export interface Timed {
  /** Monotonic ms; read at each check. */
  readonly deadlineMs: number;
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

export function createDeadlines(clock: Clock): Deadlines {
  const running = new Set<Timed>();
  let cancel = () => {};
  const check = (): void => {
    const nowMs = clock.monotonic();
    for (const item of running) if (item.deadlineMs <= nowMs) item.onDeadline();
    cancel = clock.after(CHECK_MS, check);
  };
  cancel = clock.after(CHECK_MS, check);
  return {
    add: (item) => void running.add(item),
    remove: (item) => void running.delete(item),
    stop: () => cancel(),
  };
}
