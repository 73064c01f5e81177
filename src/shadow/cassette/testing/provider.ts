// A provider in this process, and callers that see every piece as it comes; real sockets all the way.
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface Heard {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly pieces: readonly { readonly text: string; readonly atMs: number }[];
  readonly text: string;
  /** False: it broke off. */
  readonly isWhole: boolean;
}

export interface SeenCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
  /** When the connection of the call ended before its answer did, on the monotonic clock; null: it has not. */
  leftAt: number | null;
}

export type Answer = (call: SeenCall) => void | Promise<void>;

export async function startProvider(answer: Answer) {
  const calls: SeenCall[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      return;
    }
    const call: SeenCall = { request, response, body: Buffer.concat(chunks).toString(), leftAt: null };
    response.on("close", () => {
      if (!response.writableFinished) call.leftAt = performance.now();
    });
    calls.push(call);
    await answer(call);
  });
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket.on("close", () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    connections: () => connections,
    async stop() {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Say {
  readonly body?: unknown;
  readonly requestId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly path?: string;
  readonly method?: string;
  readonly onPiece?: (text: string) => void;
  readonly agent?: Agent;
  /** Without saying before how long it is. */
  readonly isChunked?: boolean;
}

/** Rejects only when there is no head of an answer. */
export function say(
  baseUrl: string,
  { body, requestId, headers, signal, path, method, onPiece, agent, isChunked }: Say,
): Promise<Heard> {
  const startedAt = performance.now();
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(baseUrl + (path ?? "/say"), {
      method: method ?? "POST",
      agent: agent ?? new Agent({ maxSockets: 1 }),
      headers: {
        ...(isChunked !== true && { "content-length": Buffer.byteLength(text) }),
        ...(requestId && { "x-request-id": requestId }),
        ...headers,
      },
      ...(signal && { signal }),
    });
    let isAnswered = false;
    outgoing.on("error", (error) => isAnswered || reject(error));
    outgoing.on("response", (answer) => {
      isAnswered = true;
      const pieces: { text: string; atMs: number }[] = [];
      answer.on("data", (chunk: Buffer) => {
        pieces.push({ text: chunk.toString(), atMs: performance.now() - startedAt });
        onPiece?.(chunk.toString());
      });
      answer.on("error", () => undefined);
      answer.on("close", () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          pieces,
          text: pieces.map((piece) => piece.text).join(""),
          isWhole: answer.complete,
        }),
      );
    });
    if (isChunked === true) outgoing.flushHeaders();
    outgoing.end(text);
  });
}

export const texts = ({ pieces }: Heard): readonly string[] => pieces.map(({ text }) => text);

/** Looks again and again; throws what it waited for when that has not come in time. */
export async function until(what: () => boolean, timeoutMs = 5_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!what()) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what.toString()}`);
    await pause(1);
  }
}
