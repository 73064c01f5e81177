import assert from "node:assert/strict";
import { eventually, nonce, refusedHandshake, type Json, type SocketOptions } from "../support/index.ts";
import {
  drawGroup,
  errorEnvelope,
  explanation,
  item,
  match,
  number,
  text,
  type Context,
  type ItemOptions,
} from "./harness/index.ts";

const AT_ARM: ItemOptions = { on: "arms" };
const AT_ARM_WITH_MODEL: ItemOptions = { on: "arms", needsModel: true };

/** A tutor socket with a fault for its life (faults §1). */
async function faulty(c: Context, fault: string, options: { stream?: boolean; keepInit?: boolean } = {}) {
  const user = c.user();
  const session = await c.session(user);
  const tutor = await c.tutor(user, session, { ...options, headers: { "x-fault": fault } });
  const messages = async (): Promise<Json[]> => (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  return { user, session, tutor, messages };
}

async function silence(tutor: { nextJson(ms: number): Promise<Json> }, timeoutMs = 700): Promise<void> {
  await assert.rejects(tutor.nextJson(timeoutMs), /nothing within/);
}

const INIT = { type: "SESSION_INIT_STATE", chat_history: [], whiteboard_actions_to_replay: [] };

item(
  "faults §2",
  "drop-frame: outbound frames are not sent",
  async (c) => {
    const { tutor, messages } = await faulty(c, "drop-frame@tutor", { keepInit: true });
    tutor.send({ type: "user_message", data: { text: "hello" } });
    await eventually(async () => assert.equal((await messages()).length, 2));
    await silence(tutor, 400);
  },
  AT_ARM,
);

item(
  "faults §2",
  "dup-frame: outbound frames are sent twice",
  async (c) => {
    const { tutor } = await faulty(c, "dup-frame", { keepInit: true });
    match([await tutor.nextJson(), await tutor.nextJson()], [INIT, INIT]);
    tutor.send({ type: "ping" });
    const [one, two] = [await tutor.nextJson(), await tutor.nextJson()];
    assert.equal(one.type, "pong");
    match(two, one);
  },
  AT_ARM,
);

item(
  "faults §2",
  "reorder-frames: two consecutive frames change places",
  async (c) => {
    const { tutor } = await faulty(c, "reorder-frames", { keepInit: true });
    tutor.send({ type: "ping" });
    const types = [(await tutor.nextJson()).type, (await tutor.nextJson()).type];
    assert.deepEqual(types, ["pong", "SESSION_INIT_STATE"]);
  },
  AT_ARM,
);

item(
  "faults §2",
  "extra-frame: a frame of unknown type is sent",
  async (c) => {
    const { tutor } = await faulty(c, "extra-frame", { keepInit: true });
    tutor.send({ type: "ping" });
    const seen = [await tutor.nextJson(), await tutor.nextJson(), await tutor.nextJson()];
    assert.ok(
      seen.some((frame) => frame.type === "noise"),
      JSON.stringify(seen),
    );
    match(
      seen.find((frame) => frame.type === "noise"),
      { type: "noise" },
    );
  },
  AT_ARM,
);

item(
  "faults §2",
  "drop-inbound: inbound frames are ignored",
  async (c) => {
    const { tutor, messages } = await faulty(c, "drop-inbound");
    tutor.send({ type: "ping" });
    tutor.send({ type: "user_message", data: { text: "hello" } });
    await silence(tutor);
    assert.deepEqual(await messages(), []);
  },
  AT_ARM,
);

item(
  "faults §2",
  "delta-mismatch: one delta is left out while seq stays contiguous",
  async (c) => {
    const { tutor } = await faulty(c, "delta-mismatch", { stream: true });
    tutor.send({ type: "user_message", data: { text: "Explain osmosis" } });
    const frames = await tutor.untilEnvelope();
    const deltas = frames.slice(0, -1);
    assert.deepEqual(
      deltas.map((frame) => frame.seq),
      deltas.map((_, i) => i),
    );
    assert.notEqual(deltas.map((frame) => frame.delta).join(""), frames.at(-1).data.explanation_text);
  },
  AT_ARM,
);

item(
  "faults §2",
  "answers are changed on frames as on bodies",
  async (c) => {
    const rows: [string, (envelope: Json) => Json][] = [
      ["type-change:1:$.data.explanation_text", (e) => ({ ...e, data: { ...e.data, explanation_text: 0 } })],
      ["null-field:1:$.data.explanation_text", (e) => ({ ...e, data: { ...e.data, explanation_text: null } })],
      ["missing-field:1:$.user_model_state", ({ user_model_state: _, ...rest }) => rest],
      ["extra-field@tutor", (e) => ({ ...e, _creationTime: number })],
      ["value-change:1:$.schema_version", (e) => ({ ...e, schema_version: 2 })],
      [
        "absent-null@tutor",
        ({ whiteboard_actions: _, ...rest }) => ({
          ...rest,
          data: { response_type: "explanation", explanation_text: text },
          user_model_state: () => true,
        }),
      ],
    ];
    for (const [fault, expected] of rows) {
      const { tutor } = await faulty(c, fault, { keepInit: true });
      tutor.send({ type: "user_message", data: { text: '!tool=explain {"text":"hello"}' } });
      match((await tutor.untilEnvelope()).at(-1), expected(explanation("hello")), fault);
    }
  },
  AT_ARM,
);

item(
  "faults §2",
  "garble-json: a frame is cut in the middle",
  async (c) => {
    const { tutor } = await faulty(c, "garble-json", { keepInit: true });
    const frame = await tutor.next();
    assert.throws(() => JSON.parse(frame.data.toString("utf8")));
  },
  AT_ARM,
);

item(
  "faults §2",
  "wrong-error-code: the code of an error frame becomes WRONG_CODE",
  async (c) => {
    const { tutor } = await faulty(c, "wrong-error-code");
    match(await tutor.say(" "), errorEnvelope("WRONG_CODE"));
  },
  AT_ARM,
);

item(
  "faults §2",
  "wrong-tool: an explanation is answered as message",
  async (c) => {
    const { tutor } = await faulty(c, "wrong-tool");
    assert.equal((await tutor.say("hello")).content_type, "message");
  },
  AT_ARM,
);

item(
  "faults §2",
  "slow-reply and slow-model: the answer comes late",
  async (c) => {
    for (const fault of ["slow-reply@tutor:1:700", "slow-model:1:700"]) {
      const { tutor } = await faulty(c, fault);
      const start = performance.now();
      match(await tutor.say("hello"), explanation());
      assert.ok(performance.now() - start >= 690, fault);
    }
  },
  AT_ARM,
);

item(
  "faults §2",
  "prompt-change and extra-model-call show at the model",
  async (c) => {
    const prompts: string[] = [];
    const calls: number[] = [];
    for (const fault of ["", "prompt-change", "extra-model-call"]) {
      const { tutor } = await faulty(c, fault);
      const word = nonce();
      match(await tutor.say(word), explanation());
      const seen = await c.recorded(word);
      prompts.push(seen[0]?.body.messages[0].content);
      calls.push(seen.length);
    }
    assert.notEqual(prompts[1], prompts[0]);
    assert.equal(prompts[2], prompts[0]);
    assert.deepEqual(calls, [1, 1, 2]);
  },
  AT_ARM_WITH_MODEL,
);

item(
  "faults §2",
  "hang: the turn is never answered, the socket stays open",
  async (c) => {
    const { tutor } = await faulty(c, "hang@tutor", { keepInit: true });
    tutor.send({ type: "user_message", data: { text: "hello" } });
    await assert.rejects(tutor.untilEnvelope(800), /nothing within/);
    assert.equal(tutor.socket.readyState, tutor.socket.OPEN);
  },
  AT_ARM,
);

item(
  "faults §2",
  "half-open: nothing is read or written any more, no pongs",
  async (c) => {
    const { tutor } = await faulty(c, "half-open@tutor", { keepInit: true });
    let pongs = 0;
    tutor.socket.on("pong", () => pongs++);
    tutor.socket.ping();
    tutor.send({ type: "ping" });
    await assert.rejects(async () => {
      for (;;) assert.notEqual((await tutor.nextJson(900)).type, "pong");
    }, /nothing within/);
    assert.deepEqual([pongs, tutor.socket.readyState], [0, tutor.socket.OPEN]);
  },
  AT_ARM,
);

item(
  "faults §2",
  "close-1011: the socket is closed after the next inbound frame",
  async (c) => {
    const { tutor } = await faulty(c, "close-1011");
    tutor.send({ type: "heartbeat" });
    assert.equal((await tutor.closed()).code, 1011);
  },
  AT_ARM,
);

item(
  "faults §2",
  "refuse-handshake answers a status, accept-close upgrades anybody and closes 1008, token-reject refuses",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const url = c.socketUrl(c.tutorPath(session));
    const options = (fault: string): SocketOptions => ({
      headers: { Authorization: `Bearer ${user.token}`, "x-fault": fault },
    });
    assert.equal((await refusedHandshake(url, options("refuse-handshake"))).status, 503);
    assert.equal((await refusedHandshake(url, options("refuse-handshake:1:500"))).status, 500);
    assert.equal((await refusedHandshake(url, options("token-reject"))).status, 403);
    const open = await c.open(c.tutorPath(session), { headers: { "x-fault": "accept-close" } });
    assert.equal((await open.closed()).code, 1008);
  },
  AT_ARM,
);

