import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionContext } from "../tutor/context.ts";
import { use } from "./testDesk.ts";

const question = (more: object = {}) => ({
  question: "2+2?",
  options: ["3", "4"],
  correct_answer_index: 1,
  explanation: "Count.",
  difficulty: "easy",
  related_section: "sums",
  ...more,
});
type Objects = { id: string; metadata: Record<string, unknown>; [key: string]: unknown }[];
const objectsOf = (action: unknown): Objects => (action as { objects: Objects }).objects;

async function asked(args: object = {}, data: object = {}): Promise<SessionContext> {
  return (await use("ask_question", { question_data: question(data), ...args })).desk.draft;
}

test("a question is drawn in a region, kept as pending and named by its topic", async () => {
  const { desk, outcome } = await use("ask_question", { question_data: question(), topic: "adding" });
  assert.ok(outcome.kind === "reply");
  assert.equal(outcome.chatText, "A question about adding is on the board.");
  const objects = objectsOf(desk.actions[0]);
  const qid = desk.draft.current_question_ref?.question_id ?? "";
  assert.deepEqual(
    objects.map((object) => object.id),
    [
      `mcq-${qid}-text`,
      `mcq-${qid}-opt-0-radio`,
      `mcq-${qid}-opt-0-text`,
      `mcq-${qid}-opt-1-radio`,
      `mcq-${qid}-opt-1-text`,
    ],
  );
  assert.equal(objects[4]?.["text"], "B. 4");
  assert.equal(desk.draft.layout_regions.length, 1);
  assert.equal(desk.draft.current_teaching_topic, "adding");
});

test("in a known zone positions are fractions, rounded to four places, and no region is taken", async () => {
  const context = await asked({ template: "default_board", zone: "options_area" });
  assert.deepEqual([context.current_question_ref?.layout, context.current_question_ref?.x], ["zone", null]);
  assert.deepEqual(context.layout_regions, []);
});

test("a missing question and an invalid one have codes of their own", async () => {
  await assert.rejects(use("ask_question", {}), { code: "MISSING_QUESTION_DATA" });
  const bad = question({ correct_answer_index: 2 });
  await assert.rejects(use("ask_question", { question_data: bad }), { code: "INVALID_QUESTION_DATA" });
  await assert.rejects(use("ask_question", { question_data: question({ options: ["a"] }) }), {
    code: "INVALID_QUESTION_DATA",
  });
});

test("a right answer marks green, counts for the topic and leaves nothing pending", async () => {
  const { desk, outcome } = await use("evaluate_quiz", { user_answer_index: 1 }, { context: await asked() });
  assert.ok(outcome.kind === "reply" && outcome.contentType === "feedback");
  const [mark, text] = objectsOf(desk.actions[0]);
  assert.deepEqual([mark?.["text"], mark?.["fill"], mark?.["x"], mark?.["y"]], ["✓", "#2ECC71", 400, 98]);
  assert.deepEqual([text?.["y"], text?.["width"]], [150, 700]);
  const updates = objectsOf(desk.actions[1]);
  assert.equal(updates.length, 5);
  assert.deepEqual(updates[0]?.["updates"], { fill: "#2ECC71", stroke: "#2ECC71" });
  assert.equal(desk.draft.current_quiz_question, null);
  assert.equal(desk.draft.user_model_state.concepts["sums"]?.alpha, 2);
  const [event] = desk.events;
  assert.equal(event?.outcome, "correct");
  assert.ok(Math.abs((event?.deltaMastery ?? 0) - (2 / 3 - 1 / 2)) < 1e-12);
});

test("a wrong answer remembers the chosen option once, under general when the section is blank", async () => {
  const context = await asked({}, { related_section: " " });
  const first = await use("evaluate_quiz", { user_answer_index: 0 }, { context });
  const again = await asked({}, { related_section: "" });
  again.user_model_state = first.desk.draft.user_model_state;
  const second = await use("evaluate_quiz", { user_answer_index: 0 }, { context: again });
  const concept = second.desk.draft.user_model_state.concepts["general"];
  assert.deepEqual([concept?.beta, concept?.attempts, concept?.confusion_points], [3, 2, ["3"]]);
});

test("no pending question, an option that is not there, or another question is bad arguments", async () => {
  await assert.rejects(use("evaluate_quiz", { user_answer_index: 0 }), { name: "BadArgs" });
  const context = await asked();
  await assert.rejects(use("evaluate_quiz", { user_answer_index: 2 }, { context }), { name: "BadArgs" });
  await assert.rejects(use("evaluate_quiz", { user_answer_index: 0, question_id: "x" }, { context }), {
    name: "BadArgs",
  });
});

test("in a zone the mark stands beside the chosen row and the text below all rows", async () => {
  const context = await asked({ template: "two_column_equal", zone: "left_column" });
  const { desk } = await use("evaluate_quiz", { user_answer_index: 1 }, { context });
  const [mark, text] = objectsOf(desk.actions[0]);
  // top_1 = 0.02 + 0.30·0.96 + 0.70·0.96/2 = 0.644; 0.02 + 0.6·0.47 = 0.302; 0.02 + 0.95·0.96 = 0.932
  assert.deepEqual([mark?.["xPct"], mark?.["yPct"]], [0.302, 0.644]);
  assert.deepEqual([text?.["xPct"], text?.["yPct"], text?.["widthPct"]], [0.02, 0.932, 0.47]);
});
