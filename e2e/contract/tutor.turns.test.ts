import assert from "node:assert/strict";
import { eventually, type Json } from "../support/index.ts";
import { errorEnvelope, explanation, item, match, oneOf, type Context, type Tutor } from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  const messages = async (): Promise<Json[]> => (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  return { user, session, messages, tutor: await c.tutor(user, session) };
}

async function envelopes(tutor: Tutor, count: number): Promise<Json[]> {
  const frames: Json[] = [];
  while (frames.length < count) frames.push(await tutor.nextJson());
  return frames;
}

item("tutor §2", "frames are finished one after the other in arrival order", async (c) => {
  const { tutor, messages } = await connected(c);
  tutor.send({ type: "user_message", data: { text: "!slow=300 first" } });
  tutor.send({ type: "user_message", data: { text: "second" } });
  tutor.send({ type: "user_message", data: { text: "third" } });
  const texts = (await envelopes(tutor, 3)).map((frame) => frame.data.explanation_text);
  for (const [index, word] of ["first", "second", "third"].entries())
    assert.ok(texts[index].includes(word), texts[index]);
  const rows = await messages();
  assert.deepEqual(
    rows.map((row) => [row.turn_no, row.role]),
    [1, 2, 3, 4, 5, 6].map((n) => [n, n % 2 ? "user" : "assistant"]),
  );
});

item("tutor §1", "sockets of one session share the queue, each gets the answers to its own frames only", async (c) => {
  const { user, session, tutor, messages } = await connected(c);
  const other = await c.tutor(user, session);
  tutor.send({ type: "user_message", data: { text: "!slow=300 from one" } });
  await eventually(async () => assert.equal((await messages()).length, 1)); // the first turn runs
  const late = await other.say("from two");
  const early = await tutor.nextJson();
  assert.ok(early.data.explanation_text.includes("from one") && late.data.explanation_text.includes("from two"));
  assert.deepEqual([await tutor.fence(), await other.fence()], [[], []]);
  assert.deepEqual(
    (await messages()).map((row) => row.role),
    ["user", "assistant", "user", "assistant"],
  );
});

item("G13", "when the envelope arrives the turn is already stored", async (c) => {
  const { tutor, messages, session, user } = await connected(c);
  for (let turn = 1; turn <= 4; turn++) {
    const reply = await tutor.say(`turn ${turn}`);
    const rows = await messages();
    match(rows.at(-1), {
      turn_no: turn * 2,
      role: "assistant",
      text: reply.data.explanation_text,
      payload_json: reply,
      whiteboard_snapshot_index: null,
    });
    assert.equal((await c.get(`/api/v1/sessions/${session}`, user)).json().latest_turn_no, turn * 2);
  }
});

item("tutor §2", "a turn goes on when its socket is gone, its result is stored", async (c) => {
  const { tutor, messages } = await connected(c);
  tutor.send({ type: "user_message", data: { text: "!slow=700 still needed" } });
  await eventually(async () => assert.equal((await messages()).length, 1));
  tutor.terminate();
  await eventually(async () =>
    assert.deepEqual(
      (await messages()).map((row) => row.role),
      ["user", "assistant"],
    ),
  );
});

item(
  "tutor §2",
  "a turn that ends in an error leaves its log row, its user row and its mode, nothing else",
  async (c) => {
    const { tutor, messages, user, session } = await connected(c);
    match(await tutor.say("!500 fails", { whiteboard_mode: "chat_only" }), errorEnvelope("LLM_UNAVAILABLE"));
    match(await messages(), [{ turn_no: 1, role: "user", text: "!500 fails", whiteboard_snapshot_index: null }]);
    const { interaction_mode, latest_turn_no } = (await c.get(`/api/v1/sessions/${session}`, user)).json();
    match([interaction_mode, latest_turn_no], ["chat_only", 1]);
    assert.equal((await c.get(`/api/v1/sessions/${session}/interactions`, user)).json().interactions.length, 1);
    match(await tutor.say("works"), explanation());
    assert.deepEqual(
      (await messages()).map((row) => [row.turn_no, row.role]),
      [
        [1, "user"],
        [2, "user"],
        [3, "assistant"],
      ],
    );
  },
);

