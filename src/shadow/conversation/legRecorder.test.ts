import assert from "node:assert/strict";
import { test } from "node:test";
import { type ArmSeen, jsonCodec, opaqueCodec, type ShadowCodec, type SocketFrame } from "./codec.ts";
import { LegRecorder } from "./legRecorder.ts";

const frame = (value: unknown): SocketFrame => ({ isBinary: false, data: Buffer.from(JSON.stringify(value)) });

/** Messages say themselves how they are to be seen. */
const spoken: ShadowCodec<null> = {
  surface: "spoken",
  start: () => null,
  fromClient: (_, { data }) => {
    return [null, { kind: String(data).includes("turn") ? "turn" : "presence", changesState: false }];
  },
  fromArm: (_, { data }) => [null, JSON.parse(String(data)) as ArmSeen],
};

const content = (lane: string, type: string): ArmSeen => ({ kind: "content", lane, type, correlationId: null });
const part = (join: string, text: string, lane = "a"): ArmSeen => ({ kind: "part", lane, type: "delta", join, text });

test("pieces are one message with the time of its first, its longest gap and its count, before what ends them", () => {
  const leg = new LegRecorder(spoken, 0);
  leg.sent(frame("turn"), 100);
  for (const [text, atMs] of [
    ["Plants ", 110],
    ["need ", 115],
    ["light", 145],
  ] as const)
    leg.received(frame(part("1", text)), atMs);
  leg.received(frame(content("b", "push")), 150);
  leg.received(frame(content("a", "answer")), 160);
  const [push, delta, answer] = leg.messages();
  assert.deepEqual([push?.type, delta?.type, answer?.type], ["push", "delta", "answer"]);
  assert.equal(delta?.value, "Plants need light");
  assert.deepEqual(delta.parts, { join: "1", count: 3, firstAtMs: 110, longestGapMs: 30 });
  assert.deepEqual([answer?.turn, answer?.sinceTurnMs], [1, 60]);
});

test("void pieces leave the text that came after them, and that there were some", () => {
  const leg = new LegRecorder(spoken, 0);
  for (const seen of [part("1", "wrong"), { kind: "reset", join: "1" }, part("1", "right")])
    leg.received(frame(seen), 1);
  assert.deepEqual(
    leg.messages().map(({ value }) => value),
    ["right"],
  );
});

test("presence and what others caused are counted and left out", () => {
  const leg = new LegRecorder(spoken, 0);
  leg.sent(frame("beat"), 1);
  for (const seen of [{ kind: "presence", type: "pong" }, { kind: "external" }, content("a", "x")])
    leg.received(frame(seen), 2);
  assert.deepEqual([leg.presence, leg.external, leg.messages().length, leg.turns], [1, 1, 1, 0]);
});

test("shadow C4: a conversation that says too much is given up as a whole, and says why", () => {
  const leg = new LegRecorder(spoken, 0);
  for (let at = 0; at < 10_000; at++) leg.received(frame(content("a", "x")), at);
  assert.deepEqual([leg.notCompared, leg.messages().length], [null, 10_000]);
  leg.received(frame(content("a", "x")), 10_000);
  assert.deepEqual([leg.notCompared, leg.messages().length, leg.held], ["queue_full", 0, 0]);
  for (let at = 0; at < 5; at++) leg.sent(frame("turn"), 10_001);
  assert.deepEqual([leg.held, leg.turns], [0, 5]);

  const parts = new LegRecorder(spoken, 0);
  for (let at = 0; at < 17; at++) parts.received(frame(part("1", "x".repeat(1_048_576))), at);
  assert.equal(parts.notCompared, "queue_full");
});

test("what was released makes room again", () => {
  const leg = new LegRecorder(spoken, 0);
  for (let at = 0; at < 30_000; at++) {
    leg.received(frame(content("a", "x")), at);
    leg.release(leg.take());
  }
  assert.deepEqual([leg.notCompared, leg.held], [null, 0]);
});

test("shadow C6: answers belong to the turns they answer, however many were sent before the first came", () => {
  const leg = new LegRecorder({ ...spoken, endsTurns: true }, 0);
  const answer = (type: string, isFinal: boolean): ArmSeen =>
    ({ ...content("a", type), cause: "order", isFinal }) as ArmSeen;
  for (let at = 0; at < 3; at++) leg.sent(frame("turn"), at);
  const ended = [
    answer("1a", false),
    answer("1b", true),
    answer("2", true),
    content("b", "push"),
    answer("3", true),
  ].map((seen, at) => leg.received(frame(seen), 1_000 * (at + 1)));
  assert.deepEqual(ended, [[], [1], [2], [], [3]]);
  assert.deepEqual(
    leg.messages().map(({ type, turn, cause }) => `${type} ${turn} ${cause}`),
    ["1a 1 order", "1b 1 order", "2 2 order", "push 3 window", "3 3 order"],
  );
});

