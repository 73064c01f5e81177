import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../../proxy/ports.ts";
import { whiteboardCodec } from "./whiteboard.ts";

const update: Frame = { isBinary: true, data: Uint8Array.of(0, 0) };
const words: Frame = { isBinary: false, data: new TextEncoder().encode('{"type":"user_message"}') };

test("updates are state one way and pushes the other, and no turn is ever open", () => {
  const start = whiteboardCodec.start();
  const [afterClient, sent] = whiteboardCodec.fromClient(start, update);
  const [afterArm, received] = whiteboardCodec.fromArm(afterClient, update);
  assert.deepEqual([sent, received, whiteboardCodec.openTurns(afterArm)], ["state", "push", 0]);
});

test("frames are never stamped", () => {
  assert.equal(whiteboardCodec.stamp(update, "p-1"), update);
  assert.equal(whiteboardCodec.stamp(words, "p-1"), words);
});

test("a text frame is poison: the close that follows was asked for", () => {
  const [state, kind] = whiteboardCodec.fromClient(whiteboardCodec.start(), words);
  assert.equal(kind, "poison");
  assert.ok(whiteboardCodec.isIntended(state, { code: 1011, reason: "Internal error" }));
});

test("not owned is intended, a failing store is not", () => {
  const start = whiteboardCodec.start();
  assert.ok(whiteboardCodec.isIntended(start, { code: 4403, reason: "Session not owned" }));
  assert.ok(!whiteboardCodec.isIntended(start, { code: 1011, reason: "Internal error" }));
});
