import assert from "node:assert/strict";
import type { EventEmitter } from "node:events";
import type { Writable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import * as ws from "ws";
import { readWholeFrames } from "./wholeFrames.ts";

type Receiver = Writable & EventEmitter;
/** Offered by the library, missing in its types. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: object) => Receiver };

const BYTES_MAX = 20_000;

interface FrameSpec {
  readonly first: number;
  readonly payload: Buffer;
  readonly isMasked: boolean;
}

function frameBytes({ first, payload, isMasked }: FrameSpec): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = first;
  header[1] = (isMasked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([header, payload]);
  const mask = Buffer.from([1, 0x80, 0x7f, 0xfe]);
  return Buffer.concat([header, mask, payload.map((byte, i) => byte ^ (mask[i % 4] as number))]);
}

/** What a reader of these chunks is told, in order, and how many of its messages the library did not read. */
async function read(chunks: readonly Buffer[], isServer: boolean, isTapped: boolean) {
  const receiver = new Receiver({ isServer, maxPayload: BYTES_MAX, maxFragments: 4 });
  const told: unknown[] = [];
  let tapped = 0;
  const message = (data: Buffer, isBinary: boolean): void =>
    void told.push([isBinary ? "binary" : "text", data.toString("hex")]);
  receiver.on("message", message);
  for (const name of ["ping", "pong", "conclude"]) {
    receiver.on(name, (...facts: unknown[]) => told.push([name, ...facts.map(String)]));
  }
  receiver.on("error", (error) => told.push(["error", error.message]));
  if (isTapped) {
    const socket = { _receiver: receiver } as unknown as ws.WebSocket;
    readWholeFrames(socket, {
      isMasked: isServer,
      messageBytesMax: BYTES_MAX,
      onMessage(data, isBinary) {
        tapped += 1;
        message(data, isBinary);
      },
    });
  }
  for (const chunk of chunks) if (!receiver.errored && !receiver.writableEnded) receiver.write(Buffer.from(chunk));
  if (!receiver.errored && !receiver.writableEnded) receiver.end();
  if (!receiver.closed) await new Promise((resolve) => receiver.once("close", resolve));
  return { told, tapped };
}

const text = (value: string): FrameSpec => ({ first: 0x81, payload: Buffer.from(value), isMasked: true });

test("messages that come whole never reach the library, several in one chunk too", async () => {
  const frames = [text("a"), text("é".repeat(100)), { ...text("x"), first: 0x82 }, text("")];
  for (const isMasked of [true, false]) {
    const bytes = frames.map((frame) => frameBytes({ ...frame, isMasked }));
    const { told, tapped } = await read([...bytes, Buffer.concat(bytes)], isMasked, true);
    assert.equal(tapped, 8);
    assert.deepEqual(told.slice(0, 4), told.slice(4));
    assert.deepEqual(told[1], ["text", Buffer.from("é".repeat(100)).toString("hex")]);
  }
});

test("what comes in pieces is the library's, and what comes whole after it is not", async () => {
  const bytes = frameBytes(text("cut in two"));
  const { told, tapped } = await read([bytes.subarray(0, 5), bytes.subarray(5), bytes], true, true);
  assert.deepEqual([told.length, tapped], [2, 1]);
});

const payload = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 200 }).map((value) => Buffer.from(value)) },
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(125, 126, 127, 8_192, 8_193, 20_000, 20_001, 70_000).map((length) => Buffer.alloc(length, 0x61)),
);
const first = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(0x81, 0x82) },
  { weight: 5, arbitrary: fc.constantFrom(0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88) },
  fc.nat(255),
);
const frame = fc.record({ first, payload, isMasked: fc.boolean() });

test("whatever comes, and however it is cut, the listener is told the same as by the library alone", async () => {
  let tapped = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 8 }),
      fc.array(fc.nat(400), { maxLength: 6 }),
      fc.boolean(),
      fc.boolean(),
      async (frames, cuts, isServer, isCut) => {
        // Nearly all of them masked as they must be: else the first one would be the last.
        const bytes = frames.map((each, i) => frameBytes({ ...each, isMasked: isServer === (each.isMasked || i < 5) }));
        const chunks = isCut ? cut(Buffer.concat(bytes), cuts) : bytes;
        const alone = await read(chunks, isServer, false);
        const both = await read(chunks, isServer, true);
        assert.deepEqual(both.told, alone.told);
        tapped += both.tapped;
      },
    ),
    { numRuns: 1_500 },
  );
  assert.ok(tapped > 500, `read only ${tapped}`);
});

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...chunks, bytes.subarray(at)].filter((chunk) => chunk.length > 0);
}
