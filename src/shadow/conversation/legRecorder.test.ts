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
  assert.deepEqual(delta.parts, { count: 3, firstAtMs: 110, longestGapMs: 30 });
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

test("a conversation that says too much stops being kept", () => {
  const leg = new LegRecorder(spoken, 0);
  for (let at = 0; at < 11_000; at++) leg.received(frame(content("a", "x")), at);
  assert.ok(leg.isFull);
  assert.equal(leg.messages().length, 10_000);
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
  assert.deepEqual(
    leg.messages().map(({ lane, type, correlationId }) => [lane, type, correlationId]),
    [
      ["all", "reply", "7"],
      ["push", "push", null],
    ],
  );
});
