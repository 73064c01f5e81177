import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { otherArm } from "../../kernel/index.ts";
import { findTurns, replayLeg } from "../testing/corpusProof.ts";
import { type LabelledPair, LAG_MS, labelledPairs } from "../testing/conversations.ts";
import { seeded } from "../testing/seeded.ts";
import { frameOf, talkCodec, talkComparer } from "../testing/talkCodec.ts";
import {
  type ConversationVerdict,
  type JudgedClose,
  type JudgedTurn,
  judgeConversation,
  type LegEnd,
} from "./judge.ts";
import { opaqueCodec, type ShadowCodec, type SocketFrame } from "./codec.ts";
import { ConversationPair } from "./livePair.ts";
import { type Side, SIDES } from "./turnFold.ts";

const END: LegEnd = { code: 1000, by: "arm", isHalfOpen: false };
const IGNORED = new Set([1012, 4001]);

function open(codec: ShadowCodec = talkCodec) {
  const judged: JudgedTurn[] = [];
  const pair = new ConversationPair({
    codec,
    comparer: talkComparer,
    lagMs: LAG_MS,
    atMs: 0,
    ignoredCodes: IGNORED,
    shadow: "candidate",
    onTurn: (turn) => void judged.push(turn),
  });
  return { pair, judged };
}

const answer = (turn: number, text = "yes") =>
  frameOf({ lane: "tutor", type: "answer", id: null, isFinal: true, value: { turn, text } });
const ask = frameOf({ id: null });

const textOf = ({ verdict }: Pick<JudgedTurn, "verdict">): string =>
  verdict.name === "not_compared" ? verdict.reason : verdict.name;

/** What a verdict says, without what a batch has and a live pair has dropped. */
const outline = (turns: readonly JudgedTurn[], close: JudgedClose) => ({
  turns: turns.map(({ turn, verdict, differences, changesState }) => ({ turn, verdict, differences, changesState })),
  close: close.verdict,
});

function judgeBatch(pair: LabelledPair): ConversationVerdict {
  assert.equal(replayLeg(pair, "control").notCompared, null);
  return judgeConversation({
    turns: findTurns(pair),
    changesState: pair.client.map(() => true),
    control: END,
    candidate: END,
    ignoredCodes: IGNORED,
  });
}

interface Event {
  readonly atMs: number;
  readonly run: (pair: ConversationPair) => void;
}

function eventsOf(pair: LabelledPair, side: Side): readonly Event[] {
  const client = pair.client.map(({ atMs, id }): Event => {
    return { atMs, run: (live) => void live.client(frameOf({ id }), atMs, side) };
  });
  const arm = pair[side].map(({ atMs, frame }): Event => {
    return { atMs, run: (live) => void live.arm(side, frameOf(frame), atMs) };
  });
  const all = [...client, ...arm].sort((one, other) => one.atMs - other.atMs);
  const endMs = (all.at(-1)?.atMs ?? 0) + 1;
  return [...all, { atMs: endMs, run: (live) => live.closed(side, END, endMs) }];
}

/** Both sides in some order, each in its own; time passes where both have come to. */
function judgeLive(pair: LabelledPair, seed: number) {
  const random = seeded(seed);
  const lean = random();
  const { pair: live, judged } = open();
  const left = { control: [...eventsOf(pair, "control")], candidate: [...eventsOf(pair, "candidate")] };
  while (left.control.length + left.candidate.length > 0) {
    const side = random() < lean ? "control" : "candidate";
    const other = otherArm(side);
    (left[side].shift() ?? left[other].shift())?.run(live);
    const nextMs = Math.min(left.control[0]?.atMs ?? Infinity, left.candidate[0]?.atMs ?? Infinity);
    if (nextMs !== Infinity && random() < 0.3) live.tick(nextMs);
  }
  return { judged, close: live.end(), live };
}

