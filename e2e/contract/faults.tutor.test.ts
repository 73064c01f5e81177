import assert from "node:assert/strict";
import { nonce, refusedHandshake, type SocketOptions } from "../support/index.ts";
import {
  AT_ARM,
  drawGroup,
  EMPTY_INIT,
  explanation,
  faultyTutor,
  item,
  match,
  type ItemOptions,
} from "./harness/index.ts";

const AT_ARM_WITH_MODEL: ItemOptions = { ...AT_ARM, needsModel: true };

item(
  "faults §2",
  "wrong-tool: an explanation is answered as message",
  async (c) => {
    const { tutor } = await faultyTutor(c, "wrong-tool");
    assert.equal((await tutor.say("hello")).content_type, "message");
  },
  AT_ARM,
);

item(
  "faults §2",
  "slow-reply and slow-model: the answer comes late",
  async (c) => {
    for (const fault of ["slow-reply@tutor:1:700", "slow-model:1:700"]) {
      const { tutor } = await faultyTutor(c, fault);
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
      const { tutor } = await faultyTutor(c, fault);
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
    const { tutor } = await faultyTutor(c, "hang@tutor", { keepInit: true });
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
    const { tutor } = await faultyTutor(c, "half-open@tutor", { keepInit: true });
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
    const { tutor } = await faultyTutor(c, "close-1011");
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
    const lost = await faultyTutor(c, "lost-write");
    match(await lost.tutor.say("hello"), explanation());
    // The row of the learner is written before the turn; what must be gone is the turn's own result.
    assert.deepEqual(
      (await lost.messages()).filter((row) => row.role === "assistant"),
      [],
    );
    const twice = await faultyTutor(c, "double-effect");
    for (let i = 0; i < 2; i++) match(await twice.tutor.say("hello", { client_message_id: "m-1" }), explanation());
    assert.equal((await twice.messages()).length, 4);
  },
  AT_ARM,
);

item(
  "faults §2",
  "id-random: the group of a drawing is no longer derived",
  async (c) => {
    const { tutor, session } = await faultyTutor(c, "id-random");
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
    match(stranger.init, EMPTY_INIT);
    const expired = { ...owner, token: c.issuer.token(owner.sub, owner.email, { exp: 1_700_000_000 }) };
    match((await c.tutor(expired, session, { headers: { "x-fault": "token-accept" } })).init, EMPTY_INIT);
  },
  AT_ARM,
);
