import type { Timing } from "./ports.ts";

export interface Pace {
  /** Resolves when it is the caller's turn; all callers together get `perSecond` turns a second. */
  turn(signal: AbortSignal): Promise<void>;
}

/** One rhythm for all students, with irregular steps, so that the stream looks like people and never grows with them. */
export function createPace(perSecond: number, timing: Timing): Pace {
  const stepMs = 1_000 / perSecond;
  let next = timing.now();
  return {
    async turn(signal) {
      const at = Math.max(timing.now(), next);
      next = at + stepMs * (0.5 + timing.random());
      await timing.sleep(Math.max(0, at - timing.now()), signal);
    },
  };
}