test("a live pair finds what is found of the whole conversation, whatever came first", () => {
  const pairs = [...labelledPairs(150, 77, 4)];
  const batches = pairs.map(judgeBatch);
  fc.assert(
    fc.property(fc.nat({ max: pairs.length - 1 }), fc.integer(), (at, seed) => {
      const { judged, close } = judgeLive(pairs[at] as LabelledPair, seed);
      const batch = batches[at] as ConversationVerdict;
      assert.deepEqual(outline(judged, close), outline(batch.turns, batch.close));
    }),
    { numRuns: 200 },
  );
});

test("shadow C6: arms of different speed, asked several turns at once, have no differences", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      for (const pair of labelledPairs(3, seed, 1)) {
        const { judged, close } = judgeLive(pair, seed);
        assert.deepEqual(
          judged.map((one) => `${one.turn} ${textOf(one)}`),
          Array.from({ length: pair.client.length + 1 }, (_, turn) => `${turn} identical`),
        );
        assert.equal(close.verdict.name, "identical");
      }
    }),
    { numRuns: 150 },
  );
});

test("every turn is judged once, in order, as soon as both sides have ended it", () => {
  const { pair, judged } = open();
  for (let at = 1; at <= 3; at++) pair.client(ask, at);
  assert.equal(pair.arm("control", answer(1), 10), 1);
  pair.arm("control", answer(2), 20);
  assert.equal(judged.length, 0);
  pair.arm("candidate", answer(1), 30);
  assert.deepEqual(
    judged.map(({ turn }) => turn),
    [0, 1],
  );
  for (const turn of [2, 3]) pair.arm("candidate", answer(turn), 40);
  pair.arm("control", answer(3), 50);
  assert.deepEqual(
    judged.map(({ turn }) => turn),
    [0, 1, 2, 3],
  );
  assert.equal(pair.held, 0);
});

test("shadow C8: a mismatch is told when enough is known, at the latest after five seconds, and ends the comparison", () => {
  const { pair, judged } = open();
  pair.client(ask, 1);
  pair.arm("control", answer(1), 10);
  pair.arm("candidate", answer(1, "no"), 20);
  pair.tick(5_020);
  assert.deepEqual(judged.map(textOf), ["identical"]);
  pair.tick(5_021);
  assert.deepEqual(judged.map(textOf), ["identical", "different"]);
  pair.client(ask, 6_000);
  assert.deepEqual([judged.map(textOf).at(-1), pair.isDiverged, pair.firstDivergence], ["diverged", true, 1]);
  for (const side of SIDES) pair.arm(side, answer(2, side), 6_010);
  assert.equal(textOf(pair.end()), "diverged");
  assert.deepEqual([judged.length, pair.held], [3, 0]);
});

test("shadow C8: a mismatch of a read ends nothing, and the turns behind a lost answer find their own", () => {
  const { pair, judged } = open();
  for (let turn = 1; turn <= 6; turn++) {
    pair.client(frameOf({ isRead: true }), turn * 1_000);
    pair.arm("control", answer(turn), turn * 1_000 + 10);
    if (turn !== 2) pair.arm("candidate", answer(turn), turn * 1_000 + 20);
  }
  for (const side of SIDES) pair.closed(side, END, 200_000);
  pair.end();
  assert.deepEqual(
    judged.map(textOf).join(" "),
    "identical identical different identical identical identical identical",
  );
  const findings = judged.flatMap((one) =>
    one.findings.map(({ state, control, candidate }) => [state, control, candidate]),
  );
  const matched = [2, 3, 4, 5].map((at) => ["matched", at, at - 1]);
  assert.deepEqual(findings, [["matched", 0, 0], ["missing", 1, null], ...matched]);
});

test("what is held grows with open turns, not with the life of the sockets", () => {
  const { pair, judged } = open();
  const random = seeded(5);
  let most = 0;
  const OPEN = 3;
  for (let turn = 1; turn <= 5_000; turn++) {
    const atMs = turn * 100;
    pair.client(ask, atMs);
    for (const side of SIDES) {
      if (turn <= OPEN) continue;
      const answered = turn - OPEN;
      pair.arm(side, frameOf({ lane: "room", type: "push", id: null, isFinal: false, value: { answered } }), atMs + 10);
      pair.arm(side, answer(answered), atMs + 20 + random() * 9);
    }
    pair.tick(atMs + 30);
    most = Math.max(most, pair.held);
  }
  assert.ok(most <= 4 * (OPEN + 1), `${most} held`);
  assert.equal(judged.length, 5_001 - OPEN);
  assert.ok(judged.every(({ verdict }) => verdict.name === "identical"));
});

