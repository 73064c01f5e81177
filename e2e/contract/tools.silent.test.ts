import assert from "node:assert/strict";
import { canonicalJson, nonce, type Json } from "../support/index.ts";
import { drawGroup, errorEnvelope, explanation, item, match, type Context } from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  return { user, session, tutor: await c.tutor(user, session) };
}

/** What the model was told about a silent tool, in the step after it. */
async function toolResult(
  c: Context,
  tutor: { say(text: string): Promise<Json> },
  name: string,
  args: Json,
): Promise<Json> {
  const word = nonce();
  match(await tutor.say(`${word} !tool=${name} ${JSON.stringify(args)}`), explanation());
  const messages = (await c.recorded(word)).at(-1)?.body.messages;
  const told = messages.at(-1);
  assert.equal(told.role, "system");
  const head = `Tool result ${name}: `;
  assert.ok(told.content.startsWith(head), told.content);
  const value = JSON.parse(told.content.slice(head.length));
  assert.equal(told.content, head + canonicalJson(value), "the result is canonical JSON");
  return value;
}

const OBJECTS: Json = {
  a: { id: "a", kind: "rect", x: 0, y: 0, width: 10, height: 10, metadata: { source: "user", concept: "osmosis" } },
  b: { id: "b", kind: "text", x: 20, y: 0, text: "T", metadata: { source: "user", concept: "osmosis", role: "note" } },
  c: { id: "c", kind: "rect", x: 100, y: 100, width: 5, height: 5, metadata: { source: "user", concept: "cells" } },
  p: { id: "p", kind: "rect", xPct: 0.1, yPct: 0.1, metadata: { source: "user" } },
};

async function withBoard(c: Context) {
  const opened = await connected(c);
  const board = await c.board(opened.user, opened.session);
  for (const id of ["c", "b", "a", "p"]) board.put(id, OBJECTS[id]);
  await board.until(async () => {
    const summary = (await c.get(`/api/v1/sessions/${opened.session}/board_summary`, opened.user)).json();
    assert.equal(summary.counts.by_owner.user, 4);
  });
  return opened;
}

const shown = (...ids: string[]): Json =>
  ids.map((id) => ({ id, kind: OBJECTS[id].kind, metadata: OBJECTS[id].metadata }));

item(
  "services §3",
  "find_object_on_board matches metadata and place and shows the asked fields",
  async (c) => {
    const { tutor } = await withBoard(c);
    const find = (args: Json): Promise<Json> => toolResult(c, tutor, "find_object_on_board", args);
    match(await find({ meta_query: { concept: "osmosis" } }), { matches: shown("a", "b") });
    match(await find({ meta_query: { concept: "osmosis", role: "note" } }), { matches: shown("b") });
    match(await find({ meta_query: { concept: "none" } }), { matches: [] });
    match(await find({ spatial_query: [10, 10, 5, 5] }), { matches: shown("a") }, "touching boxes match: $");
    match(
      await find({ spatial_query: [0, 0, 1000, 1000] }),
      { matches: shown("a", "b", "c") },
      "percentage positions are not indexed: $",
    );
    match(
      await find({ meta_query: { concept: "osmosis" }, spatial_query: [0, 0, 5, 5], fields: ["id", "x", "width"] }),
      { matches: [{ id: "a", x: 0, width: 10 }] },
    );
  },
  { needsModel: true },
);

item(
  "services §3",
  "get_board_summary gives the model the same object as R8",
  async (c) => {
    const { tutor, user, session } = await withBoard(c);
    const summary = await toolResult(c, tutor, "get_board_summary", {});
    match(summary, (await c.get(`/api/v1/sessions/${session}/board_summary`, user)).json());
  },
  { needsModel: true },
);

item(
  "services §2",
  "a silent step adds the model's reply as received and the result after it",
  async (c) => {
    const { tutor } = await connected(c);
    const word = nonce();
    const raw = ' ```json\n{"name":"get_board_summary", "args":{}}\n``` ';
    await c.script(word, [{ pieces: [raw] }]);
    match(await tutor.say(word), explanation());
    const calls = await c.recorded(word);
    assert.equal(calls.length, 2);
    const [first, second] = calls.map((call) => call.body.messages);
    match(second.slice(0, first.length), first);
    match(second.slice(first.length), [
      { role: "assistant", content: raw },
      {
        role: "system",
        content: `Tool result get_board_summary: ${canonicalJson({ counts: { by_kind: {}, by_owner: {} }, learner_question_tags: [], concept_clusters: [] })}`,
      },
    ]);
  },
  { needsModel: true },
);

item(
  "tutor §8",
  "three silent steps are allowed, a fourth is TOOL_LOOP_LIMIT",
  async (c) => {
    const { tutor } = await connected(c);
    const silent = { pieces: ['{"name":"get_board_summary","args":{}}'] };
    const allowed = nonce();
    await c.script(allowed, [silent, silent, silent, { pieces: ['{"name":"explain","args":{"text":"done"}}'] }]);
    match(await tutor.say(allowed), explanation("done"));
    const looping = nonce();
    await c.script(looping, [silent, silent, silent, silent, silent]);
    match(await tutor.say(looping), errorEnvelope("TOOL_LOOP_LIMIT"));
    const calls = await c.recorded(looping);
    assert.equal(calls.length, 4);
  },
  { needsModel: true },
);

item(
  "services §3",
  "the step counts in the group of what is drawn",
  async (c) => {
    const { tutor, session } = await connected(c);
    const word = nonce();
    await c.script(word, [
      { pieces: ['{"name":"get_board_summary","args":{}}'] },
      { pieces: ['{"name":"draw_text","args":{"text":"T","x":1,"y":2}}'] },
    ]);
    const reply = await tutor.say(word);
    const group = drawGroup(session, 2, 1);
    match(reply.whiteboard_actions[0].objects[0].id, `draw_text-${group}-0`);
    match(reply.whiteboard_actions[0].objects[0].metadata.groupId, group);
  },
  { needsModel: true },
);

item("services §3", "tools of later releases count as unknown names", async (c) => {
  const { tutor } = await connected(c);
  for (const name of [
    "reflect",
    "summarise_context",
    "style_token",
    "update_user_model",
    "explain_concept",
    "create_quiz",
    "dag_query",
    "read_knowledge_base",
  ]) {
    match(
      await tutor.tool(name, { topic: "t", text: "t", token: "t", outcome: "correct" }),
      errorEnvelope("UNKNOWN_TOOL"),
      name,
    );
  }
});
