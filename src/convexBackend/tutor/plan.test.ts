import assert from "node:assert/strict";
import { test } from "node:test";
import { boardPayload, readInbound } from "./frames.ts";
import { planOf } from "./plan.ts";
import { answerIndexOf } from "./quiz.ts";

function plan(frame: unknown) {
  const inbound = readInbound(typeof frame === "string" ? frame : JSON.stringify(frame));
  assert.ok(inbound.kind === "queued");
  return { ...planOf(inbound.frame), mode: inbound.frame.mode };
}
const code = (frame: unknown): string | null => {
  const made = plan(frame);
  return made.kind === "refuse" ? made.code : null;
};

test("what cannot be read is INVALID_PAYLOAD, what is not known is UNKNOWN_MESSAGE_TYPE", () => {
  for (const frame of [
    "{",
    "[]",
    "null",
    "{}",
    { type: "" },
    { type: 1 },
    { type: "user_message", data: [] },
    { type: "user_message" },
  ]) {
    assert.equal(code(frame), "INVALID_PAYLOAD", JSON.stringify(frame));
  }
  assert.equal(code({ type: "pace_change", data: {} }), "UNKNOWN_MESSAGE_TYPE");
  assert.equal(code({ type: "nope", client_message_id: "a b" }), "INVALID_PAYLOAD");
});

test("a binary frame is INVALID_PAYLOAD", () => {
  const inbound = readInbound(null);
  assert.ok(inbound.kind === "queued" && inbound.frame.type === null);
});

test("message texts: blank, longest, too long; counted in code points", () => {
  const message = (text: string) => ({ type: "user_message", data: { text } });
  assert.equal(code(message(" \u3000\ufeff")), "EMPTY_MESSAGE");
  assert.equal(code(message("😀".repeat(8_000))), null);
  assert.equal(code(message("😀".repeat(8_001))), "MESSAGE_TOO_LONG");
});

test("the mode is the first valid of the two places, also on a frame that is refused", () => {
  assert.equal(plan({ type: "next", whiteboard_mode: "x", data: { whiteboard_mode: "chat_only" } }).mode, "chat_only");
  assert.equal(plan({ type: "nope", whiteboard_mode: "chat_only" }).mode, "chat_only");
});

test("triggers are those of the contract", () => {
  const trigger = (frame: unknown) => (plan(frame) as { trigger?: string }).trigger;
  assert.equal(trigger({ type: "answer", data: { answer_index: { b: 1, a: 2 } } }), '[answer] {"a":2,"b":1}');
  assert.equal(trigger({ type: "answer" }), "[answer] null");
  assert.equal(trigger({ type: "summary" }), "[action] summary");
  assert.equal(trigger({ type: "canvas_click", data: { object_id: "o" } }), "[click] o");
  assert.equal(code({ type: "canvas_click", data: { object_id: " " } }), "CANVAS_CLICK_NO_ID");
});

test("answers are whole numbers, or texts of digits with an optional zero fraction", () => {
  for (const [given, index] of [
    [1, 1],
    ["2", 2],
    ["1.0", 1],
    ["1.", 1],
    [1.5, null],
    [-1, null],
    [true, null],
    ["x", null],
    ["-1", null],
    [[1], null],
  ] as const) {
    assert.equal(answerIndexOf(given), index, JSON.stringify(given));
  }
});

test("a board response carries a list and no error", () => {
  const response = (payload: unknown, error?: unknown) => boardPayload({ requestId: "r", payload, error });
  assert.deepEqual(response([1]), [1]);
  assert.deepEqual(response([], " "), []);
  assert.equal(response({}), null);
  assert.equal(response([], "lost"), null);
});