test("shadow C4: a pair that is given up, or says more than is kept, is not compared from there on, with the reason", () => {
  const { pair, judged } = open();
  for (let at = 1; at <= 3; at++) pair.client(ask, at);
  pair.arm("control", answer(1), 10);
  pair.giveUp("queue_full");
  assert.deepEqual(judged.map(textOf), ["queue_full", "queue_full", "queue_full", "queue_full"]);
  pair.client(ask, 20);
  assert.deepEqual([judged.length, pair.held, textOf(pair.end())], [5, 0, "queue_full"]);

  const full = open();
  full.pair.client(ask, 1);
  for (let at = 0; at <= 10_001; at++) {
    full.pair.arm("control", frameOf({ lane: "room", type: "push", id: null, isFinal: false, value: {} }), at);
  }
  assert.deepEqual(full.judged.map(textOf), ["queue_full", "queue_full"]);
});

test("a turn that a client did not wait for is not compared; one that it waited for in vain is different", () => {
  const leave = (atMs: number): string => {
    const { pair, judged } = open();
    pair.client(ask, 1_000);
    pair.arm("control", answer(1), 3_000);
    for (const side of SIDES) pair.closed(side, { code: 1005, by: "client", isHalfOpen: false }, atMs);
    const close = pair.end();
    return `${judged.map(textOf).join(" ")}, ${textOf(close)}`;
  };
  assert.equal(leave(4_000), "identical served_aborted, identical");
  assert.equal(leave(60_000), "identical different, diverged");
});

for (const isHalfOpen of [false, true]) {
  test(`shadow §7: what a shadow ${isHalfOpen ? "that is half-open" : "whose line broke"} had left to say is a failure of it`, () => {
    const { pair, judged } = open();
    for (const turn of [1, 2, 3]) {
      pair.client(ask, turn * 1_000);
      pair.arm("control", answer(turn), turn * 1_000 + 10);
      if (turn < 3) pair.arm("candidate", answer(turn, turn === 1 ? "yes" : "no"), turn * 1_000 + 20);
    }
    pair.closed("control", { code: 1005, by: "client", isHalfOpen: false }, 60_000);
    pair.closed("candidate", { code: 1006, by: "arm", isHalfOpen }, 60_000);
    // What it had said in the second turn is its answer, and behind that nothing is compared.
    assert.equal(textOf(pair.end()), "diverged");
    assert.deepEqual(judged.map(textOf), ["identical", "identical", "different", "diverged"]);

    const plain = open();
    plain.pair.client(ask, 1_000);
    plain.pair.arm("control", answer(1), 1_010);
    plain.pair.closed("control", { code: 1005, by: "client", isHalfOpen: false }, 60_000);
    plain.pair.closed("candidate", { code: 1006, by: "arm", isHalfOpen }, 60_000);
    plain.pair.end();
    assert.deepEqual(plain.judged.map(textOf), ["identical", "shadow_failed"]);

    const silent = open();
    silent.pair.arm("control", frameOf({ lane: "tutor", type: "hello", id: null, isFinal: false, value: {} }), 10);
    silent.pair.closed("control", { code: 1005, by: "client", isHalfOpen: false }, 60_000);
    silent.pair.closed("candidate", { code: 1006, by: "arm", isHalfOpen }, 60_000);
    const close = silent.pair.end();
    assert.deepEqual([...silent.judged.map(textOf), textOf(close)], ["shadow_failed", "shadow_failed"]);
  });
}

