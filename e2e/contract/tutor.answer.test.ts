import assert from "node:assert/strict";
import { canonicalJson, derivedId8, nonce, round, type Json } from "../support/index.ts";
import { envelope, errorEnvelope, item, mastery, match, NEW_USER_MODEL, oneOf, type Context } from "./harness/index.ts";

const QUESTION = {
  question: "2+2?",
  options: ["3", "4", "5"],
  correct_answer_index: 1,
  explanation: "Count.",
  difficulty: "easy",
  related_section: "Sums",
};

async function asked(c: Context, args: Json = { question_data: QUESTION }) {
  const user = c.user();
  const session = await c.session(user);
  const tutor = await c.tutor(user, session);
  const question = await tutor.tool("ask_question", args);
  assert.equal(question.content_type, "message", JSON.stringify(question.data));
  return { user, session, tutor, question, qid: derivedId8("question", session, 2) };
}

function feedbackData(chosen: number, question: Json = QUESTION): Json {
  const isCorrect = chosen === question.correct_answer_index;
  return {
    feedback_items: [
      {
        question_index: 0,
        question_text: question.question,
        user_selected_option: question.options[chosen],
        is_correct: isCorrect,
        correct_option: question.options[question.correct_answer_index],
        explanation: question.explanation,
        improvement_suggestion: isCorrect ? "Great work!" : "Review this concept again.",
      },
    ],
    overall_assessment: null,
    suggested_next_step: null,
  };
}

interface Place {
  readonly mark: Json;
  readonly text: Json;
}

/** The two actions of tutor-socket §7 for a question with n options. */
function feedbackActions(qid: string, chosen: number, n: number, isCorrect: boolean, place: Place): Json[] {
  const fill = isCorrect ? "#2ECC71" : "#E74C3C";
  const mark = {
    id: `mcq-${qid}-opt-${chosen}-mark`,
    kind: "text",
    ...place.mark,
    text: isCorrect ? "✓" : "✗",
    fontSize: 20,
    fill,
    metadata: {
      source: "assistant",
      role: "mcq_feedback_mark",
      question_id: qid,
      option_id: String(chosen),
      is_correct: isCorrect,
      groupId: qid,
    },
  };
  const note = {
    id: `mcq-${qid}-feedback-text`,
    kind: "text",
    ...place.text,
    fontSize: 16,
    fill: "#333333",
    text: "Count.",
    metadata: { source: "assistant", role: "mcq_feedback_text", question_id: qid, groupId: qid },
  };
  const locked = Array.from({ length: n }, (_, i) => [`mcq-${qid}-opt-${i}-radio`, `mcq-${qid}-opt-${i}-text`]).flat();
  return [
    { type: "ADD_OBJECTS", objects: [mark, note] },
    {
      type: "UPDATE_OBJECTS",
      objects: [
        { objectId: `mcq-${qid}-opt-${chosen}-radio`, updates: { fill, stroke: fill } },
        ...locked.map((objectId) => ({ objectId, updates: { selectable: false } })),
      ],
    },
  ];
}

/** The first region of a fresh board starts at 0,0 (services §11). */
const gridPlace = (chosen: number, n: number): Place => ({
  mark: { x: 400, y: 50 + 40 * chosen + 8 },
  text: { x: 0, y: 50 + 40 * n + 20, width: 700 },
});

item(
  "tutor §7",
  "a right answer is evaluated without the model: feedback, mark, locked options, user model",
  async (c) => {
    const { tutor, qid } = await asked(c);
    const reply = await tutor.ask({ type: "answer", data: { answer_index: 1, question_id: qid } });
    const model = { ...NEW_USER_MODEL, current_topic: "Sums", concepts: { Sums: mastery(2, 1, "correct", 1) } };
    match(
      reply,
      envelope("feedback", feedbackData(1), { model, actions: feedbackActions(qid, 1, 3, true, gridPlace(1, 3)) }),
    );
  },
);

item("tutor §7", "a wrong answer names the chosen option as a point of confusion, once", async (c) => {
  const { tutor, qid } = await asked(c);
  const reply = await tutor.ask({ type: "answer", data: { answer_index: 2 } });
  const model = (attempts: number): Json => ({
    ...NEW_USER_MODEL,
    current_topic: "Sums",
    concepts: { Sums: mastery(1, 1 + attempts, "incorrect", attempts, ["5"]) },
  });
  match(
    reply,
    envelope("feedback", feedbackData(2), {
      model: model(1),
      actions: feedbackActions(qid, 2, 3, false, gridPlace(2, 3)),
    }),
  );
  await tutor.tool("ask_question", { question_data: QUESTION });
  match((await tutor.ask({ type: "answer", data: { answer_index: 2 } })).user_model_state, model(2));
});

item("tutor §7", "a blank related_section counts for the topic `general`", async (c) => {
  const { tutor } = await asked(c, { question_data: { ...QUESTION, related_section: " " } });
  const reply = await tutor.ask({ type: "answer", data: { answer_index: 1 } });
  match(reply.user_model_state.concepts, { general: mastery(2, 1, "correct", 1) });
});

