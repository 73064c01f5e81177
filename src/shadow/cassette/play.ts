// Plays a recording in the time it took, joining it when it still runs (shadow K3).
import type { Clock } from "../../kernel/index.ts";
import type { Tape, TapeEvent } from "./tape.ts";

/** The recording was dropped while it was played. */
export class TapeGone extends Error {
  constructor() {
    super("the recording was dropped while it was played");
  }
}

/** Resolves when `start` says so or when nobody waits any more. */
export function untilSaid(left: AbortSignal, start: (say: () => void) => () => void): Promise<void> {
  if (left.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const say = (): void => {
      stop();
      left.removeEventListener("abort", say);
      resolve();
    };
    left.addEventListener("abort", say, { once: true });
    const stop = start(say);
  });
}

/**
 * Each event as long after the start of the playing as it came after the start of the call, or when it comes, whichever
 * is later. Ends early, without an end event, when `left` is aborted. @throws TapeGone
 */
export async function* play(tape: Tape, clock: Clock, left: AbortSignal): AsyncGenerator<TapeEvent, void> {
  const startedAt = clock.monotonic();
  for (let at = 0; ; at++) {
    while (tape.event(at) === undefined && !tape.isGone && !left.aborted) {
      await untilSaid(left, (say) => tape.watch(say));
    }
    const event = tape.event(at);
    if (left.aborted) return;
    if (event === undefined) throw new TapeGone();
    const waitMs = startedAt + event.atMs - clock.monotonic();
    if (waitMs > 0) await untilSaid(left, (say) => clock.after(waitMs, say));
    if (left.aborted) return;
    yield event;
    if (event.type === "end") return;
  }
}