test("a served arm whose line broke has failed its user: that its shadow answered is a difference", () => {
  const { pair, judged } = open();
  pair.client(ask, 1_000);
  pair.arm("candidate", answer(1), 1_010);
  pair.closed("control", { code: 1006, by: "arm", isHalfOpen: false }, 60_000);
  pair.closed("candidate", { code: 1005, by: "client", isHalfOpen: false }, 60_000);
  pair.end();
  assert.deepEqual(judged.map(textOf), ["identical", "different"]);
});

test("a turn that never left for an arm before its client had gone is not compared", () => {
  const { pair, judged } = open();
  pair.client(ask, 1_000, "control");
  pair.arm("control", answer(1), 1_100);
  for (const side of SIDES) pair.closed(side, { code: 1005, by: "client", isHalfOpen: false }, 1_200);
  pair.end();
  assert.deepEqual(judged.map(textOf), ["identical", "served_aborted"]);
});

test("a pair that ends while its sockets are open says nothing against an arm that has not answered yet", () => {
  const { pair, judged } = open();
  pair.client(ask, 1_000);
  pair.arm("control", answer(1), 1_100);
  assert.equal(textOf(pair.end()), "identical");
  assert.deepEqual(judged.map(textOf), ["identical", "served_aborted"]);
});

test("shadow C6: where nothing but time says what belongs to a turn, answers may slip as long as the arms usually take", () => {
  const delays = fc.array(fc.nat({ max: 60 }), { minLength: 24, maxLength: 24 });
  fc.assert(
    fc.property(delays, delays, delays, (gaps, one, other) => {
      const { pair, judged } = open(opaqueCodec("echo"));
      const frames = gaps.map((_, at) => ({ isBinary: false, data: Buffer.from(`frame ${at % 5}`) }));
      const sentMs: number[] = [];
      for (const gap of gaps) sentMs.push((sentMs.at(-1) ?? 0) + gap);
      const answered = (waits: readonly number[]): readonly number[] => {
        const all: number[] = [];
        for (const [at, wait] of waits.entries())
          all.push(Math.max(all[at - 1] ?? 0, sentMs[at] as number) + (wait % 20));
        return all;
      };
      const events = [
        ...sentMs.map((atMs, at) => ({ atMs, run: () => void pair.client(frames[at] as SocketFrame, atMs) })),
        ...[one, other].flatMap((waits, side) =>
          answered(waits).map((atMs, at) => ({
            atMs,
            run: () => void pair.arm(SIDES[side] ?? "control", frames[at] as SocketFrame, atMs),
          })),
        ),
      ];
      for (const { run } of events.sort((a, b) => a.atMs - b.atMs)) run();
      for (const side of SIDES) pair.closed(side, END, 10_000);
      assert.equal(textOf(pair.end()), "identical");
      assert.deepEqual([judged.length, judged.filter(({ verdict }) => verdict.name !== "identical").length], [25, 0]);
    }),
  );
});

test("shadow S-7: an arm that contradicts itself is different, alone or both alike, and it is one difference", () => {
  const checking = {
    ...talkCodec,
    checkTurn: (messages: readonly { value: unknown }[]) =>
      messages.some(({ value }) => JSON.stringify(value).includes("wrong")) ? "message:answer" : null,
  };
  const judge = (control: string, candidate: string) => {
    const { pair, judged } = open(checking);
    pair.client(ask, 1);
    pair.arm("control", answer(1, control), 2);
    pair.arm("candidate", answer(1, candidate), 3);
    pair.end();
    return judged[1]?.differences.map((one) => `${one.template} ${one.control} ${one.candidate}`);
  };
  assert.deepEqual(judge("wrong", "wrong"), ["message:answer contradictory contradictory"]);
  assert.deepEqual(judge("right", "wrong"), ["message:answer consistent contradictory"]);
  assert.deepEqual(judge("right", "right"), []);
});

const push = (nr: number | string, room = "room"): SocketFrame =>
  frameOf({ lane: room, type: "push", id: null, isFinal: false, value: { nr } });

interface Stream {
  readonly codec?: ShadowCodec;
  readonly seconds: number;
  readonly everyMs: number;
  /** Of the candidate, behind control. */
  readonly lagMs?: number;
  /** What the candidate says instead; null: nothing. */
  readonly instead?: (nr: number) => SocketFrame | null;
  readonly client?: (nowMs: number, live: ConversationPair) => void;
}

