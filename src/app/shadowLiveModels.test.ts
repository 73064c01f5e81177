// The last paragraph of contract differences.md §7: what the models of both arms say by themselves is not the same, and must not be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES, SHADOW } from "../contract/index.ts";
import { ruleSchema } from "../shadow/index.ts";
import { ENVELOPE, errorEnvelope, userModel } from "./testing/answers.ts";
import { bodies, liveBodies, liveMessages, messages } from "./testing/shadowPair.ts";

const live = SHADOW.liveModels?.rules ?? [];

test("its rules are rules, their names are no others', and they stand on routes of the table", () => {
  for (const rule of live) assert.deepEqual(ruleSchema.safeParse(rule).error?.issues ?? [], [], rule.id);
  const ids = [...SHADOW.rules, ...live].map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const all = new Set([...ROUTES.map(({ method, path }) => `${method} ${path}`), "tutor", "whiteboard"]);
  assert.deepEqual(
    live.flatMap(({ on }) => on).filter((name) => !all.has(name)),
    [],
  );
});

const said = (explanation_text: string, more: object = {}): object => ({
  ...ENVELOPE,
  content_type: "explanation",
  data: { response_type: "explanation", explanation_text, explanation_title: null, ...more },
});
const LONG = "Plants take in light and water, and make sugar of them, which they keep until they need it for growing.";
const OTHER = "When the sun shines on a leaf it turns water and air into sugar; the plant grows with what it has made.";

test("texts of models: like ones are the same, others are recorded and never count; by replay both count", () => {
  const by = (one: object, other: object): string => liveMessages("tutor", "envelope", one, other);
  assert.equal(by(said(LONG), said(OTHER)), "same");
  assert.equal(by(said(LONG), said("Sugar.")), "accepted");
  assert.equal(messages("tutor", "envelope", said(LONG), said(OTHER)), "different value");
  const joined = (one: string, other: string): string =>
    liveMessages("tutor", "raw_delta", JSON.stringify(one), JSON.stringify(other));
  assert.deepEqual([joined(LONG, OTHER), joined(LONG, "Sugar.")], ["same", "accepted"]);
});

test("structure stays exact: a missing key, another type, another model of the learner", () => {
  const by = (one: object, other: object): string => liveMessages("tutor", "envelope", one, other);
  const { schema_version: _, ...without } = said(LONG) as Record<string, unknown>;
  assert.equal(by(said(LONG), without), "different breaking");
  assert.equal(by(said(LONG), said(OTHER, { explanation_title: 5 })), "different breaking");
  const faster = { ...said(LONG), user_model_state: { ...userModel(), learning_pace_factor: 2 } };
  assert.equal(by(said(LONG), faster), "different value");
});

test("another tool of those that end a turn is accepted, any other content type is not", () => {
  const by = (one: object, other: object): string => liveMessages("tutor", "envelope", one, other);
  const typed = (content_type: string, data: object): object => ({ ...said(LONG), content_type, data });
  const message = typed("message", { message_text: "I updated the board.", message_type: "status_update" });
  assert.equal(by(said(LONG), message), "accepted");
  assert.equal(by(said(LONG), typed("feedback", { feedback_items: [] })), "different breaking");
  assert.equal(messages("tutor", "envelope", said(LONG), message), "different breaking");
});

test("S-10, R-9: a model that fails on one side is a dependency's failure; other errors are the arm's", () => {
  const by = (one: object, other: object): string => liveMessages("tutor", "envelope", one, other);
  const failed = (code: string): object => errorEnvelope(code);
  assert.equal(by(said(LONG), failed("LLM_RATE_LIMITED")), "accepted");
  assert.equal(by(failed("LLM_TIMEOUT"), said(LONG)), "accepted");
  assert.equal(by(failed("LLM_TIMEOUT"), failed("INTERNAL_ERROR")), "different breaking");
  assert.equal(by(said(LONG), failed("LLM_FORMAT_ERROR")), "different breaking");
  const documents = (analysis_status: string): object => ({
    vector_store_id: null,
    files_received: [],
    analysis_status,
  });
  assert.equal(liveBodies("R9", documents("completed"), documents("failed")), "accepted");
  assert.equal(liveBodies("R9", documents("completed"), documents("gone")), "different value");
});

test("plans, quizzes and chats: texts by their form, numbers by their type, lists by their length", () => {
  const question = (text: string, index: number): object => ({
    question: text,
    options: ["two", "four"],
    correct_answer_index: index,
    explanation: LONG,
    difficulty: "easy",
    related_section: "sums",
  });
  const quiz = (...questions: object[]): object => ({ quiz_id: "q1", title: "Sums", questions, passing_score: 70 });
  const [one, other] = [question("What is two and two?", 1), question("How much is twice two?", 0)];
  assert.equal(liveBodies("R13", quiz(one), quiz(other)), "same");
  assert.equal(liveBodies("R13", quiz(one), quiz({ ...other, correct_answer_index: "0" })), "different breaking");
  assert.match(liveBodies("R13", quiz(one), quiz(other, one)), /^different/);
  assert.equal(bodies("R13", quiz(one), quiz(other)), "different value");
  const chat = (message: string, cost: number, emotion: string): object => ({
    message,
    cost,
    emotion_state: { emotion },
  });
  assert.equal(liveBodies("chat.send", chat(LONG, 0.1, "calm"), chat(OTHER, 0.2, "calm")), "same");
  assert.equal(liveBodies("chat.send", chat(LONG, 0.1, "calm"), chat(OTHER, 0.2, "sad")), "different value");
});
