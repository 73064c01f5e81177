import assert from "node:assert/strict";
import { test } from "node:test";
import { tutorTalk } from "./tutorTalk.ts";

const frame = (value: unknown) => ({ isBinary: false, data: new TextEncoder().encode(JSON.stringify(value)) });
const said = (value: unknown) => tutorTalk.fromArm(null, frame(value))[1];
const asked = (value: unknown) => tutorTalk.fromClient(null, frame(value))[1];

test("what a tutor says: envelopes are one lane, deltas parts of their turn, heartbeats presence", () => {
  const content = { kind: "content", lane: "turns", correlationId: null };
  assert.deepEqual(said({ schema_version: 1, content_type: "message" }), { ...content, type: "envelope" });
  assert.deepEqual(said({ type: "SESSION_INIT_STATE" }), { ...content, type: "SESSION_INIT_STATE" });
  assert.deepEqual(said({ type: "noise" }), { ...content, type: "noise" });
  assert.deepEqual(said({ type: "raw_delta", turn_id: "s:4", seq: 0, delta: "Plants" }), {
    kind: "part",
    lane: "turns",
    type: "raw_delta",
    join: "s:4",
    text: "Plants",
  });
  assert.deepEqual(said({ type: "raw_reset", turn_id: "s:4", seq: 1 }), { kind: "reset", join: "s:4" });
  assert.deepEqual(said({ type: "pong", timestamp: 1 }), { kind: "presence", type: "pong" });
  const binary = { isBinary: true, data: Uint8Array.of(1) };
  assert.deepEqual(tutorTalk.fromArm(null, binary)[1], { ...content, type: "binary" });
});

test("what a client asks: everything that is queued is a turn, malformed frames too", () => {
  const turn = { kind: "turn", changesState: true };
  for (const value of [{ type: "user_message", data: { text: "Hi" } }, { type: "odd" }, "no object", {}]) {
    assert.deepEqual(asked(value), turn);
  }
  assert.deepEqual(asked({ type: "ping" }), { kind: "presence", changesState: false });
  assert.deepEqual(asked({ type: "BOARD_STATE_RESPONSE" }), { kind: "message", changesState: false });
});
