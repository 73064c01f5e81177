// A served socket that is not mirrored. What it does only the served arm has: its group is at rest when it has closed (shadow J1), and
// what its frames bring about the other arm may not have yet (shadow W3, §8).
import type { Clock } from "../../kernel/index.ts";
import type { SocketTap } from "../../proxy/ports.ts";

/** Much less than the time in which a read is overtaken. */
const NOTED_MS = 100;

export interface UnseenSocketOptions {
  readonly clock: Clock;
  /** Something may have been written; once in a while is enough. */
  onWrite(): void;
  onEnd(): void;
}

/** A frame of either side counts: an answer often tells of what was written just before it. */
export function unseenSocket({ clock, onWrite, onEnd }: UnseenSocketOptions): SocketTap {
  let notedMs = Number.NEGATIVE_INFINITY;
  const safely = (run: () => void): void => {
    try {
      run();
    } catch {
      // shadow I1: there is no exchange that it could be told of
    }
  };
  const note = (): void => {
    const nowMs = clock.monotonic();
    if (nowMs - notedMs < NOTED_MS) return;
    notedMs = nowMs;
    safely(onWrite);
  };
  const ended = (): void => safely(onEnd);
  return {
    opened: note,
    refused: ended,
    failed: ended,
    fromClient: note,
    fromArm: note,
    closed() {
      note();
      ended();
    },
  };
}
