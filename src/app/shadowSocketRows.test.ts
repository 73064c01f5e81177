// Row by row of contract differences.md §6: what the row allows is not different, its nearest defect is, and how badly.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SHADOW } from "../contract/index.ts";
import { at, ENVELOPE, errorEnvelope, userModel, uuid } from "./testing/answers.ts";
import { messages } from "./testing/shadowPair.ts";

test("S-5, S-8: what a socket greets with, and what an arm asks for, is exact", () => {
  const greeting = (...texts: string[]): object => ({
    type: "SESSION_INIT_STATE",
    chat_history: texts.map((text) => ({ text })),
  });
  assert.equal(messages("tutor", "SESSION_INIT_STATE", greeting("a", "b"), greeting("b", "a")), "different order");
  const asks = (request_id: string): object => ({ type: "REQUEST_BOARD_STATE", request_id });
  assert.equal(messages("tutor", "REQUEST_BOARD_STATE", asks(uuid(1)), asks(uuid(2))), "different value");
});

test("S-6: an envelope key by key", () => {
  const by = (one: unknown, other: unknown): string => messages("tutor", "envelope", one, other);
  const model = userModel() as { concepts: { osmosis: object } };
  const looked = (last_accessed: unknown): object => ({
    ...ENVELOPE,
    user_model_state: { ...model, concepts: { osmosis: { ...model.concepts.osmosis, last_accessed } } },
  });
  assert.equal(by(looked(at(1)), looked(at(50))), "same");
  assert.equal(by(looked(at(1)), looked(null)), "different breaking");
  assert.equal(by(errorEnvelope("UNKNOWN_TOOL", "a"), errorEnvelope("UNKNOWN_TOOL", "b")), "same");
  assert.equal(by(errorEnvelope("UNKNOWN_TOOL", "a"), errorEnvelope("UNKNOWN_TOOL", null)), "accepted");
  assert.equal(by(errorEnvelope("UNKNOWN_TOOL", null), errorEnvelope("UNKNOWN_TOOL", {})), "different breaking");
  assert.equal(by(errorEnvelope("UNKNOWN_TOOL"), errorEnvelope("DISPATCH_ERROR")), "different breaking");
});

test("S-9, S-10: a code of time is a difference like any other unless it is seldom and on one arm", () => {
  const by = (one: object, other: object): string => messages("tutor", "envelope", one, other);
  assert.equal(by(errorEnvelope("TURN_TIMEOUT"), errorEnvelope("INTERNAL_ERROR")), "different breaking");
  assert.equal(by(errorEnvelope("LLM_TIMEOUT"), errorEnvelope("LLM_UNAVAILABLE")), "different breaking");
});

test("S-11: what stays different on a board is breaking; what clients call a time is theirs", () => {
  const board = (more: object): object => ({
    objects: { a: { kind: "rect", x: 1, ...more }, b: { kind: "text" } },
    ephemeral: {},
  });
  const by = (one: object, other: object): string => messages("whiteboard", "document", board(one), board(other));
  assert.equal(by({}, { x: 2 }), "different breaking");
  assert.equal(by({ points: [1, 2] }, { points: [2, 1] }), "different breaking");
  for (const name of ["created_at", "timestamp", "last_accessed", "response_time_ms"]) {
    assert.equal(by({ [name]: at(1) }, { [name]: at(2) }), "different breaking", name);
  }
});

test("S-12: what belongs to a connection", () => {
  const by = (one: object, other: object): string => messages("realtime", "connect", { data: one }, { data: other });
  for (const name of ["connection_id", "timestamp", "health_score", "total_messages", "error_count"]) {
    assert.equal(by({ a: 1, [name]: 1 }, { a: 1, [name]: 2 }), "same", name);
    assert.equal(by({ a: 1, [name]: 1 }, { a: 1, [name]: null }), "different breaking", name);
  }
  assert.equal(by({ a: 1, isTyping: true }, { a: 1, isTyping: false }), "different value");
});

test("S-13: whether a warning comes is time's, what it says is not", () => {
  const [rule, ...more] = SHADOW.rules.filter(({ message }) => message === "warning");
  assert.deepEqual(more, []);
  assert.ok(rule?.accept === true && rule.path === undefined && rule.kinds?.includes("missing"));
  const warning = (code: string): object => ({ type: "warning", data: { code, message: "a" } });
  assert.equal(messages("realtime", "warning", warning("ANOMALY_DETECTED"), warning("OTHER")), "different value");
});

test("S-14: a push by its time, who is connected by nothing", () => {
  const push = (timestamp: unknown): object => ({ content: "Hello", sender: "agent", timestamp });
  const by = (one: unknown, other: unknown): string => messages("conversations", "push", push(one), push(other));
  assert.equal(by(at(1), at(3)), "same");
  assert.equal(by(at(1), at(4)), "different value");
  assert.equal(by(at(1), 1_767_323_041_678), "different breaking");
  const ack = (delivered: unknown, id = "a"): object => ({ event: "ack", invocation_id: id, delivered });
  assert.equal(messages("conversations", "ack", ack(1), ack(2)), "same");
  assert.equal(messages("conversations", "ack", ack(1), ack(1, "b")), "different value");
  const presence = (online: unknown): object => ({ event: "presence", user_id: "u", online });
  assert.equal(messages("conversations", "presence", presence(true), presence(false)), "same");
  assert.equal(messages("conversations", "presence", presence(true), presence(1)), "different breaking");
});
