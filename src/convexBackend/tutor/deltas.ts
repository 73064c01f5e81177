// `raw_delta` and `raw_reset` of one turn (contract tutor-socket.md §5).
import type { Switchboard } from "../faults/switchboard.ts";
import type { Channel } from "../sockets/channel.ts";
import { createDeltaScanner, type DeltaScanner } from "./deltaScanner.ts";
import type { ReplyStream } from "./executor.ts";

/** From here on a slow client's deltas are merged into one. */
const MERGE_FROM_FRAMES = 64;

export interface TurnDeltas extends ReplyStream {
  /** Brings what was sent in line with the authoritative text. */
  settle(text: string | null): void;
}

export interface DeltaDeps {
  readonly channel: Channel;
  readonly turnId: string;
  readonly faults: Switchboard;
  readonly onFirst: () => void;
}

export function createTurnDeltas({ channel, turnId, faults, onFirst }: DeltaDeps): TurnDeltas {
  let scanner: DeltaScanner = createDeltaScanner();
  let seq = 0;
  let sent = "";
  let merged = "";
  let hasSent = false;

  function send(delta: string): void {
    if (faults.fire("delta-mismatch", channel.at)) return;
    const frame = { type: "raw_delta", turn_id: turnId, seq, delta };
    seq += 1;
    if (!hasSent) onFirst();
    hasSent = true;
    channel.sendText(JSON.stringify(frame), "raw_delta");
  }
  function flush(): void {
    if (merged === "") return;
    const delta = merged;
    merged = "";
    send(delta);
  }
  function reset(): void {
    merged = "";
    if (sent === "") return;
    sent = "";
    channel.sendText(JSON.stringify({ type: "raw_reset", turn_id: turnId, seq }), "raw_reset");
    seq += 1;
  }
  return {
    begin() {
      scanner = createDeltaScanner();
    },
    piece(piece) {
      const delta = scanner.push(piece);
      if (delta === "") return;
      sent += delta;
      merged += delta;
      if (channel.waitingFrames <= MERGE_FROM_FRAMES) flush();
    },
    fail() {
      reset();
      scanner = createDeltaScanner();
    },
    settle(text) {
      flush();
      if (text === null || sent === "" || sent === text) return;
      // A reply whose keys came twice: the last one counts, so the deltas of the first are void.
      reset();
      sent = text;
      send(text);
    },
  };
}
