import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import { defaultUserModelState } from "../models/userModel.ts";
import {
  BOARD_ACTION_TYPES,
  boardAction,
  envelope,
  queuedFrame,
  storedEnvelope,
  TUTOR_OUTBOUND_TYPES,
  tutorInbound,
  tutorOutbound,
} from "./index.ts";

type Members = Readonly<Record<string, unknown>>;
const SESSION = "94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e";

const accepts = (schema: z.ZodType, value: unknown): void => {
  const result = schema.safeParse(value);
  assert.ok(result.success, `${JSON.stringify(value)}\n${result.error?.message}`);
};
const refuses = (schema: z.ZodType, value: unknown): void => {
  assert.ok(!schema.safeParse(value).success, JSON.stringify(value));
};

const question = {
  question: "2+2?",
  options: ["3", "4"],
  correct_answer_index: 1,
  explanation: "Count.",
  difficulty: "easy",
  related_section: "sums",
};
const item = {
  question_index: 0,
  question_text: "2+2?",
  user_selected_option: "4",
  is_correct: true,
  correct_option: "4",
  explanation: "Count.",
  improvement_suggestion: "Great work!",
};
const DATA: Readonly<Record<string, Members>> = {
  explanation: {
    response_type: "explanation",
    explanation_text: "Water moves…",
    explanation_title: null,
    related_objectives: null,
    lesson_content: null,
    whiteboard_actions: null,
  },
  question: {
    response_type: "question",
    question_type: "multiple_choice",
    question_data: question,
    context_summary: null,
    question_id: "1f0c22ab",
  },
  feedback: {
    feedback_items: [item],
    overall_assessment: null,
    suggested_next_step: null,
  },
  message: { message_text: "Hi", message_type: "status_update" },
  error: { error_code: "INVALID_PAYLOAD", error_message: "…", technical_details: null },
};
const envelopeOf = (content_type: string, data: unknown): Members => ({
  schema_version: 1,
  content_type,
  data,
  user_model_state: defaultUserModelState(),
  whiteboard_actions: null,
});
const without = (value: Members, key: string): Members =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

for (const [contentType, data] of Object.entries(DATA)) {
  const frame = envelopeOf(contentType, data);
  test(`a ${contentType} envelope has exactly its keys: none missing, none more, null never absent`, () => {
    accepts(envelope, frame);
    accepts(tutorOutbound, { ...frame, turn_id: `${SESSION}:4` });
    refuses(envelope, { ...frame, _creationTime: 1 });
    for (const key of Object.keys(frame)) refuses(envelope, without(frame, key));
    for (const key of Object.keys(data)) refuses(envelope, { ...frame, data: without(data, key) });
    refuses(envelope, { ...frame, data: { ...data, more: 1 } });
  });
}

test("an envelope keeps its version, its non-empty actions and a user model of eleven keys", () => {
  const frame = envelopeOf("message", DATA["message"]);
  refuses(envelope, { ...frame, schema_version: 2 });
  refuses(envelope, { ...frame, whiteboard_actions: [] });
  refuses(envelope, { ...frame, content_type: "raw" });
  for (const key of Object.keys(defaultUserModelState())) {
    refuses(envelope, { ...frame, user_model_state: without(defaultUserModelState(), key) });
  }
});

test("error codes outside the closed list are refused", () => {
  refuses(envelope, envelopeOf("error", { ...DATA["error"], error_code: "END_SESSION_FAIL" }));
  refuses(envelope, envelopeOf("error", { ...DATA["error"], error_code: null }));
});

test("feedback speaks the contract's words for right and wrong", () => {
  refuses(envelope, envelopeOf("feedback", { ...DATA["feedback"], feedback_items: [{ ...item, is_correct: false }] }));
  refuses(envelope, envelopeOf("feedback", { ...DATA["feedback"], feedback_items: [item, item] }));
});

test("a question needs 2 to 8 options and an answer among them", () => {
  for (const bad of [{ options: ["1"] }, { options: Array.from("123456789") }, { correct_answer_index: 2 }]) {
    refuses(envelope, envelopeOf("question", { ...DATA["question"], question_data: { ...question, ...bad } }));
  }
});

test("stored envelopes carry no turn id and are never errors", () => {
  accepts(storedEnvelope, envelopeOf("message", DATA["message"]));
  refuses(storedEnvelope, { ...envelopeOf("message", DATA["message"]), turn_id: `${SESSION}:1` });
  refuses(storedEnvelope, envelopeOf("error", DATA["error"]));
});

