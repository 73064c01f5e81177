import assert from "node:assert/strict";
import { nonce, type Json } from "../support/index.ts";
import { envelope, errorEnvelope, explanation, item, match, nowMs, type Context } from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  return { user, session, tutor: await c.tutor(user, session) };
}

item("tutor §3", "ping and heartbeat are answered with a time, system_tick is not answered", async (c) => {
  const { tutor } = await connected(c);
  match(await tutor.ask({ type: "ping" }), { type: "pong", timestamp: nowMs });
  match(await tutor.ask({ type: "heartbeat", data: {} }), { type: "heartbeat_ack", timestamp: nowMs });
  match(await tutor.ask({ type: "ping", data: null }), { type: "pong", timestamp: nowMs });
  tutor.send({ type: "system_tick" });
  tutor.send({ type: "system_tick", data: { n: 1 } });
  assert.deepEqual(await tutor.fence(), []);
});

item("tutor §2", "ping and heartbeat are answered during a turn", async (c) => {
  const { tutor } = await connected(c);
  tutor.send({ type: "user_message", data: { text: "!slow=1500 please" } });
  tutor.send({ type: "ping" });
  tutor.send({ type: "heartbeat" });
  match(await tutor.nextJson(1_400), { type: "pong", timestamp: nowMs });
  match(await tutor.nextJson(1_400), { type: "heartbeat_ack", timestamp: nowMs });
  match(await tutor.nextJson(), explanation());
});

item("tutor §4", "a message of the learner is answered with an explanation envelope", async (c) => {
  const { tutor } = await connected(c);
  match(await tutor.say("What is osmosis?"), explanation());
});

item(
  "tutor §3",
  "a blank text is EMPTY_MESSAGE, more than 8000 code points MESSAGE_TOO_LONG; neither is stored",
  async (c) => {
    const { user, session, tutor } = await connected(c);
    for (const blank of ["", "   ", "\u3000\u2003\ufeff\u0085\n"])
      match(await tutor.say(blank), errorEnvelope("EMPTY_MESSAGE"));
    match(await tutor.say("😀".repeat(8_001)), errorEnvelope("MESSAGE_TOO_LONG"));
    assert.deepEqual((await c.get(`/api/v1/sessions/${session}/messages`, user)).json(), []);
    assert.deepEqual((await c.get(`/api/v1/sessions/${session}/interactions`, user)).json().interactions, []);
    match(await tutor.say("😀".repeat(8_000)), explanation());
    match(await tutor.say("\u200b"), explanation()); // a zero-width space is not blank (G5)
  },
);

item(
  "tutor §3",
  "an unknown type is UNKNOWN_MESSAGE_TYPE and never calls the model",
  async (c) => {
    const { tutor } = await connected(c);
    const word = nonce();
    for (const type of ["pace_change", "USER_MESSAGE", "toString", "__proto__", word]) {
      match(await tutor.ask({ type, data: { text: word } }), errorEnvelope("UNKNOWN_MESSAGE_TYPE"));
    }
    assert.deepEqual(await c.recorded(word), []);
  },
  { needsModel: true },
);

item("tutor §3", "a malformed frame is INVALID_PAYLOAD and the socket stays open", async (c) => {
  const { tutor } = await connected(c);
  const frames: Json[] = [
    "{oops",
    "",
    "[]",
    '"ping"',
    "5",
    "null",
    '{"type":"user_message","data":{"text":NaN}}',
    {},
    { data: {} },
    { type: "" },
    { type: null },
    { type: 5 },
    { type: { a: 1 } },
    { type: "user_message", data: "text" },
    { type: "user_message", data: [] },
    { type: "next", data: 5 },
    { type: "user_message" },
    { type: "user_message", data: null },
    { type: "user_message", data: {} },
    { type: "user_message", data: { text: 5 } },
    { type: "user_message", data: { text: null } },
    Buffer.from('{"type":"ping"}'),
  ];
  for (const frame of frames) {
    if (Buffer.isBuffer(frame)) tutor.sendBinary(frame);
    else tutor.send(frame);
    match(await tutor.nextJson(), errorEnvelope("INVALID_PAYLOAD"), `answer to ${JSON.stringify(frame)}: $`);
  }
  match(await tutor.ask({ type: "ping" }), { type: "pong", timestamp: nowMs });
});

