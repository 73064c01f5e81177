import assert from "node:assert/strict";
import type { Json } from "../support/index.ts";
import { item, match, nonEmptyText, text } from "./harness/index.ts";

/** Enough rows to see the bounds of R6 (100) and O1 (50): 51 turns of two rows each. */
const TURNS = 51;

item(
  "R6",
  "an empty session has an empty list; a user row has no payload_json, an assistant row its envelope",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    match((await c.get(`/api/v1/sessions/${session}/messages`, user)).json(), []);
    const tutor = await c.tutor(user, session);
    const envelope = await tutor.say("What is osmosis?");
    const reply = await c.get(`/api/v1/sessions/${session}/messages`, user);
    assert.equal(reply.status, 200);
    match(reply.json(), [
      { turn_no: 1, role: "user", text: "What is osmosis?", whiteboard_snapshot_index: null },
      {
        turn_no: 2,
        role: "assistant",
        text: envelope.data.explanation_text,
        payload_json: envelope,
        whiteboard_snapshot_index: null,
      },
    ]);
  },
);

item(
  "R6",
  "the newest rows come ascending: limit, its bounds, before_turn_no; O1 carries the newest 50",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const tutor = await c.tutor(user, session);
    for (let turn = 0; turn < TURNS; turn++)
      assert.equal((await tutor.say(`message ${turn}`)).content_type, "explanation");
    const rows = async (query: string): Promise<Json[]> =>
      (await c.get(`/api/v1/sessions/${session}/messages${query}`, user)).json();
    const numbers = async (query: string): Promise<number[]> => (await rows(query)).map((row) => row.turn_no);
    const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    const last = TURNS * 2;
    assert.deepEqual(await numbers(""), span(last - 49, last));
    assert.deepEqual(await numbers("?limit=3"), span(last - 2, last));
    assert.deepEqual(await numbers("?limit=0"), span(last - 19, last));
    assert.deepEqual(await numbers("?limit=-7"), span(last - 19, last));
    assert.deepEqual(await numbers("?limit=101"), span(last - 99, last));
    assert.deepEqual(await numbers("?limit=4000"), span(last - 99, last));
    assert.deepEqual(await numbers("?before_turn_no=5"), span(1, 4));
    assert.deepEqual(await numbers("?before_turn_no=10&limit=2"), span(8, 9));
    assert.deepEqual(await numbers("?before_turn_no=1"), []);
    assert.deepEqual(await numbers("?before=5&limit=1"), [last]);
    const again = await c.tutor(user, session);
    assert.deepEqual(
      again.init.chat_history.map((row: Json) => row.turn_no),
      span(last - 49, last),
    );
    match(again.init.chat_history[48], { role: "user", text: `message ${TURNS - 1}`, turn_no: last - 1 });
    match(again.init.chat_history[49], { role: "assistant", text: nonEmptyText, turn_no: last });
  },
  { timeoutMs: 90_000 },
);

item("R6", "a limit or bound that is no integer is 422 int_parsing", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  for (const name of ["limit", "before_turn_no"]) {
    const reply = await c.get(`/api/v1/sessions/${session}/messages?${name}=abc`, user);
    assert.equal(reply.status, 422);
    match([reply.json().detail[0].type, reply.json().detail[0].loc], ["int_parsing", ["query", name]]);
  }
});

item("R7", "board actions up to an index come ascending and concatenated", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const at = async (index: number): Promise<Json> =>
    (await c.get(`/api/v1/sessions/${session}/whiteboard_state_at_turn?target_snapshot_index=${index}`, user)).json();
  match(await at(0), { target_snapshot_index: 0, whiteboard_actions: [] });
  const tutor = await c.tutor(user, session);
  const first = await tutor.tool("show_pointer_at", { x: 1, y: 2 });
  await tutor.say("no board here");
  const second = await tutor.tool("delete_group", { group_id: "g1" });
  assert.equal(first.whiteboard_actions.length, 1);
  match(await at(1), { target_snapshot_index: 1, whiteboard_actions: [] });
  match(await at(2), { target_snapshot_index: 2, whiteboard_actions: first.whiteboard_actions });
  match(await at(5), { target_snapshot_index: 5, whiteboard_actions: first.whiteboard_actions });
  match(await at(6), {
    target_snapshot_index: 6,
    whiteboard_actions: [...first.whiteboard_actions, ...second.whiteboard_actions],
  });
  const rows = (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  assert.deepEqual(
    rows.map((row: Json) => row.whiteboard_snapshot_index),
    [null, 2, null, null, null, 6],
  );
});

item("R7", "a negative index is 400 INVALID_SNAPSHOT_INDEX", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const reply = await c.get(`/api/v1/sessions/${session}/whiteboard_state_at_turn?target_snapshot_index=-1`, user);
  assert.equal(reply.status, 400);
  match(reply.json(), { error_code: "INVALID_SNAPSHOT_INDEX", error_message: text, technical_details: null });
});