/** Pushes that nobody asked for, with looks four times a second as they are made. */
function stream({ codec, seconds, everyMs, lagMs = 0, instead = push, client = () => {} }: Stream) {
  const { pair: live, judged } = open(codec);
  const found: { readonly atMs: number; readonly text: string }[] = [];
  let heldMost = 0;
  for (let nowMs = 0; nowMs <= seconds * 1_000; nowMs += Math.min(everyMs, 50)) {
    if (nowMs % everyMs === 0) live.arm("control", push(nowMs / everyMs), nowMs);
    const late = nowMs - lagMs;
    const said = late >= 0 && late % everyMs === 0 ? instead(late / everyMs) : null;
    if (said !== null) live.arm("candidate", said, nowMs);
    client(nowMs, live);
    if (nowMs % 250 === 0) live.tick(nowMs - 500);
    heldMost = Math.max(heldMost, live.held);
    for (const one of judged.splice(0)) found.push({ atMs: nowMs, text: textOf(one) });
  }
  // What the slower one has still to say.
  const endMs = seconds * 1_000;
  for (let atMs = endMs + everyMs; atMs <= endMs + lagMs; atMs += everyMs) {
    const said = instead((atMs - lagMs) / everyMs);
    if (said !== null) live.arm("candidate", said, atMs);
  }
  return { live, found, heldMost };
}

for (const codec of [talkCodec, opaqueCodec("stream")]) {
  const { surface } = codec;
  test(`shadow C4: of an endless stream of pushes (${surface}) little is held, and all of it is compared`, () => {
    const { found, heldMost, live } = stream({ codec, seconds: 1_200, everyMs: 50, lagMs: 1_000 });
    assert.ok(found.length > 100, `${found.length} windows`);
    assert.deepEqual([...new Set(found.map(({ text }) => text))], ["identical"]);
    assert.ok(heldMost < 600, `${heldMost} held`);
    assert.equal(live.end().verdict.name, "identical");
  });

  for (const [what, instead] of [
    ["lost", null],
    ["changed", push("other")],
  ] as const) {
    test(`a push that is ${what} in the middle of a stream (${surface}) is found a few seconds later, once`, () => {
      const { found } = stream({
        codec,
        seconds: 90,
        everyMs: 500,
        lagMs: 500,
        instead: (nr) => (nr === 60 ? instead : push(nr)),
      });
      const different = found.filter(({ text }) => text !== "identical");
      assert.deepEqual(
        different.map(({ text }) => text),
        ["different"],
      );
      const afterMs = (different[0]?.atMs ?? Infinity) - 30_000;
      assert.ok(afterMs <= 8_500, `${afterMs} ms behind it`);
    });
  }
}

test("the last push of a stream is found to be lost though nothing comes behind it, and silence is no turn", () => {
  const { found } = stream({ seconds: 60, everyMs: 10_000, instead: (nr) => (nr === 2 ? null : push(nr)) });
  assert.deepEqual(
    found.map(({ text }) => text),
    ["identical", "identical", "different", "identical", "identical", "identical"],
  );
  const afterMs = (found[2]?.atMs ?? Infinity) - 20_000;
  assert.ok(afterMs <= 6_500, `${afterMs} ms behind it`);
});

test("pushes behind a turn belong to it or the next one, as slow as an arm may be; a stream without turns begins later", () => {
  const ask0 = (nowMs: number, live: ConversationPair): void => {
    if (nowMs !== 1_000 && nowMs !== 29_000) return;
    live.client(ask, nowMs);
    for (const side of SIDES) live.arm(side, answer(nowMs), nowMs + 10);
  };
  const { found } = stream({ seconds: 55, everyMs: 5_000, lagMs: 100, client: ask0 });
  assert.ok(
    found.every(({ text }) => text === "identical"),
    JSON.stringify(found),
  );
  assert.equal(found.length, 3, JSON.stringify(found));
});
