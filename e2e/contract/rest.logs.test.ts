import assert from "node:assert/strict";
import { canonicalJson, derivedId, type Json } from "../support/index.ts";
import { item, match, ts } from "./harness/index.ts";

const QUIZ = {
  question: "2+2?",
  selectedOption: "4",
  correctOption: "4",
  isCorrect: true,
  relatedSection: "Sums",
  topic: null,
};
const SUMMARY = { section: "Cells", topic: "Osmosis", summary: "Water moves é." };

item("R14", "a mini-quiz answers 204 and adds one log row", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const reply = await c.post(`/api/v1/sessions/${session}/log/mini-quiz`, user, QUIZ);
  assert.equal(reply.status, 204);
  assert.equal(reply.body.length, 0);
  const { interactions } = (await c.get(`/api/v1/sessions/${session}/interactions`, user)).json();
  match(interactions, [
    {
      id: derivedId("log", session, 1),
      role: "user",
      content: canonicalJson(QUIZ),
      content_type: "mini_quiz",
      event_type: "mini_quiz",
      created_at: ts,
    },
  ]);
});

item("R14", "optional texts may be absent, the four required fields may not", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const path = `/api/v1/sessions/${session}/log/mini-quiz`;
  const { question, selectedOption, correctOption, isCorrect } = QUIZ;
  assert.equal((await c.post(path, user, { question, selectedOption, correctOption, isCorrect })).status, 204);
  for (const name of ["question", "selectedOption", "correctOption", "isCorrect"]) {
    const body: Json = { ...QUIZ };
    delete body[name];
    const reply = await c.post(path, user, body);
    assert.equal(reply.status, 422);
    match(
      [reply.json().detail.length, reply.json().detail[0].type, reply.json().detail[0].loc],
      [1, "missing", ["body", name]],
    );
  }
  assert.equal((await c.get(`/api/v1/sessions/${session}/interactions`, user)).json().interactions.length, 1);
});

item("R15", "a summary answers 204 and adds one log row", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const path = `/api/v1/sessions/${session}/log/summary`;
  assert.equal((await c.post(path, user, SUMMARY)).status, 204);
  match((await c.get(`/api/v1/sessions/${session}/interactions`, user)).json(), {
    interactions: [
      {
        id: derivedId("log", session, 1),
        role: "user",
        content: canonicalJson(SUMMARY),
        content_type: "user_summary",
        event_type: "summary",
        created_at: ts,
      },
    ],
    next_after: null,
  });
  for (const name of Object.keys(SUMMARY)) {
    const reply = await c.post(path, user, { ...SUMMARY, [name]: 5 });
    match(
      [reply.status, reply.json().detail[0].type, reply.json().detail[0].loc],
      [422, "string_type", ["body", name]],
    );
  }
});

item("R33", "log rows come oldest first with derived ids and are paged by `after`", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const path = `/api/v1/sessions/${session}/interactions`;
  match((await c.get(path, user)).json(), { interactions: [], next_after: null });
  for (let row = 1; row <= 53; row++) {
    await c.post(`/api/v1/sessions/${session}/log/summary`, user, { ...SUMMARY, topic: `t${row}` });
  }
  const ids = Array.from({ length: 53 }, (_, i) => derivedId("log", session, i + 1));
  const page = async (query: string): Promise<{ ids: string[]; next: string | null }> => {
    const body = (await c.get(path + query, user)).json();
    return { ids: body.interactions.map((row: Json) => row.id), next: body.next_after };
  };
  assert.deepEqual(await page(""), { ids: ids.slice(0, 50), next: ids[49] });
  assert.deepEqual(await page(`?after=${ids[49]}`), { ids: ids.slice(50), next: null });
  assert.deepEqual(await page(`?after=${ids[1]}&limit=2`), { ids: ids.slice(2, 4), next: ids[3] });
  assert.deepEqual(await page("?limit=200"), { ids, next: null });
  for (const [limit, type] of [
    ["0", "greater_than_equal"],
    ["201", "less_than_equal"],
    ["x", "int_parsing"],
  ]) {
    const reply = await c.get(`${path}?limit=${limit}`, user);
    match([reply.status, reply.json().detail[0].type, reply.json().detail[0].loc], [422, type, ["query", "limit"]]);
  }
});

item("models §8", "turn frames leave log rows: a text as user_input, every other frame as user_action", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const tutor = await c.tutor(user, session);
  await tutor.say("hello there");
  await tutor.ask({ type: "next" });
  await tutor.ask({ type: "canvas_click", data: { object_id: "o1" } });
  await tutor.ask({ type: "answer", data: { answer_index: 1 } });
  await tutor.ask({ type: "start" });
  const { interactions } = (await c.get(`/api/v1/sessions/${session}/interactions`, user)).json();
  const seen = interactions.map((row: Json) => [row.role, row.content_type, row.content, row.event_type]);
  assert.deepEqual(seen, [
    ["user", "user_input", "hello there", "user_message"],
    ["user", "user_action", "User action: next", "next"],
    ["user", "user_action", "User action: canvas_click", "canvas_click"],
    ["user", "user_action", "User action: answer", "answer"],
    ["user", "user_action", "User action: start", "start"],
  ]);
});
