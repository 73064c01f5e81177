// One alarm for one moment of the wall clock.

/** What the scheduler needs of time: `setTimeout`, or a test's hand. */
export interface Timers {
  /** Calls `callback` once after `delayMs` (at most 2³¹−1); returns how to call it off. */
  set(callback: () => void, delayMs: number): () => void;
}

export const systemTimers: Timers = {
  set(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * A timer beyond 2³¹−1 ms fires at once, so the way is cut into steps (embedded-convex §3.6). The steps are far smaller than
 * that: timers stand still while the machine sleeps and know nothing of a clock that was set; the next step sees both.
 */
export const STEP_MAX_MS = 60_000;

export interface Alarm {
  /** Rings once at `atMs` (epoch ms) or, if that has passed, as soon as it can; takes the place of what was set before. */
  set(atMs: number | null): void;
}

/** Milliseconds until the alarm looks at the clock again: never negative, never a fraction, at most one step. Pure. */
export function stepTo(atMs: number, nowMs: number): number {
  return Math.min(Math.max(0, Math.ceil(atMs - nowMs)), STEP_MAX_MS);
}

/** `ring` is called from a timer, never from within `set`. */
export function createAlarm(options: { clock: () => number; timers: Timers; ring: () => void }): Alarm {
  const { clock, timers, ring } = options;
  let callOff: (() => void) | null = null;
  const walk = (atMs: number): void => {
    callOff = timers.set(
      () => {
        callOff = null;
        if (clock() >= atMs) ring();
        else walk(atMs);
      },
      stepTo(atMs, clock()),
    );
  };
  return {
    set(atMs) {
      callOff?.();
      callOff = null;
      if (atMs !== null) walk(atMs);
    },
  };
}