item("tutor §3", "a click without an object is CANVAS_CLICK_NO_ID", async (c) => {
  const { tutor } = await connected(c);
  for (const data of [undefined, {}, { object_id: "" }, { object_id: " \t" }, { object_id: 5 }, { object_id: null }]) {
    match(
      await tutor.ask({ type: "canvas_click", ...(data === undefined ? {} : { data }) }),
      errorEnvelope("CANVAS_CLICK_NO_ID"),
    );
  }
});

item(
  "tutor §3",
  "next, previous, summary, start, click and a stray answer become executor turns with their trigger",
  async (c) => {
    const { user, session, tutor } = await connected(c);
    const word = nonce();
    await tutor.say(`remember ${word}`);
    const frames: [Json, string][] = [
      [{ type: "next" }, "[action] next"],
      [{ type: "previous", data: { x: 1 } }, "[action] previous"],
      [{ type: "summary" }, "[action] summary"],
      [{ type: "start" }, "[action] start"],
      [{ type: "canvas_click", data: { object_id: "o-1" } }, "[click] o-1"],
      [{ type: "answer" }, "[answer] null"],
      [{ type: "answer", data: { answer_index: { b: 1.0, a: "é" } } }, '[answer] {"a":"é","b":1}'],
    ];
    for (const [frame] of frames)
      assert.equal((await tutor.ask(frame)).content_type, "explanation", JSON.stringify(frame));
    const calls = (await c.recorded(word)).slice(1);
    assert.deepEqual(
      calls.map(({ body }) => body.messages.findLast((m: Json) => m.role === "user").content),
      frames.map(([, trigger]) => trigger),
    );
    const rows = (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
    const roles = rows.map((row: Json) => row.role);
    assert.deepEqual(
      roles,
      ["user", ...Array.from({ length: 8 }, () => "assistant")],
      "action frames store no user row",
    );
  },
  { needsModel: true },
);

item(
  "tutor §3",
  "the mode is taken from the first valid place, stored and put into the prompt; the rest is ignored",
  async (c) => {
    const { user, session, tutor } = await connected(c);
    const mode = async (): Promise<string> =>
      (await c.get(`/api/v1/sessions/${session}`, user)).json().interaction_mode;
    const word = nonce();
    await tutor.say(`one ${word}`, { whiteboard_mode: "chat_only" });
    assert.equal(await mode(), "chat_only");
    await tutor.ask({ type: "user_message", data: { text: `two ${word}`, whiteboard_mode: "chat_and_whiteboard" } });
    assert.equal(await mode(), "chat_and_whiteboard");
    await tutor.ask({
      type: "user_message",
      whiteboard_mode: "off",
      data: { text: `three ${word}`, whiteboard_mode: "chat_only" },
    });
    assert.equal(await mode(), "chat_only");
    await tutor.say(`four ${word}`, { whiteboard_mode: "loud" });
    await tutor.say(`five ${word}`, { whiteboard_mode: 5 });
    assert.equal(await mode(), "chat_only");
    await tutor.ask({
      type: "user_message",
      whiteboard_mode: "chat_and_whiteboard",
      data: { text: `six ${word}`, whiteboard_mode: "chat_only" },
    });
    assert.equal(await mode(), "chat_and_whiteboard");
    match(await tutor.ask({ type: "unheard_of", whiteboard_mode: "chat_only" }), errorEnvelope("UNKNOWN_MESSAGE_TYPE"));
    assert.equal(await mode(), "chat_only");
    match(await tutor.ask({ whiteboard_mode: "chat_and_whiteboard" }), errorEnvelope("INVALID_PAYLOAD"));
    assert.equal(await mode(), "chat_only", "a frame without type changes no state");
    const switches = (await c.recorded(word)).map(
      ({ body }) => /^Whiteboard: (\w+)$/m.exec(body.messages[0].content)?.[1],
    );
    assert.deepEqual(switches, ["off", "on", "off", "off", "off", "on"]);
  },
  { needsModel: true },
);

item("tutor §3", "a late or unknown board answer is ignored", async (c) => {
  const { tutor } = await connected(c);
  tutor.send({ type: "BOARD_STATE_RESPONSE", request_id: "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10", payload: [] });
  tutor.send({ type: "BOARD_STATE_RESPONSE", payload: [] });
  assert.deepEqual(await tutor.fence(), []);
});

item("G16", "unknown keys of a frame are ignored", async (c) => {
  const { tutor } = await connected(c);
  const reply = await tutor.ask({
    type: "user_message",
    data: { text: "hi", mood: "fine" },
    colour: "red",
    schema_version: 7,
  });
  match(reply, explanation());
  match(reply, envelope("explanation", reply.data));
});