item(
  "faults §2",
  "lost-write answers and stores nothing, double-effect ignores client_message_id",
  async (c) => {
    const lost = await faulty(c, "lost-write");
    match(await lost.tutor.say("hello"), explanation());
    // The row of the learner is written before the turn; what must be gone is the turn's own result.
    assert.deepEqual(
      (await lost.messages()).filter((row) => row.role === "assistant"),
      [],
    );
    const twice = await faulty(c, "double-effect");
    for (let i = 0; i < 2; i++) match(await twice.tutor.say("hello", { client_message_id: "m-1" }), explanation());
    assert.equal((await twice.messages()).length, 4);
  },
  AT_ARM,
);

item(
  "faults §2",
  "id-random: the group of a drawing is no longer derived",
  async (c) => {
    const { tutor, session } = await faulty(c, "id-random");
    const reply = await tutor.tool("draw_text", { text: "T", x: 1, y: 2 });
    assert.notEqual(reply.whiteboard_actions[0].objects[0].metadata.groupId, drawGroup(session, 2));
  },
  AT_ARM,
);

item(
  "faults §2",
  "skip-ownership opens a foreign session, token-accept takes an expired token",
  async (c) => {
    const owner = c.user();
    const session = await c.session(owner);
    const stranger = await c.tutor(c.user(), session, { headers: { "x-fault": "skip-ownership" } });
    match(stranger.init, INIT);
    const expired = { ...owner, token: c.issuer.token(owner.sub, owner.email, { exp: 1_700_000_000 }) };
    match((await c.tutor(expired, session, { headers: { "x-fault": "token-accept" } })).init, INIT);
  },
  AT_ARM,
);
