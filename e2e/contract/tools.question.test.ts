import { derivedId8, nonce, round, type Json } from "../support/index.ts";
import { errorEnvelope, item, match, message, type Context } from "./harness/index.ts";

const QUESTION = {
  question: "What moves?",
  options: ["Water", "Salt", "Air", "Light"],
  correct_answer_index: 0,
  explanation: "Water moves.",
  difficulty: "easy",
  related_section: "Osmosis",
};

type Place = (part: "question" | "radio" | "label", option: number) => Json;

/** All objects of a question, services §4; the place decides where each of them stands. */
function questionObjects(qid: string, question: Json, place: Place): Json[] {
  const meta = (role: string, option?: number): Json => ({
    source: "assistant",
    role,
    question_id: qid,
    ...(option === undefined ? {} : { option_id: String(option) }),
    groupId: qid,
  });
  const options = question.options.flatMap((option: string, i: number) => [
    {
      id: `mcq-${qid}-opt-${i}-radio`,
      kind: "circle",
      ...place("radio", i),
      radius: 8,
      stroke: "#555555",
      strokeWidth: 1,
      fill: "#FFFFFF",
      metadata: meta("option_selector", i),
    },
    {
      id: `mcq-${qid}-opt-${i}-text`,
      kind: "text",
      ...place("label", i),
      text: `${String.fromCharCode(65 + i)}. ${option}`,
      fontSize: 16,
      fill: "#333333",
      metadata: meta("option_label", i),
    },
  ]);
  const text = {
    id: `mcq-${qid}-text`,
    kind: "text",
    ...place("question", 0),
    text: question.question,
    fontSize: 18,
    fill: "#000000",
  };
  return [{ ...text, metadata: meta("question") }, ...options];
}

const grid =
  (x: number, y: number): Place =>
  (part, i) => {
    if (part === "question") return { x, y, width: 700 };
    return { x: x + (part === "radio" ? 20 : 45), y: y + 50 + 40 * i + 8 };
  };

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  return { session, tutor: await c.tutor(user, session) };
}

const asked = (topic: string, actions: Json[]): Json =>
  message(`A question about ${topic} is on the board.`, "status_update", actions);

item("services §4", "a question is drawn in a grid: text, then a circle and a label per option", async (c) => {
  for (const tool of ["ask_question", "draw_mcq_actions"]) {
    const { session, tutor } = await connected(c);
    const objects = questionObjects(derivedId8("question", session, 2), QUESTION, grid(0, 0));
    match(
      await tutor.tool(tool, { question_data: QUESTION, topic: "membranes" }),
      asked("membranes", [{ type: "ADD_OBJECTS", objects }]),
    );
  }
});

item("services §3", "the announced topic is the argument, else the section, else `this topic`", async (c) => {
  const text = async (args: Json): Promise<string> =>
    (await (await connected(c)).tutor.tool("ask_question", args)).data.message_text;
  match(await text({ question_data: QUESTION }), "A question about Osmosis is on the board.");
  match(
    await text({ question_data: { ...QUESTION, related_section: "" } }),
    "A question about this topic is on the board.",
  );
  match(await text({ question_data: QUESTION, topic: "cells" }), "A question about cells is on the board.");
});

item("services §4", "the second question stands below the first, the seventh of a board clears it first", async (c) => {
  const { session, tutor } = await connected(c);
  // 700 × (100+40·3+20) = 240 high: four columns and two of the twelve rows of 140 (services §11)
  const question = { ...QUESTION, options: ["a", "b", "c"] };
  for (let i = 0; i < 8; i++) {
    const reply = await tutor.tool("ask_question", { question_data: question });
    const objects = questionObjects(derivedId8("question", session, 2 + 2 * i), question, grid(0, (i % 6) * 280));
    const clear = i === 6 ? [{ type: "CLEAR_BOARD" }] : [];
    match(reply.whiteboard_actions, [...clear, { type: "ADD_OBJECTS", objects }], `question ${i + 1}`);
  }
});

item("services §4", "in a known zone the question stands at percentages", async (c) => {
  for (const [template, zone, x, y, width, height] of [
    ["default_board", "options_area", 0.05, 0.3, 0.9, 0.4],
    ["two_column_equal", "left_column", 0.02, 0.02, 0.47, 0.96],
  ] as const) {
    const { session, tutor } = await connected(c);
    const step = (0.7 * height) / 4;
    const row = Math.min(step, 0.15 * height);
    const top = (i: number): number => y + 0.3 * height + i * step;
    const place: Place = (part, i) => {
      if (part === "question") return { xPct: x, yPct: y, widthPct: width, heightPct: round(0.25 * height, 4) };
      if (part === "radio") return { xPct: round(x + 0.02 * width, 4), yPct: round(top(i) + row / 2, 4) };
      return {
        xPct: round(x + 0.05 * width, 4),
        yPct: round(top(i), 4),
        widthPct: round(0.9 * width, 4),
        heightPct: round(row, 4),
      };
    };
    const reply = await tutor.tool("ask_question", { question_data: QUESTION, template, zone });
    const objects = questionObjects(derivedId8("question", session, 2), QUESTION, place);
    match(reply.whiteboard_actions[0].objects, objects, zone);
  }
});

item("services §4", "an unknown zone falls back to the grid", async (c) => {
  const { session, tutor } = await connected(c);
  const reply = await tutor.tool("ask_question", { question_data: QUESTION, template: "default_board", zone: "attic" });
  match(reply.whiteboard_actions[0].objects, questionObjects(derivedId8("question", session, 2), QUESTION, grid(0, 0)));
});

item("tutor §8", "a missing question is MISSING_QUESTION_DATA, an invalid one INVALID_QUESTION_DATA", async (c) => {
  const { tutor } = await connected(c);
  match(await tutor.tool("ask_question", {}), errorEnvelope("MISSING_QUESTION_DATA"));
  const { explanation: _, ...withoutKey } = QUESTION;
  const bad = [
    withoutKey,
    { ...QUESTION, options: ["one"] },
    { ...QUESTION, options: Array.from({ length: 9 }, (_x, i) => `${i}`) },
    { ...QUESTION, options: [1, 2] },
    { ...QUESTION, correct_answer_index: 4 },
    { ...QUESTION, correct_answer_index: -1 },
    { ...QUESTION, correct_answer_index: "0" },
    { ...QUESTION, question: 5 },
  ];
  for (const question_data of bad)
    match(
      await tutor.tool("ask_question", { question_data }),
      errorEnvelope("INVALID_QUESTION_DATA"),
      JSON.stringify(question_data),
    );
});

item(
  "models §1",
  "after a question the state of the next prompt is asked, pending, with its topic",
  async (c) => {
    const { tutor } = await connected(c);
    const word = nonce();
    await tutor.tool("ask_question", { question_data: QUESTION, topic: "membranes" });
    await tutor.say(word);
    const [call] = await c.recorded(word);
    const state = JSON.parse(/^State: (.*)$/m.exec(call?.body.messages[0].content)?.[1] ?? "null");
    match(state, { action: "asked", concepts: {}, focus: null, goal: null, pending: true, topic: "membranes" });
  },
  { needsModel: true },
);