test("pieces stay in the turn of the first of them, whatever is sent meanwhile", () => {
  const leg = new LegRecorder(spoken, 0);
  leg.sent(frame("turn"), 100);
  leg.received(frame(part("1", "Plants ")), 110);
  leg.sent(frame("turn"), 120);
  leg.received(frame(part("1", "need light")), 130);
  leg.received(frame(content("a", "answer")), 140);
  assert.deepEqual(
    leg.messages().map(({ type, turn }) => `${type} ${turn}`),
    ["delta 1", "answer 2"],
  );
});

test("a refusal at once answers the frame that was too much, and leaves the others their answers", () => {
  const leg = new LegRecorder({ ...spoken, endsTurns: true }, 0);
  const final = (type: string, behind?: number): ArmSeen =>
    ({ ...content("a", type), cause: "order", isFinal: true, behind }) as ArmSeen;
  for (let at = 0; at < 4; at++) leg.sent(frame("turn"), at);
  for (const seen of [final("full", 2), final("full", 2), final("1"), final("2")]) leg.received(frame(seen), 10);
  assert.deepEqual(
    leg.messages().map(({ type, turn }) => `${type} ${turn}`),
    ["full 3", "full 4", "1 1", "2 2"],
  );
});

test("a frame that was sent again while its first was open is answered by the same answer", () => {
  const keyed: ShadowCodec<null> = {
    ...spoken,
    endsTurns: true,
    fromClient: (_, { data }) => [null, { kind: "turn", changesState: true, key: String(data) }],
  };
  const leg = new LegRecorder(keyed, 0);
  const answer = { ...content("a", "answer"), cause: "order", isFinal: true };
  for (const key of ["m-1", "m-2", "m-1"]) leg.sent(frame(key), 1);
  assert.deepEqual(leg.received(frame(answer), 2), [1, 3]);
  assert.deepEqual(leg.received(frame(answer), 3), [2]);
  leg.sent(frame("m-1"), 4);
  assert.deepEqual(leg.received(frame(answer), 5), [4]);
  assert.deepEqual(
    leg.messages().map(({ turn }) => turn),
    [1, 3, 2, 4],
  );
});

test("a turn that is never answered is not waited for any longer than any turn can take", () => {
  const leg = new LegRecorder({ ...spoken, endsTurns: true }, 0);
  leg.sent(frame("turn"), 0);
  leg.look(130_000);
  assert.equal(leg.sealedTo, -1);
  leg.look(130_001);
  assert.equal(leg.sealedTo, 1);
});

test("opaque: every frame is a turn, bytes are told by their digest", () => {
  const leg = new LegRecorder(opaqueCodec("echo"), 0);
  leg.sent({ isBinary: true, data: Uint8Array.of(1) }, 1);
  leg.received({ isBinary: true, data: Uint8Array.of(1, 2, 3) }, 2);
  leg.received({ isBinary: false, data: Buffer.from("plain {text") }, 3);
  const [bytes, text] = leg.messages();
  assert.deepEqual([bytes?.type, text?.type, text?.value, text?.turn], ["binary", "text", "plain {text", 1]);
  assert.match(JSON.stringify(bytes?.value), /^"bytes:3:/);
});

test("json: types and correlation ids by the names of their fields", () => {
  const codec = jsonCodec("chat", { type: "t", correlation: "ref", presence: ["ping", "pong"] });
  const leg = new LegRecorder(codec, 0);
  leg.sent(frame({ t: "ping" }), 1);
  leg.sent(frame({ t: "say" }), 2);
  for (const message of [{ t: "pong" }, { t: "reply", ref: 7 }, { t: "push" }]) leg.received(frame(message), 3);
  assert.equal(leg.turns, 1);
  const finals = new LegRecorder(jsonCodec("chat", { type: "t", correlation: "ref", final: "done" }), 0);
  for (const ref of [7, 8]) finals.sent(frame({ t: "say", ref }), 1);
  assert.deepEqual(finals.received(frame({ t: "reply", ref: 8, done: true }), 2), [2]);
  assert.deepEqual(finals.received(frame({ t: "reply", done: true }), 2), [1]);
  assert.deepEqual(
    leg.messages().map(({ lane, type, correlationId }) => [lane, type, correlationId]),
    [
      ["all", "reply", "7"],
      ["push", "push", null],
    ],
  );
});
