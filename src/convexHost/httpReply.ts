// Short answers of the HTTP face: JSON or text, and the errors of the transport (embedded-convex §3.9).
import type { IncomingMessage, ServerResponse } from "node:http";
import { TransportError } from "./words.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How long a client may go on sending what nobody reads, so that it gets to see the answer. */
const LINGER_MS = 2_000;

/** `json` is text already. */
export function jsonReply(status: number, json: string): Reply {
  return { status, headers: { "content-type": "application/json" }, body: json };
}

export function textReply(status: number, body: string, contentType = "text/plain; charset=utf-8"): Reply {
  return { status, headers: { "content-type": contentType }, body };
}

/** 4xx and 503 as `{code, message}`; what is no TransportError is ours to answer for, and tells nothing. */
export function errorReply(error: unknown): Reply {
  const { status, code, message } =
    error instanceof TransportError
      ? error
      : { status: 500, code: "InternalServerError", message: "The embedded host failed; its log says why" };
  return jsonReply(status, JSON.stringify({ code, message }));
}

/** Sends it unless the client is gone or has its answer already; nothing of it may stay in a cache. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(reply.status, {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...reply.headers,
    // RFC 9110 §8.6: a 204 has none.
    ...(reply.status === 204 ? {} : { "content-length": String(Buffer.byteLength(reply.body)) }),
  });
  response.end(response.req.method === "HEAD" ? undefined : reply.body);
}

/** After the answer: takes in what is left of a body that nobody wanted, but not for long. */
export function leaveBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.on("error", () => undefined);
  request.resume();
  const timer = setTimeout(() => request.destroy(), LINGER_MS).unref();
  request.once("close", () => clearTimeout(timer));
}

/** The body piece by piece. @throws TransportError 413 beyond the limit, 400 when it ends too early */
export async function* limitedBody(request: IncomingMessage, bytesMax: number): AsyncGenerator<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  let size = 0;
  try {
    // Leaving early must not close the connection: the answer still has to go there.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bytesMax) throw tooLarge(bytesMax);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof TransportError || request.complete) throw error;
    throw new TransportError(400, "RequestAborted", "The body ended before all of it had come");
  }
}

const tooLarge = (bytesMax: number): TransportError =>
  new TransportError(413, "RequestTooLarge", `A body has at most ${bytesMax} bytes`);

export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of limitedBody(request, bytesMax)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
