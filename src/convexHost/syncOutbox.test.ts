import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { after, before, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { SyncOutbox } from "./syncOutbox.ts";

const MIB = 1_024 * 1_024;
let server: WebSocketServer;
let reader: WebSocket;
let socket: WebSocket;
let wire: Duplex;
before(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(server, "listening");
  reader = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [accepted, request] = (await once(server, "connection")) as [WebSocket, IncomingMessage];
  [socket, wire] = [accepted, request.socket];
  await once(reader, "open");
});
after(() => {
  reader.terminate();
  socket.terminate();
  server.close();
});

test("what waits behind the message being written counts, and is counted off as the reader takes it", async () => {
  const outbox = new SyncOutbox(socket, wire, 3 * MIB);
  const part = "x".repeat(8 * MIB);
  reader.pause();
  // More than the system's buffers take: it is being written until somebody reads.
  assert.equal(outbox.send([part, part, part, part]), true);
  assert.equal(outbox.waitingBytes, 0);
  assert.equal(outbox.send(["y".repeat(2 * MIB)]), true);
  assert.equal(outbox.waitingBytes, 2 * MIB);
  assert.equal(outbox.send(["é".repeat(MIB / 2)]), true);
  assert.equal(outbox.waitingBytes, 3 * MIB);
  assert.equal(outbox.send(["z"]), false);
  const received: string[] = [];
  reader.on("message", (data) => received.push((data as Buffer).toString().slice(0, 1)));
  reader.resume();
  while (received.length < 7) await once(reader, "message");
  assert.deepEqual(received, ["x", "x", "x", "x", "y", "é", "z"]);
  while (outbox.waitingBytes > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(outbox.send(["again"]), true);
  while (received.length < 8) await once(reader, "message");
});

test("what is held leaves with the next message after it, in order and in one write, or when it is released", async () => {
  const outbox = new SyncOutbox(socket, wire);
  const received: string[] = [];
  reader.on("message", (data) => received.push((data as Buffer).toString()));
  const chunks: number[] = [];
  const count = (chunk: Buffer): number => chunks.push(chunk.length);
  (reader as unknown as { _socket: Duplex })._socket.on("data", count);
  outbox.hold();
  outbox.send(["first"]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(received, []);
  outbox.send(["second"]);
  outbox.release();
  while (received.length < 2) await once(reader, "message");
  assert.deepEqual(received, ["first", "second"]);
  assert.deepEqual(chunks, [2 + "first".length + 2 + "second".length]);
  outbox.release();
  outbox.send(["third"]);
  while (received.length < 3) await once(reader, "message");
  assert.equal(outbox.waitingBytes, 0);
});