item("tutor §2", "32 frames wait, a further one is QUEUE_OVERFLOW at once and dropped", async (c) => {
  const { tutor, messages } = await connected(c);
  tutor.send({ type: "user_message", data: { text: "!slow=2500 busy" } });
  await eventually(async () => assert.equal((await messages()).length, 1));
  for (let i = 0; i < 33; i++) tutor.send({});
  match(await tutor.nextJson(2_400), errorEnvelope("QUEUE_OVERFLOW"));
  const frames = await envelopes(tutor, 33);
  match(frames[0], explanation());
  for (const frame of frames.slice(1)) match(frame, errorEnvelope("INVALID_PAYLOAD"));
  assert.deepEqual(await tutor.fence(), []);
});

item("tutor §4", "an assistant row stores the envelope, the board index and the text of its kind", async (c) => {
  const { tutor, messages } = await connected(c);
  const question = {
    question: "2+2?",
    options: ["3", "4"],
    correct_answer_index: 1,
    explanation: "Count.",
    difficulty: "easy",
    related_section: "Sums",
  };
  const replies = [
    await tutor.say("explain it"),
    await tutor.tool("draw", { objects: [{ kind: "rect" }] }),
    await tutor.tool("ask_question", { question_data: question }),
    await tutor.ask({ type: "answer", data: { answer_index: 1 } }),
    await tutor.tool("end_session", {}),
  ];
  const rows = (await messages()).filter((row) => row.role === "assistant");
  const asked = oneOf(replies[2].data.message_text, "2+2?"); // the contract names both texts for a drawn question
  match(
    rows.map((row) => row.text),
    [replies[0].data.explanation_text, "draw", asked, "feedback", "Session ended: completed"],
  );
  for (const [index, row] of rows.entries()) {
    match(row.payload_json, replies[index]);
    assert.equal(row.whiteboard_snapshot_index, replies[index].whiteboard_actions === null ? null : row.turn_no);
  }
});

item("tutor §4", "updated_at moves with a turn, created_at does not", async (c) => {
  const { tutor, user, session } = await connected(c);
  const before = (await c.get(`/api/v1/sessions/${session}`, user)).json();
  await c.pause(5);
  await tutor.say("hello");
  const after = (await c.get(`/api/v1/sessions/${session}`, user)).json();
  assert.equal(after.created_at, before.created_at);
  assert.ok(Date.parse(after.updated_at) > Date.parse(before.updated_at));
});

item("G13", "a REST call that changes a session waits for the running turn", async (c) => {
  const { tutor, user, session } = await connected(c);
  tutor.send({ type: "user_message", data: { text: "!slow=600 busy" } });
  await eventually(async () =>
    assert.equal((await c.get(`/api/v1/sessions/${session}/interactions`, user)).json().interactions.length, 1),
  );
  const reply = await c.post(`/api/v1/sessions/${session}/log/summary`, user, {
    section: "a",
    topic: "b",
    summary: "c",
  });
  assert.equal(reply.status, 204);
  const rows = (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  assert.deepEqual(
    rows.map((row: Json) => row.role),
    ["user", "assistant"],
    "the turn was finished before the call was",
  );
});

item(
  "rest R21",
  "deleting a session closes its tutor and whiteboard sockets with 1000 `Session deleted`",
  async (c) => {
    const { tutor, user, session } = await connected(c);
    const board = await c.board(user, session);
    assert.equal((await c.api("DELETE", `/api/v1/sessions/${session}`, { user })).status, 204);
    assert.deepEqual(await tutor.closed(), { code: 1000, reason: "Session deleted" });
    assert.deepEqual(await board.closed(), { code: 1000, reason: "Session deleted" });
  },
);
