import type { WebSocket } from "ws";
import { openSocket, SocketLost } from "./socket.ts";

/** The contract's longest turn is 120 s (tutor-socket.md §2); the proxy and the way there get a little more. */
const TURN_MS = 130_000;

export interface TutorEnvelope {
  readonly content_type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly whiteboard_actions: readonly BoardAction[] | null;
}
export type BoardAction = Readonly<Record<string, unknown>> & { readonly type: string };

export interface TutorClient {
  /** Sends one queued frame and resolves with its envelope. One at a time. Rejects with `SocketLost`. */
  ask(frame: Readonly<Record<string, unknown>>): Promise<TutorEnvelope>;
  /** Streamed pieces whose sum was not the text of the final envelope (tutor-socket.md §5): must stay 0. */
  readonly broken: number;
  close(): void;
}

interface Waiting {
  readonly done: (envelope: TutorEnvelope) => void;
  readonly failed: (error: Error) => void;
}

export interface TutorOptions {
  readonly url: string;
  readonly token: string;
  /** Answers the arm's question for the board (frame O4). */
  readonly board: () => readonly unknown[];
}

/** A pending question is repeated at connect (tutor-socket.md §1.4) and answers no frame: it alone has no turn id. */
const isUnasked = (frame: Record<string, unknown>): boolean =>
  frame["content_type"] === "question" && frame["turn_id"] === undefined;

/** `url` asks for streaming (`stream=1`): only then envelopes name their turn. */
export async function openTutor({ url, token, board }: TutorOptions): Promise<TutorClient> {
  const what = "tutor socket";
  let waiting: Waiting | null = null;
  let closed: SocketLost | null = null;
  let streamed = "";
  let broken = 0;
  const settle = (end: (waiter: Waiting) => void): void => {
    const waiter = waiting;
    waiting = null;
    if (waiter) end(waiter);
  };
  const onEnvelope = (frame: TutorEnvelope): void => {
    const text = frame.data["explanation_text"];
    if (streamed !== "" && frame.content_type === "explanation" && text !== streamed) broken += 1;
    streamed = "";
    settle((waiter) => waiter.done(frame));
  };
  const onFrame = (frame: Record<string, unknown>): void => {
    if (frame["type"] === "raw_delta") streamed += String(frame["delta"]);
    else if (frame["type"] === "raw_reset") streamed = "";
    else if (frame["type"] === "REQUEST_BOARD_STATE") {
      socket.send(JSON.stringify({ type: "BOARD_STATE_RESPONSE", request_id: frame["request_id"], payload: board() }));
    } else if (typeof frame["content_type"] === "string" && !isUnasked(frame))
      onEnvelope(frame as unknown as TutorEnvelope);
  };
  const socket: WebSocket = await openSocket(what, url, token, (opening) => {
    opening.on("message", (data: Buffer) => onFrame(JSON.parse(data.toString("utf8")) as Record<string, unknown>));
    opening.on("close", (code, reason) => {
      closed = new SocketLost(what, code, reason.toString("utf8"));
      settle((waiter) => waiter.failed(closed as SocketLost));
    });
  });
  return {
    ask(frame) {
      if (closed) return Promise.reject(closed);
      return new Promise((done, failed) => {
        const timer = setTimeout(() => settle(() => failed(new SocketLost(what, 0, "no answer in time"))), TURN_MS);
        waiting = {
          done: (envelope) => {
            clearTimeout(timer);
            done(envelope);
          },
          failed: (error) => {
            clearTimeout(timer);
            failed(error);
          },
        };
        socket.send(JSON.stringify(frame));
      });
    },
    get broken() {
      return broken;
    },
    close: () => socket.close(1000),
  };
}
