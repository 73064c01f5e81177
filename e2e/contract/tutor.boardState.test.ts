import assert from "node:assert/strict";
import { canonicalJson, derivedId, nonce, type Json } from "../support/index.ts";
import { errorEnvelope, explanation, item, match, type Context, type Tutor } from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  return { user, session, tutor: await c.tutor(user, session) };
}

/** Starts a turn that asks for the board and gives the id of the request. */
async function asksForBoard(tutor: Tutor, session: string, word = ""): Promise<string> {
  const frame = await tutor.say(`!board ${word}`);
  match(frame, { type: "REQUEST_BOARD_STATE", request_id: derivedId("board_request", session, 2, 0) });
  return frame.request_id;
}

const OBJECTS: Json = [
  { id: "a", kind: "rect", metadata: { semantic_tags: ["cell"], bbox: [0, 1.0, 2, 3] } },
  { id: "b", metadata: { semantic_tags: [], bbox: [1, 2, 3] } },
  { id: "", kind: "rect" },
  { kind: "rect" },
  { id: 5 },
];
/** services §12, strategy `ids+tags+bbox`. */
const COMPRESSED = [{ id: "a", tags: ["cell"], bbox: [0, 1, 2, 3] }, { id: "b" }];

item(
  "tutor §8",
  "get_board_state asks the requesting socket, the compressed board goes back to the model",
  async (c) => {
    const { tutor, session, user } = await connected(c);
    const other = await c.tutor(user, session);
    const word = nonce();
    const request_id = await asksForBoard(tutor, session, word);
    tutor.send({ type: "BOARD_STATE_RESPONSE", request_id, payload: OBJECTS });
    match(await tutor.nextJson(), explanation());
    const [, second] = await c.recorded(word);
    const messages = second?.body.messages;
    match(messages.at(-2).role, "assistant");
    assert.equal(JSON.parse(messages.at(-2).content).name, "get_board_state");
    match(messages.at(-1), { role: "system", content: `Tool result get_board_state: ${canonicalJson(COMPRESSED)}` });
    assert.deepEqual(await other.fence(), [], "O4 goes to the requesting socket only");
  },
  { needsModel: true },
);

item("tutor §8", "any socket of the session may answer, the envelope goes to the asking one", async (c) => {
  const { tutor, session, user } = await connected(c);
  const other = await c.tutor(user, session);
  const request_id = await asksForBoard(tutor, session);
  other.send({ type: "BOARD_STATE_RESPONSE", request_id, payload: [] });
  match(await tutor.nextJson(), explanation());
  assert.deepEqual(await other.fence(), []);
});

item("tutor §8", "a wrong id does not answer, ping is answered while the turn waits", async (c) => {
  const { tutor, session } = await connected(c);
  const request_id = await asksForBoard(tutor, session);
  tutor.send({ type: "BOARD_STATE_RESPONSE", request_id: derivedId("board_request", session, 3, 0), payload: [] });
  assert.equal((await tutor.ask({ type: "ping" })).type, "pong");
  tutor.send({ type: "BOARD_STATE_RESPONSE", request_id, payload: [], error: "" });
  match(await tutor.nextJson(), explanation());
});

item("tutor §8", "a payload that is no list or a named error is BOARD_STATE_ERROR", async (c) => {
  for (const answer of [
    { payload: {} },
    { payload: null },
    {},
    { payload: [], error: "no canvas" },
    { payload: "[]" },
  ]) {
    const { tutor, session } = await connected(c);
    const request_id = await asksForBoard(tutor, session);
    match(
      await tutor.ask({ type: "BOARD_STATE_RESPONSE", request_id, ...answer }),
      errorEnvelope("BOARD_STATE_ERROR"),
      JSON.stringify(answer),
    );
  }
});

item("tutor §8", "a socket of another session cannot answer", async (c) => {
  const { tutor, session, user } = await connected(c);
  const stranger = await c.tutor(user, await c.session(user));
  const request_id = await asksForBoard(tutor, session);
  stranger.send({ type: "BOARD_STATE_RESPONSE", request_id, payload: OBJECTS });
  assert.deepEqual(await stranger.fence(), []);
  assert.equal(tutor.pending(), 0);
  tutor.send({ type: "BOARD_STATE_RESPONSE", request_id, payload: [] });
  match(await tutor.nextJson(), explanation());
});
