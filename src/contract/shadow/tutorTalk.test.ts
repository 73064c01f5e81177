import assert from "node:assert/strict";
import { test } from "node:test";
import { tutorTalk } from "./tutorTalk.ts";

const frame = (value: unknown) => ({ isBinary: false, data: new TextEncoder().encode(JSON.stringify(value)) });
const said = (value: unknown, starts = 0) => tutorTalk.fromArm(starts, frame(value))[1];
const asked = (value: unknown) => tutorTalk.fromClient(null, frame(value))[1];
const failed = (error_code: string) => ({ schema_version: 1, content_type: "error", data: { error_code } });

const content = { kind: "content", lane: "turns", correlationId: null };
const answer = { ...content, type: "envelope", cause: "order", isFinal: true };
const greeting = { ...content, type: "envelope", cause: "greeting" };

test("what a tutor says: envelopes are one lane, deltas parts of their turn, heartbeats presence", () => {
  assert.deepEqual(said({ schema_version: 1, content_type: "message" }), answer);
  assert.deepEqual(said({ type: "SESSION_INIT_STATE" }), { ...content, type: "SESSION_INIT_STATE", cause: "greeting" });
  assert.deepEqual(said({ type: "noise" }), { ...content, type: "noise", cause: "order" });
  assert.deepEqual(said({ type: "raw_delta", turn_id: "s:4", seq: 0, delta: "Plants" }), {
    kind: "part",
    lane: "turns",
    type: "raw_delta",
    join: "s:4",
    text: "Plants",
    cause: "order",
  });
  assert.deepEqual(said({ type: "raw_reset", turn_id: "s:4", seq: 1 }), { kind: "reset", join: "s:4" });
  assert.deepEqual(said({ type: "pong", timestamp: 1 }), { kind: "presence", type: "pong" });
  const binary = { isBinary: true, data: Uint8Array.of(1) };
  assert.deepEqual(tutorTalk.fromArm(null, binary)[1], { ...content, type: "binary", cause: "order" });
});

test("unasked envelopes at connect answer nothing; a refusal of the queue answers the frame that was too much", () => {
  assert.deepEqual(said({ schema_version: 1, content_type: "question", data: {} }), greeting);
  assert.deepEqual(said(failed("PLANNING_ERROR")), greeting);
  const [starts] = tutorTalk.fromClient(null, frame({ type: "start" }));
  assert.deepEqual(tutorTalk.fromArm(starts, frame(failed("PLANNING_ERROR"))), [0, answer]);
  assert.deepEqual(said(failed("QUEUE_OVERFLOW")), { ...answer, behind: 33 });
});

test("what a client asks: everything that is queued is a turn, malformed frames too", () => {
  const turn = { kind: "turn", changesState: true, key: null };
  for (const value of [{ type: "user_message", data: { text: "Hi" } }, { type: "odd" }, "no object", {}]) {
    assert.deepEqual(asked(value), turn);
  }
  assert.deepEqual(asked({ type: "next", client_message_id: "m-1" }), { ...turn, key: "m-1" });
  assert.deepEqual(asked({ type: "ping" }), { kind: "presence", changesState: false });
  assert.deepEqual(asked({ type: "BOARD_STATE_RESPONSE" }), { kind: "message", changesState: false });
});

test("S-7: an arm's deltas are its own explanation, unless an error or a blank text follows", () => {
  const check = (delta: string, text: string, content_type = "explanation", turn_id = "s:4") =>
    tutorTalk.checkTurn?.([
      { type: "raw_delta", value: delta, parts: { join: "s:4" } },
      { type: "envelope", value: { content_type, data: { explanation_text: text }, turn_id }, parts: null },
    ]);
  assert.equal(check("Plants need light", "Plants need light"), null);
  assert.equal(check("Plants light", "Plants need light"), "message:raw_delta");
  assert.equal(check("  ", "..."), null);
  assert.equal(check("Plants", "..."), "message:raw_delta");
  assert.equal(check("Plants", "", "error"), null);
  assert.equal(check("Plants", "Plants need light", "explanation", "s:5"), null);
});
