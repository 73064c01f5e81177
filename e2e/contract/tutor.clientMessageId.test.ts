import assert from "node:assert/strict";
import { eventually, nonce, type Json } from "../support/index.ts";
import { errorEnvelope, explanation, item, match, type Context } from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  const messages = async (): Promise<Json[]> => (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  const logs = async (): Promise<Json[]> =>
    (await c.get(`/api/v1/sessions/${session}/interactions`, user)).json().interactions;
  return { user, session, messages, logs, tutor: await c.tutor(user, session) };
}

const frame = (text: string, id: Json): Json => ({ type: "user_message", data: { text }, client_message_id: id });

item(
  "tutor §6",
  "a repeat of a finished id gets the stored envelope unchanged and has no effect",
  async (c) => {
    const { tutor, messages, logs } = await connected(c);
    const word = nonce();
    const first = await tutor.ask(frame(word, "m-1"));
    match(first, explanation());
    match(await tutor.ask(frame(word, "m-1")), first);
    match(await tutor.ask(frame("something else", "m-1")), first, "whatever the repeated frame says: $");
    match(await tutor.ask({ type: "no_such_type", client_message_id: "m-1" }), first);
    assert.equal((await messages()).length, 2);
    assert.equal((await logs()).length, 1);
    assert.equal((await c.recorded(word)).length, 1);
  },
  { needsModel: true },
);

item("tutor §6", "a repeat is known on another socket and after a reconnect, in its session only", async (c) => {
  const { tutor, user, session, messages } = await connected(c);
  const first = await tutor.ask(frame("hello", "m-1"));
  await tutor.close();
  const again = await c.tutor(user, session);
  match(await again.ask(frame("hello", "m-1")), first);
  assert.equal((await messages()).length, 2);
  const elsewhere = await c.tutor(user, await c.session(user));
  match(await elsewhere.ask(frame('!tool=explain {"text":"new"}', "m-1")), explanation("new"));
});

item(
  "tutor §6",
  "a repeat of a running id is answered once the turn ends, on every socket that presented it",
  async (c) => {
    const { tutor, user, session, messages } = await connected(c);
    const [two, three] = [await c.tutor(user, session), await c.tutor(user, session)];
    tutor.send(frame("!slow=900 once", "m-1"));
    await eventually(async () => assert.equal((await messages()).length, 1));
    two.send(frame("!slow=900 once", "m-1"));
    const [a, b] = [await tutor.nextJson(), await two.nextJson()];
    match(a, explanation());
    match(b, a);
    assert.deepEqual(await three.fence(), []);
    assert.deepEqual([await tutor.fence(), await two.fence()], [[], []]);
    assert.equal((await messages()).length, 2);
  },
);

item("tutor §6", "a repeat of a waiting id on the same socket is answered once", async (c) => {
  const { tutor, messages } = await connected(c);
  tutor.send({ type: "user_message", data: { text: "!slow=500 busy" } });
  tutor.send(frame("hello", "m-1"));
  tutor.send(frame("hello", "m-1"));
  match(await tutor.nextJson(), explanation());
  match(await tutor.nextJson(), explanation());
  assert.deepEqual(await tutor.fence(), []);
  assert.equal((await messages()).length, 4);
});

item(
  "tutor §6",
  "an error is not remembered: a repeat runs again but doubles no row",
  async (c) => {
    const { tutor, messages, logs } = await connected(c);
    const word = nonce();
    await c.script(word, [{ status: 404 }]);
    match(await tutor.ask(frame(word, "m-1")), errorEnvelope("LLM_UNAVAILABLE"));
    match(await tutor.ask(frame(word, "m-1")), explanation());
    assert.deepEqual(
      (await messages()).map((row) => [row.turn_no, row.role]),
      [
        [1, "user"],
        [2, "assistant"],
      ],
    );
    assert.equal((await logs()).length, 1);
    assert.equal((await c.recorded(word)).length, 2);
  },
  { needsModel: true },
);

item("tutor §6", "an id that is no text of 1 to 128 visible ASCII characters is INVALID_PAYLOAD", async (c) => {
  const { tutor, messages } = await connected(c);
  for (const id of ["", "x".repeat(129), "two words", "é", "tab\t", 5, true, {}, ["m"]]) {
    match(await tutor.ask(frame("hello", id)), errorEnvelope("INVALID_PAYLOAD"), JSON.stringify(id));
  }
  match(await tutor.ask(frame("hello", "~".repeat(128))), explanation());
  assert.equal((await messages()).length, 2);
});

item("tutor §6", "ids work on every queued frame", async (c) => {
  const { tutor, logs } = await connected(c);
  const next = await tutor.ask({ type: "next", client_message_id: "n-1" });
  match(await tutor.ask({ type: "next", client_message_id: "n-1" }), next);
  const click = await tutor.ask({ type: "canvas_click", data: { object_id: "o" }, client_message_id: "n-2" });
  match(await tutor.ask({ type: "next", client_message_id: "n-2" }), click);
  assert.equal((await logs()).length, 2);
});

item("tutor §6", "a repeat gets its envelope without a board request", async (c) => {
  const { tutor } = await connected(c);
  const request = await tutor.ask(frame("!board", "m-1"));
  const first = await tutor.ask({ type: "BOARD_STATE_RESPONSE", request_id: request.request_id, payload: [] });
  match(await tutor.ask(frame("!board", "m-1")), first);
  assert.deepEqual(await tutor.fence(), []);
});
