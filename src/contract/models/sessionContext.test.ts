import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultContext, loadContext, sessionContext } from "./sessionContext.ts";
import { defaultUserModelState, isMastered, mastery, userModelState } from "./userModel.ts";

const IDENTITY = { user_id: "u", session_id: "94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e" };
const concept = {
  alpha: 2,
  beta: 1,
  last_interaction_outcome: "correct",
  attempts: 1,
  confusion_points: [],
  last_accessed: "2026-01-02T03:04:05.678Z",
};

test("the default context and the default user model fit their own schemas", () => {
  assert.deepEqual(sessionContext.parse(defaultContext(IDENTITY)), defaultContext(IDENTITY));
  assert.deepEqual(userModelState.parse(defaultUserModelState()), defaultUserModelState());
});

test("a whole context is loaded as it was stored", () => {
  const stored = {
    ...defaultContext(IDENTITY),
    latest_turn_no: 7,
    last_pedagogical_action: "asked" as const,
    user_model_state: { ...defaultUserModelState(), concepts: { osmosis: concept }, current_topic: "osmosis" },
  };
  assert.deepEqual(loadContext(stored, IDENTITY), { context: stored, repairs: [] });
});

test("loading never fails and always gives a valid context, whatever is stored", () => {
  const anything = fc.oneof(
    fc.anything(),
    fc.record(Object.fromEntries(Object.keys(defaultContext(IDENTITY)).map((key) => [key, fc.anything()]))),
  );
  fc.assert(
    fc.property(anything, (stored) => {
      assert.ok(sessionContext.safeParse(loadContext(stored, IDENTITY).context).success);
    }),
  );
});

test("missing and unknown keys are no repair; wrong types and unknown enum values are, by name", () => {
  const stored = {
    latest_turn_no: "7",
    interaction_mode: "hologram",
    session_goal: "learn",
    last_pedagogical_action: "next",
    another_version: true,
  };
  const { context, repairs } = loadContext(stored, IDENTITY);
  assert.deepEqual(context, { ...defaultContext(IDENTITY), session_goal: "learn" });
  assert.deepEqual(repairs, ["interaction_mode", "last_pedagogical_action", "latest_turn_no"]);
});

test("one bad value costs a learner neither the other fields nor the other concepts", () => {
  const user_model_state = {
    ...defaultUserModelState(),
    current_topic: "osmosis",
    learning_pace_factor: "fast",
    concepts: { osmosis: { ...concept, more: 1 }, broken: { alpha: "x" } },
  };
  const { context, repairs } = loadContext({ user_model_state }, IDENTITY);
  assert.deepEqual(context.user_model_state, {
    ...defaultUserModelState(),
    current_topic: "osmosis",
    concepts: { osmosis: concept },
  });
  assert.deepEqual(repairs, ["learning_pace_factor", "concepts"]);
});

test("unknown keys deep inside a stored object are dropped without losing the object", () => {
  const current_quiz_question = {
    question: "q",
    options: ["a", "b"],
    correct_answer_index: 0,
    explanation: "e",
    difficulty: "easy",
    related_section: "s",
  };
  const stored = { current_quiz_question: { ...current_quiz_question, hint: "h" } };
  const { context, repairs } = loadContext(stored, IDENTITY);
  assert.deepEqual([context.current_quiz_question, repairs], [current_quiz_question, []]);
});

test("a stored context belongs to the session it is loaded for", () => {
  assert.equal(loadContext({ user_id: "someone else" }, IDENTITY).context.user_id, "u");
});

test("mastered means more than 0.8 with at least five observations", () => {
  assert.equal(mastery({ alpha: 4, beta: 1 }), 0.8);
  assert.ok(!isMastered({ alpha: 4, beta: 1 }));
  assert.ok(isMastered({ alpha: 5, beta: 1 }));
  assert.ok(!isMastered({ alpha: 3.9, beta: 0.1 }));
});
