import assert from "node:assert/strict";
import { canonicalJson, nonce, type Json } from "../support/index.ts";
import { explanation, item, match, type Context } from "./harness/index.ts";

/** The names of services §3 in table order; rows that list several count each. */
const TOOLS = [
  "ask_question, explain, draw, reflect, summarise_context, end_session, add_objects_to_board, clear_board, clear_whiteboard",
  "concept_overview, explain_concept, explain_process, present_concepts, create_quiz, diagnostic_question, dag_query, delete_group",
  "delete_object_on_board, draw_axis_actions, draw_coordinate_plane, draw_diagram_actions, draw_flowchart_actions, draw_graph, draw_latex",
  "draw_mcq_actions, draw_mcq_feedback, evaluate_quiz, draw_shape, draw_table_actions, draw_text, draw_timeline, explain_diagram_part",
  "find_object_on_board, get_board_state, get_board_summary, group_objects, highlight_object, highlight_object_on_board, move_group",
  "read_interaction_logs, read_knowledge_base, reflect_on_interaction, remediate_concept, show_pointer_at, style_token",
  "update_object_on_board, update_user_model",
].join(", ");

const EMPTY_STATE = { action: null, concepts: {}, focus: null, goal: null, pending: false, topic: null };

function systemText(state: Json, whiteboard: "on" | "off" = "on"): string {
  return [
    "#kind tutor.executor/1",
    "You are a patient tutor. Teach one small step at a time and adapt to the learner.",
    'Reply with exactly one JSON object with the keys "name" and "args" and nothing else.',
    `"name" is one of: ${TOOLS}`,
    `Whiteboard: ${whiteboard}`,
    `State: ${canonicalJson(state)}`,
  ].join("\n");
}

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  return { user, session, tutor: await c.tutor(user, session) };
}

item(
  "services §1",
  "the first request of a session is literally the executor prompt and the text",
  async (c) => {
    assert.equal(TOOLS.split(", ").length, 47);
    const { tutor } = await connected(c);
    const text = `${nonce()} é 😀 </b>`;
    await tutor.say(text);
    const [call, ...more] = await c.recorded(text.slice(0, 17));
    assert.equal(more.length, 0);
    match(call?.body, {
      model: "gpt-4.1-2025-04-14",
      messages: [
        { role: "system", content: systemText(EMPTY_STATE) },
        { role: "user", content: text },
      ],
      temperature: 0.7,
      response_format: { type: "json_object" },
    });
  },
  { needsModel: true },
);

item(
  "services §1",
  "a request names its kind, its request id and carries the key as bearer",
  async (c) => {
    const { user, session } = await connected(c);
    const word = nonce();
    const tutor = await c.tutor(user, session, { headers: { "X-Request-Id": `req-${word}` } });
    await tutor.say(word);
    const [call] = await c.recorded(word);
    assert.equal(call?.headers["x-model-call"], "tutor.executor/1");
    assert.equal(call?.headers["authorization"], "Bearer local");
    assert.match(call?.headers["x-request-id"] ?? "", /^[!-~]{1,128}$/);
    assert.match(call?.headers["content-type"] ?? "", /^application\/json/);
  },
  { needsModel: true },
);

item(
  "services §2",
  "the last 20 chat rows below the input come as user and assistant messages, then the trigger",
  async (c) => {
    const { tutor } = await connected(c);
    const word = nonce();
    const history: Json[] = [];
    for (let i = 0; i < 12; i++) {
      const text = `turn ${i} ${word}`;
      const reply = await tutor.say(text);
      history.push({ role: "user", content: text }, { role: "assistant", content: reply.data.explanation_text });
    }
    const call = (await c.recorded(word)).at(-1);
    const trigger = history.at(-2);
    match(call?.body.messages.slice(1), [...history.slice(-22, -2), trigger]);
    assert.equal(call?.body.messages.length, 22);
  },
  { needsModel: true },
);

item(
  "services §2",
  "after an error the lost answer is simply missing in the history",
  async (c) => {
    const { tutor } = await connected(c);
    const word = nonce();
    await tutor.say(`!500 ${word}`);
    await tutor.say(`again ${word}`);
    const call = (await c.recorded(word)).at(-1);
    match(call?.body.messages.slice(1), [
      { role: "user", content: `!500 ${word}` },
      { role: "user", content: `again ${word}` },
    ]);
  },
  { needsModel: true },
);

item(
  "services §2",
  "the prompt carries the state: last action, topic, concepts, pending question and the mode",
  async (c) => {
    const { tutor } = await connected(c);
    const word = nonce();
    const question = {
      question: "2+2?",
      options: ["3", "4"],
      correct_answer_index: 1,
      explanation: "Count.",
      difficulty: "easy",
      related_section: "Sums é",
    };
    await tutor.tool("explain", { text: "Sums.", topic: "adding" });
    await tutor.say(`one ${word}`);
    await tutor.tool("ask_question", { question_data: question });
    await tutor.say(`two ${word}`, { whiteboard_mode: "chat_only" });
    await tutor.ask({ type: "answer", data: { answer_index: 0 } });
    await tutor.say(`three ${word}`);
    const systems = (await c.recordedTurn(word)).map((call) => call.body.messages[0].content);
    assert.equal(systems[0], systemText({ ...EMPTY_STATE, action: "explained", topic: "adding" }));
    const second = JSON.parse(/^State: (.*)$/m.exec(systems[1])?.[1] ?? "null");
    match([second.pending, second.concepts], [true, {}]);
    assert.ok(systems[1].includes("\nWhiteboard: off\n"));
    const third = JSON.parse(/^State: (.*)$/m.exec(systems[2])?.[1] ?? "null");
    match([third.action, third.pending, third.concepts], ["evaluated", false, { "Sums é": [1, 2, 1] }]);
  },
  { needsModel: true },
);

item(
  "services §1",
  "the same input gives the same canonical request in another session of another person",
  async (c) => {
    const text = `same ${nonce()}`;
    const sent: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { tutor } = await connected(c);
      await tutor.say(text);
    }
    for (const call of await c.recorded(text)) sent.push(call.key);
    assert.equal(sent.length, 2);
    assert.equal(sent[0], sent[1]);
  },
  { needsModel: true },
);

item(
  "services §1",
  "a reply is read from the first brace to the last, a code fence and text around it do not matter",
  async (c) => {
    const { tutor } = await connected(c);
    const json = '{"name":"explain","args":{"text":"read"}}';
    for (const reply of [
      `\n ${json} \n`,
      `\`\`\`json\n${json}\n\`\`\``,
      `\`\`\`\n${json}\n\`\`\``,
      `Here you are: ${json} Bye.`,
    ]) {
      const word = nonce();
      await c.script(word, [{ pieces: [reply] }]);
      match(await tutor.say(word), explanation("read"), JSON.stringify(reply));
      assert.equal((await c.recorded(word)).filter((call) => call.body.messages.at(-1).content === word).length, 1);
    }
  },
  { needsModel: true },
);
