import assert from "node:assert/strict";
import { eventually, type Json } from "../support/index.ts";
import { explanation, item, match, message, ts, type Context } from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  const shown = async (): Promise<Json> => (await c.get(`/api/v1/sessions/${session}`, user)).json();
  const messages = async (): Promise<Json[]> => (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  return { user, session, shown, messages, tutor: await c.tutor(user, session) };
}

const ENDED = { code: 1000, reason: "User ended session" };

item("tutor §9", "end_session claims the analysis, confirms and closes with 1000 `User ended session`", async (c) => {
  const { tutor, shown, messages, user, session } = await connected(c);
  match(await tutor.ask({ type: "end_session" }), message("Session analysis will start now.", "summary"));
  assert.deepEqual(await tutor.closed(), ENDED);
  const after = await shown();
  match([after.analysis_status, after.ended_at], ["processing", ts]);
  assert.deepEqual(await messages(), [], "the confirmation is no chat row");
  const { interactions } = (await c.get(`/api/v1/sessions/${session}/interactions`, user)).json();
  match(
    interactions.map((row: Json) => [row.content, row.event_type]),
    [["User action: end_session", "end_session"]],
  );
});

item("tutor §9", "ending again names the status and claims nothing", async (c) => {
  const { tutor, shown, user, session } = await connected(c);
  await tutor.ask({ type: "end_session" });
  await tutor.closed();
  const { ended_at } = await shown();
  const again = await c.tutor(user, session);
  match(await again.say("still works"), explanation());
  match(await again.ask({ type: "end_session" }), message("Session analysis status: processing.", "summary"));
  assert.deepEqual(await again.closed(), ENDED);
  assert.equal((await shown()).ended_at, ended_at);
});

item("tutor §9", "waiting frames of the ending socket are dropped, other sockets stay", async (c) => {
  const { tutor, user, session, messages } = await connected(c);
  const other = await c.tutor(user, session);
  tutor.send({ type: "user_message", data: { text: "!slow=400 first" } });
  tutor.send({ type: "end_session" });
  tutor.send({ type: "user_message", data: { text: "dropped" } });
  match(await tutor.nextJson(), explanation());
  match(await tutor.nextJson(), message("Session analysis will start now.", "summary"));
  assert.deepEqual(await tutor.closed(), ENDED);
  assert.equal(tutor.pending(), 0);
  match(await other.say("goes on"), explanation());
  assert.deepEqual(
    (await messages()).map((row) => row.role),
    ["user", "assistant", "user", "assistant"],
  );
});

item("services §3", "the tool end_session ends the turn only: socket and analysis stay", async (c) => {
  const { tutor, shown } = await connected(c);
  match(await tutor.say("goodbye"), message("Session ended: completed", "summary"));
  match(await tutor.tool("end_session", { reason: "tired" }), message("Session ended: tired", "summary"));
  match(await tutor.say("hello again"), explanation());
  match([(await shown()).analysis_status, (await shown()).ended_at], [null, null]);
});

item("tutor §9", "a plain disconnect saves nothing extra and starts no analysis", async (c) => {
  const { tutor, shown, messages } = await connected(c);
  await tutor.say("hello");
  const before = await shown();
  await tutor.close(4001);
  await eventually(async () => assert.equal((await messages()).length, 2));
  match(await shown(), before);
});
