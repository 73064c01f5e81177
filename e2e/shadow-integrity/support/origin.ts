// An arm, or a shadow target, whose every answer follows from its request alone: bytes by seed, and the hash of what was sent up.
// A process of its own.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { bytesOf, createRandom, piecesOf, sha256 } from "./bytes.ts";

const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const PIECE = bytesOf(1, 64 * 1024);
const EVENTS = 5;
const EVENT_MS = 10;
/** How long it takes over each frame. */
const FRAME_MS = Number(process.argv[2] ?? 0);

async function hashOf(request: IncomingMessage): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of request as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("hex");
}

async function write(response: ServerResponse, piece: Buffer): Promise<void> {
  if (!response.write(piece) && !response.destroyed)
    await Promise.race([once(response, "drain"), once(response, "close")]);
}

/** What was sent up as its hash, then `size` bytes by seed. */
async function bytes(query: URLSearchParams, up: string, response: ServerResponse): Promise<void> {
  const [size, seed] = [Number(query.get("size")), Number(query.get("seed"))];
  const body = Buffer.concat([Buffer.from(up), bytesOf(seed, size)]);
  response.setHeader("content-type", "application/octet-stream");
  if (query.get("chunked") === null) {
    response.setHeader("content-length", body.length);
    response.end(body);
    return;
  }
  response.flushHeaders();
  for (const piece of piecesOf(body, createRandom(seed))) await write(response, piece);
  response.end();
}

async function events(response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let at = 0; at < EVENTS; at++) {
    response.write(`id: ${at}\ndata: event ${at}\n\n`);
    await pause(EVENT_MS);
  }
  response.end();
}

async function large(length: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": length });
  for (let left = length; left > 0 && !response.destroyed; left -= PIECE.length) {
    await write(response, left < PIECE.length ? PIECE.subarray(0, left) : PIECE);
  }
  response.end();
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://origin");
  if (pathname === "/bytes") await bytes(searchParams, request.method === "GET" ? "" : await hashOf(request), response);
  else if (pathname === "/events") await events(response);
  else if (pathname === "/large") await large(Number(searchParams.get("size")), response);
  else if (pathname === "/unmirrored/bytes") await bytes(searchParams, await hashOf(request), response);
  else if (pathname === "/unmirrored/large") await large(Number(searchParams.get("size")), response);
  else response.writeHead(pathname === "/healthz" ? 200 : 404).end();
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.keepAliveTimeout = 65_000;
server.requestTimeout = 0;
const sockets = new WebSocketServer({ server, path: "/socket", maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false });
sockets.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (data: Buffer, isBinary) => {
    const reply = (): void => {
      socket.send(sha256(data));
      socket.send(data, { binary: isBinary });
    };
    if (FRAME_MS === 0) reply();
    else setTimeout(reply, FRAME_MS);
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: "listening", port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
