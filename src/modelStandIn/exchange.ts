// One HTTP exchange: reading a bounded body, writing JSON or a stream, pausing, cutting the connection.
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as nextTick, setTimeout as sleep } from "node:timers/promises";
import { type ApiError, bodyTooLarge } from "./errors.ts";

/** Embedding batches of 64 chunks and whole documents fit many times over. */
export const BODY_BYTES_MAX = 8 * 1_048_576;

/** Ends the handling of a request with this answer. */
export class Refusal extends Error {
  readonly error: ApiError;
  constructor(error: ApiError) {
    super("refused");
    this.error = error;
  }
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) throw new Refusal(bodyTooLarge(BODY_BYTES_MAX));
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

export interface Exchange {
  readonly response: ServerResponse;
  /** Aborted when the client is gone: nothing waits or writes for nobody. */
  readonly gone: AbortSignal;
}

export function openExchange(response: ServerResponse): Exchange {
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  return { response, gone: controller.signal };
}

/** Rejects with an AbortError when the client leaves. */
export async function pause({ gone }: Exchange, ms: number): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: gone });
  else gone.throwIfAborted();
}

export function sendJson(
  { response }: Exchange,
  status: number,
  body: unknown,
  headers: ApiError["headers"] = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body), "utf8");
  response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length, ...headers });
  response.end(bytes);
}

export function sendText({ response }: Exchange, status: number, text: string): void {
  response.writeHead(status, text === "" ? {} : { "content-type": "text/plain; charset=utf-8" });
  response.end(text);
}

export function startEvents({ response }: Exchange): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  response.flushHeaders();
}

/** Waits for the client to read when the socket's buffer is full. */
export async function writeEvent({ response, gone }: Exchange, event: string): Promise<void> {
  if (response.write(event)) return;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => reject(gone.reason as Error);
    gone.addEventListener("abort", stop, { once: true });
    response.once("drain", () => {
      gone.removeEventListener("abort", stop);
      resolve();
    });
  });
}

/** Destroys the connection once what was written has left the process. */
export async function cut({ response }: Exchange): Promise<void> {
  await nextTick();
  response.destroy();
}

/** A plain reply that breaks off after its headers. */
export async function cutAfterHeaders(exchange: Exchange, body: unknown): Promise<void> {
  const { response } = exchange;
  const bytes = Buffer.byteLength(JSON.stringify(body));
  response.writeHead(200, { "content-type": "application/json", "content-length": bytes });
  response.flushHeaders();
  await cut(exchange);
}
