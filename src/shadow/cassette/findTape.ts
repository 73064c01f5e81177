// Which recording answers a call, and how long the call waits for a better one (shadow K2, K3).
import type { Clock } from "../../kernel/index.ts";
import type { CassetteLimits } from "./limits.ts";
import { untilSaid } from "./play.ts";
import type { Tape } from "./tape.ts";
import type { TapeShelf } from "./tapeShelf.ts";

export interface WantedTape {
  readonly hash: string;
  readonly kind: string;
  readonly form: string;
  readonly requestId: string | null;
  readonly occurrence: number;
  /** Of a call that falls into parts: the served arm may know it from an earlier call, so it is not waited for. */
  readonly isPart: boolean;
}

export type Choice = { readonly tape: Tape | null } | { readonly waitMs: number };
/** Until it is looked again whether the wait is shorter. */
const LOOK_MS = 250;

type Patience = Pick<CassetteLimits, "waitMs" | "ownWaitMs">;

/**
 * The recording of the call's own request at once. Else the newest one with that key, but not before the own one had
 * time to begin: the whole time when the request's last try has not succeeded, for then another is likely. None at all is
 * waited for as long, unless the request has a recording of this kind that nobody has asked for: its prompt is another one.
 */
export function chooseTape(shelf: TapeShelf, wanted: WantedTape, waitedMs: number, limits: Patience): Choice {
  const { hash, requestId, occurrence } = wanted;
  const own = requestId === null ? null : shelf.nth(hash, requestId, occurrence);
  if (own !== null) return { tape: own };
  const tape = shelf.newest(hash, wanted.form);
  const last = requestId === null ? null : shelf.lastOf(hash, requestId);
  const isTriedAgain = last !== null && !last.isSuccess && !last.isGone;
  const ownWaitMs = requestId === null || wanted.isPart ? 0 : limits.ownWaitMs;
  const isAnother = tape === null && ownWaitMs > 0 && shelf.hasUnasked(wanted.kind, requestId as string);
  const patienceMs = !isAnother && (tape === null || isTriedAgain) ? limits.waitMs : ownWaitMs;
  return waitedMs < patienceMs ? { waitMs: patienceMs - waitedMs } : { tape };
}

/** Null: there is none, or nobody waits for it any more. */
export async function findTape(
  { shelf, clock, limits }: { readonly shelf: TapeShelf; readonly clock: Clock; readonly limits: Patience },
  wanted: WantedTape,
  left: AbortSignal,
): Promise<Tape | null> {
  const startedAt = clock.monotonic();
  while (!left.aborted) {
    const choice = chooseTape(shelf, wanted, clock.monotonic() - startedAt, limits);
    if ("tape" in choice) return choice.tape;
    await untilSaid(left, (say) => {
      // Looked at again on the way: a recording that shortens the wait has another key.
      const stops = [shelf.watch(wanted.hash, say), clock.after(Math.min(choice.waitMs, LOOK_MS), say)];
      return () => {
        for (const stop of stops) stop();
      };
    });
  }
  return null;
}
