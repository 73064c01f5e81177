// Dials a shadow target for a socket's copy (shadow §10, I7): whatever the target does, the handshake has an end, told once.
import { WebSocket } from "ws";
import type { Clock } from "../../kernel/index.ts";
import { type HeaderList, pairsIn } from "../headerList.ts";
import type { Handshake } from "./messages.ts";

/** shadow I7. */
const CONNECT_MS = 3_000;
/** A refusal is a sentence; of a longer one only what came first and fits. */
const REFUSAL_BYTES_MAX = 16 * 1_024;
const FRAME_BYTES_MAX = 16 * 1_048_576;

export interface DialOptions {
  readonly clock: Clock;
  readonly url: string;
  readonly headers: HeaderList;
  /** Once. */
  onHandshake(result: Handshake): void;
  onMessage(data: Buffer, isBinary: boolean): void;
  onPong(): void;
  onClose(code: number): void;
}

/** @returns null when it cannot even be tried; that is told like any other end */
export function dialCopy({
  clock,
  url,
  headers,
  onHandshake,
  onMessage,
  onPong,
  onClose,
}: DialOptions): WebSocket | null {
  let isSettled = false;
  const settle = (result: Handshake): void => {
    if (isSettled) return;
    isSettled = true;
    cancel();
    onHandshake(result);
  };
  const cancel = clock.after(CONNECT_MS, () => settle({ error: "timeout" }));
  const socket = createSocket(url, headers);
  if (socket === null) {
    settle({ error: "protocol" });
    return null;
  }
  socket.on("open", () => settle({ status: 101, contentType: "", body: new Uint8Array(0) }));
  socket.on("unexpected-response", (request, reply) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (): void => {
      request.destroy();
      const contentType = reply.headers["content-type"] ?? "";
      settle({ status: reply.statusCode ?? 502, contentType, body: new Uint8Array(Buffer.concat(chunks)) });
    };
    reply.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > REFUSAL_BYTES_MAX) end();
      else chunks.push(chunk);
    });
    reply.on("end", end);
    reply.on("error", end);
  });
  socket.on("error", (error: Error & { readonly code?: string }) =>
    settle({ error: error.code === "ECONNREFUSED" ? "refused" : "reset" }),
  );
  socket.on("message", (data: Buffer, isBinary) => onMessage(data, isBinary));
  socket.on("pong", onPong);
  socket.on("close", (code) => {
    settle({ error: "reset" });
    onClose(code);
  });
  return socket;
}

function createSocket(url: string, headers: HeaderList): WebSocket | null {
  try {
    const { origin, pathname, search } = new URL(url);
    return new WebSocket(`${origin}/`, {
      agent: false,
      headers: Object.fromEntries(pairsIn(headers)),
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES_MAX,
      followRedirects: false,
      finishRequest: (request: { path: string; end(): void }) => {
        request.path = pathname + search;
        request.end();
      },
    });
  } catch {
    return null; // a header or a path that no client would send
  }
}