item("tutor §7", "in a zone the feedback stands at percentages", async (c) => {
  const { tutor, qid } = await asked(c, { question_data: QUESTION, template: "default_board", zone: "options_area" });
  const reply = await tutor.ask({ type: "answer", data: { answer_index: 0 } });
  const [x, y, width, height] = [0.05, 0.3, 0.9, 0.4];
  const top = round(y + 0.3 * height, 4); // the option's yPct, services §4
  const place = {
    mark: { xPct: round(x + 0.6 * width, 4), yPct: oneOf(top, round(top + 0.03, 4)) }, // its label's or its circle's
    text: { xPct: x, yPct: round(y + 0.95 * height, 4), widthPct: width },
  };
  match(reply.whiteboard_actions, feedbackActions(qid, 0, 3, false, place));
});

item("tutor §7", "integral numbers and their texts are answers", async (c) => {
  for (const index of ["1", "1.0", "1.000", "01"]) {
    const { tutor } = await asked(c);
    const reply = await tutor.ask({ type: "answer", data: { answer_index: index } });
    assert.equal(reply.content_type, "feedback", index);
  }
  const { tutor } = await asked(c);
  assert.equal((await tutor.ask('{"type":"answer","data":{"answer_index":1.0}}')).content_type, "feedback");
});

item(
  "tutor §7",
  "an absent answer is INVALID_ANSWER_FORMAT, another form ANSWER_EVAL_INPUT_ERROR; the question stays",
  async (c) => {
    const { tutor, qid } = await asked(c);
    for (const data of [undefined, {}, { answer_index: null }]) {
      match(
        await tutor.ask({ type: "answer", ...(data === undefined ? {} : { data }) }),
        errorEnvelope("INVALID_ANSWER_FORMAT"),
      );
    }
    for (const answer_index of [1.5, -1, 3, 99, true, false, [1], { a: 1 }, "", "x", "-1", "1.5", " 1", "1e0", "3"]) {
      match(
        await tutor.ask({ type: "answer", data: { answer_index } }),
        errorEnvelope("ANSWER_EVAL_INPUT_ERROR"),
        JSON.stringify(answer_index),
      );
    }
    for (const question_id of ["00000000", "", 5, qid.toUpperCase() + "x"]) {
      match(
        await tutor.ask({ type: "answer", data: { answer_index: 1, question_id } }),
        errorEnvelope("ANSWER_EVAL_INPUT_ERROR"),
      );
    }
    assert.equal(
      (await tutor.ask({ type: "answer", data: { answer_index: 1, question_id: null } })).content_type,
      "feedback",
    );
  },
);

item(
  "tutor §7",
  "after the evaluation nothing is pending: the next answer goes to the model",
  async (c) => {
    const { tutor } = await asked(c);
    const word = nonce();
    await tutor.ask({ type: "answer", data: { answer_index: 1 } });
    await tutor.say(word);
    const reply = await tutor.ask({ type: "answer", data: { answer_index: [1, "b"] } });
    assert.equal(reply.content_type, "explanation");
    const [turn, answer] = await c.recorded(word);
    const state = (call: typeof turn): Json =>
      JSON.parse(/^State: (.*)$/m.exec(call?.body.messages[0].content)?.[1] ?? "null");
    match(state(turn), {
      action: "evaluated",
      concepts: { Sums: [2, 1, 1] },
      focus: null,
      goal: null,
      pending: false,
      topic: "Sums",
    });
    assert.equal(answer?.body.messages.at(-1).content, `[answer] ${canonicalJson([1, "b"])}`);
  },
  { needsModel: true },
);

item("tutor §7", "the pending question survives a reconnect", async (c) => {
  const { tutor, user, session, qid } = await asked(c);
  await tutor.close();
  const again = await c.tutor(user, session);
  assert.equal((await again.nextJson()).content_type, "question");
  const reply = await again.ask({ type: "answer", data: { answer_index: "1", question_id: qid } });
  match(reply.data, feedbackData(1));
});

item("services §3", "evaluate_quiz and draw_mcq_feedback evaluate the pending question in the same way", async (c) => {
  for (const name of ["evaluate_quiz", "draw_mcq_feedback"]) {
    const { tutor, qid } = await asked(c);
    const reply = await tutor.tool(name, { user_answer_index: 1, question_id: qid });
    match(reply.data, feedbackData(1));
    match(reply.whiteboard_actions, feedbackActions(qid, 1, 3, true, gridPlace(1, 3)));
    match(reply.user_model_state.concepts, { Sums: mastery(2, 1, "correct", 1) });
    match(
      await tutor.tool(name, { user_answer_index: 1 }),
      errorEnvelope("TOOL_INPUT_VALIDATION_ERROR", reply.user_model_state),
    );
  }
});

item("services §3", "evaluate_quiz refuses a bad index and keeps the question", async (c) => {
  const { tutor } = await asked(c);
  for (const user_answer_index of [3, -1, "one", 1.5]) {
    match(await tutor.tool("evaluate_quiz", { user_answer_index }), errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"));
  }
  assert.equal((await tutor.ask({ type: "answer", data: { answer_index: 1 } })).content_type, "feedback");
});