const OUTBOUND: readonly Members[] = [
  {
    type: "SESSION_INIT_STATE",
    chat_history: [{ role: "user", text: null, turn_no: 1 }],
    whiteboard_actions_to_replay: [{ type: "CLEAR_BOARD" }],
  },
  { type: "REQUEST_BOARD_STATE", request_id: SESSION },
  { type: "pong", timestamp: 1767323045678 },
  { type: "heartbeat_ack", timestamp: 1767323045678 },
  { type: "raw_delta", turn_id: `${SESSION}:4`, seq: 0, delta: "Plants " },
  { type: "raw_reset", turn_id: `${SESSION}:4`, seq: 3 },
];

test("the other outbound frames have exactly their keys", () => {
  assert.deepEqual(
    OUTBOUND.map(({ type }) => type),
    TUTOR_OUTBOUND_TYPES,
  );
  for (const frame of OUTBOUND) {
    accepts(tutorOutbound, frame);
    refuses(tutorOutbound, { ...frame, more: 1 });
    for (const key of Object.keys(frame)) refuses(tutorOutbound, without(frame, key));
  }
});

test("a delta is never empty and the history never longer than fifty rows", () => {
  refuses(tutorOutbound, { ...OUTBOUND[4], delta: "" });
  const row = { role: "assistant", text: "x", turn_no: 1 };
  accepts(tutorOutbound, { ...OUTBOUND[0], chat_history: Array.from({ length: 50 }, () => row) });
  refuses(tutorOutbound, { ...OUTBOUND[0], chat_history: Array.from({ length: 51 }, () => row) });
});

const ACTIONS: readonly Members[] = [
  { type: "ADD_OBJECTS", objects: [{ id: "a", anything: { goes: 1 } }] },
  { type: "UPDATE_OBJECTS", objects: [{ objectId: "a", updates: { x: null } }] },
  { type: "DELETE_OBJECTS", objectIds: ["a"] },
  { type: "CLEAR_BOARD" },
  { type: "CLEAR_CANVAS", scope: "all" },
  { type: "GROUP_OBJECTS", groupId: "g", objectIds: ["a"] },
  { type: "MOVE_GROUP", groupId: "g", dx: 1, dy: -2.5 },
  { type: "DELETE_GROUP", groupId: "g" },
  { type: "HIGHLIGHT_OBJECT", targetObjectId: "a", color: "#FF5722", pulse: true },
  { type: "SHOW_POINTER_AT", x: 1, y: 2, pointerId: "assistant", durationMs: 3000, color: "#FF5722" },
];

test("board actions have exactly their keys, objects may hold anything", () => {
  assert.deepEqual(
    ACTIONS.map(({ type }) => type),
    BOARD_ACTION_TYPES,
  );
  for (const action of ACTIONS) {
    accepts(boardAction, action);
    refuses(boardAction, { ...action, batch_id: "b" });
    for (const key of Object.keys(action)) refuses(boardAction, without(action, key));
  }
});

test("the flat form of updates is not the contract's", () => {
  refuses(boardAction, { type: "UPDATE_OBJECTS", objects: [{ id: "a", fill: "#fff" }] });
});

test("optional keys of ADD_OBJECTS may be absent but never null", () => {
  accepts(boardAction, { ...ACTIONS[0], strategy: "zone", template: "default_board", zone: "center_large" });
  refuses(boardAction, { ...ACTIONS[0], strategy: null });
});

test("correct client frames are accepted with keys nobody knows", () => {
  for (const frame of [
    { type: "user_message", data: { text: "" }, client_message_id: "m-1", more: 1 },
    { type: "answer", data: { answer_index: 1, question_id: null } },
    { type: "answer" },
    { type: "start", data: null },
    { type: "canvas_click", data: { object_id: "a" }, whiteboard_mode: "chat_only" },
    { type: "end_session" },
    { type: "ping" },
    { type: "BOARD_STATE_RESPONSE", request_id: "r", payload: [{ id: "a" }] },
  ]) {
    accepts(tutorInbound, frame);
  }
});

test("what is answered INVALID_PAYLOAD is no queued frame", () => {
  accepts(queuedFrame, { type: "pace_change", data: {} });
  for (const frame of [
    {},
    { type: "" },
    { type: 1 },
    { type: "next", data: [] },
    { type: "next", data: "x" },
    { type: "next", client_message_id: null },
    { type: "next", client_message_id: "a b" },
    { type: "next", client_message_id: "x".repeat(129) },
    [],
    null,
  ]) {
    refuses(queuedFrame, frame);
  }
  refuses(tutorInbound, { type: "user_message", data: {} });
  refuses(tutorInbound, { type: "canvas_click", data: { object_id: " \u3000" } });
});
