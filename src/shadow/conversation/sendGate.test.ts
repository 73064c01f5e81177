import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createManualClock } from "../../kernel/index.ts";
import type { SocketFrame } from "./codec.ts";
import { SendGate } from "./sendGate.ts";

const frame = (text: string): SocketFrame => ({ isBinary: false, data: Buffer.from(text) });

function open(waitsForTurns = false) {
  const clock = createManualClock();
  const sent: string[] = [];
  const ended: string[] = [];
  const awaited = new Set<string>();
  const gate = new SendGate({
    clock,
    waitsForTurns,
    rewrite: (one) => (awaited.has(String(one.data)) ? null : one),
    send: ({ data }) => void sent.push(`${String(data)} at ${clock.monotonic()}`),
    giveUp: (reason) => void ended.push(reason),
  });
  return { clock, gate, sent, ended, awaited, startMs: clock.monotonic() };
}

test("shadow C3: frames leave in order, with the gaps the client made, no gap longer than two seconds", () => {
  const { clock, gate, sent, startMs } = open();
  for (const [text, afterMs] of [
    ["a", 0],
    ["b", 300],
    ["c", 10_000],
  ] as const) {
    clock.advance(afterMs);
    gate.offer(frame(text), true);
  }
  assert.deepEqual(sent, [`a at ${startMs}`, `b at ${startMs + 300}`, `c at ${startMs + 10_300}`]);
});

test("shadow C3: behind one that waited the gaps are kept, capped", () => {
  const { clock, gate, sent, awaited, startMs } = open();
  awaited.add("a");
  gate.offer(frame("a"), true);
  clock.advance(500);
  gate.offer(frame("b"), true);
  clock.advance(1_000);
  awaited.clear();
  gate.idLearnt();
  assert.deepEqual(sent, [`a at ${startMs + 1_500}`]);
  clock.advance(499);
  assert.equal(sent.length, 1);
  clock.advance(1);
  assert.equal(sent[1], `b at ${startMs + 2_000}`);
});

test("shadow C3: where turns are answered one by one, the next waits for the answer on the shadow", () => {
  const { clock, gate, sent } = open(true);
  gate.offer(frame("turn 1"), true);
  gate.offer(frame("ping"), false);
  gate.offer(frame("turn 2"), true);
  gate.offer(frame("behind"), false);
  assert.deepEqual(
    sent.map((one) => one.split(" at")[0]),
    ["turn 1", "ping"],
  );
  clock.advance(1_000);
  gate.turnEnded();
  assert.deepEqual(
    sent.map((one) => one.split(" at")[0]),
    ["turn 1", "ping", "turn 2", "behind"],
  );
});

test("shadow C3: what a client had heard before is awaited on the shadow, for two seconds, and then never again", () => {
  const { clock, gate, sent, startMs } = open();
  gate.offer(frame("a"), true, 0);
  gate.offer(frame("b"), true, 2);
  gate.offer(frame("c"), true, 3);
  gate.offer(frame("d"), true, 4);
  clock.advance(100);
  gate.armSaid();
  assert.equal(sent.length, 1);
  clock.advance(100);
  gate.armSaid();
  assert.deepEqual([sent.at(-1), gate.hasHeard(2), gate.hasHeard(3)], [`b at ${startMs + 200}`, true, false]);
  clock.advance(2_000);
  assert.equal(sent.at(-1), `c at ${startMs + 2_200}`, "its third frame may be lost");
  gate.armSaid();
  assert.equal(sent.at(-1), `d at ${startMs + 2_200}`, "of one that was lost nobody waits again");
});

test("shadow C3: what came late was not lost, and an arm that is late again is waited for again", () => {
  const { clock, gate, sent } = open();
  const ask = (text: string, heard: number): void => gate.offer(frame(text), true, heard);
  ask("a", 0);
  ask("b", 1);
  clock.advance(2_000);
  gate.armSaid();
  gate.armSaid();
  ask("c", 2);
  ask("d", 3);
  clock.advance(2_000);
  assert.equal(sent.length, 3, "it has said all");
  clock.advance(1_999);
  assert.equal(sent.length, 3, "and is given its time");
  gate.armSaid();
  assert.equal(sent.length, 4);
});

test("shadow C4: too far behind, or too much, ends the conversation as a whole, once, and says why", () => {
  const turns = open(true);
  turns.gate.offer(frame("turn 1"), true);
  turns.gate.offer(frame("turn 2"), true);
  turns.clock.advance(5_000);
  assert.deepEqual(turns.ended, ["queue_full"]);
  turns.gate.turnEnded();
  turns.gate.offer(frame("turn 3"), true);
  assert.equal(turns.sent.length, 1);

  const ids = open();
  ids.awaited.add("a");
  ids.gate.offer(frame("a"), true);
  ids.clock.advance(4_999);
  assert.deepEqual(ids.ended, []);
  ids.clock.advance(1);
  assert.deepEqual(ids.ended, ["identity"]);

  const bytes = open();
  bytes.awaited.add("x".repeat(200 * 1_024));
  bytes.gate.offer(frame("x".repeat(200 * 1_024)), true);
  bytes.gate.offer(frame("y".repeat(60 * 1_024)), true);
  assert.deepEqual([bytes.ended, bytes.gate.bytes], [["queue_full"], 0]);
});

test("nothing is lost, doubled or reordered, whatever is awaited and answered", () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("offer" as const),
      isTurn: fc.boolean(),
      isAwaited: fc.boolean(),
      heard: fc.nat({ max: 5 }),
    }),
    fc.record({ do: fc.constantFrom("answer" as const, "learn" as const, "say" as const) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: 700 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, waitsForTurns) => {
      const { clock, gate, sent, ended, awaited } = open(waitsForTurns);
      let offered = 0;
      for (const one of steps) {
        if (one.do === "offer") {
          const text = String(offered++);
          if (one.isAwaited) awaited.add(text);
          gate.offer(frame(text), one.isTurn, one.heard);
        } else if (one.do === "answer") gate.turnEnded();
        else if (one.do === "say") gate.armSaid();
        else if (one.do === "wait") clock.advance(one.ms);
        else {
          awaited.clear();
          gate.idLearnt();
        }
      }
      const order = sent.map((one) => Number(one.split(" ")[0]));
      assert.deepEqual(order, [...order.keys()]);
      if (ended.length > 0) return;
      awaited.clear();
      for (let at = 0; at <= offered; at++) {
        gate.turnEnded();
        clock.advance(2_000);
      }
      assert.ok(ended.length === 1 || sent.length === offered, `${sent.length} of ${offered}`);
    }),
  );
});

test("shadow C3, C4: each gap is the client's or two seconds, nothing is later than five seconds or more than 256 KiB, or all ends", () => {
  const offer = fc.record({
    afterMs: fc.nat({ max: 4_000 }),
    bytes: fc.constantFrom(0, 10, 60_000, 120_000),
    isTurn: fc.boolean(),
    answersAtOnce: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(offer, { minLength: 1, maxLength: 30 }),
      fc.boolean(),
      fc.nat({ max: 6_000 }),
      (offers, waitsForTurns, holdMs) => {
        const clock = createManualClock();
        const startMs = clock.monotonic();
        const ended: string[] = [];
        const offeredMs: number[] = [];
        const sentMs: number[] = [];
        const gate: SendGate = new SendGate({
          clock,
          waitsForTurns,
          // Ids of the first frames are awaited for a while.
          rewrite: (one) => (clock.monotonic() - startMs < holdMs ? null : one),
          send: ({ data }) => {
            assert.equal(ended.length, 0);
            const at = sentMs.length;
            assert.equal(data[0] ?? at % 256, at % 256);
            sentMs.push(clock.monotonic());
            if (offers[at]?.answersAtOnce === true) gate.turnEnded();
          },
          giveUp: (reason) => void ended.push(reason),
        });
        clock.after(holdMs, () => gate.idLearnt());
        for (const [at, { afterMs, bytes, isTurn }] of offers.entries()) {
          clock.advance(afterMs);
          offeredMs.push(clock.monotonic());
          gate.offer({ isBinary: true, data: new Uint8Array(bytes).fill(at % 256) }, isTurn);
          assert.ok(gate.bytes <= 256 * 1_024);
        }
        clock.advance(20_000);
        // What is late by no more than a timer's grain counts as sent when it was due.
        let countedMs = startMs;
        for (const [at, atMs] of sentMs.entries()) {
          const gapMs = (offeredMs[at] ?? 0) - (offeredMs[at - 1] ?? startMs);
          const dueMs = countedMs + Math.min(2_000, gapMs);
          const earliestMs = Math.max(offeredMs[at] ?? 0, dueMs);
          countedMs = atMs - dueMs <= 50 ? dueMs : atMs;
          assert.ok(atMs >= earliestMs && atMs <= (offeredMs[at] ?? 0) + 5_000);
          // What nothing holds back leaves at once.
          if (!waitsForTurns && earliestMs - startMs >= holdMs) assert.equal(atMs, earliestMs);
        }
        assert.ok(ended.length <= 1);
        assert.ok(ended.length === 1 || sentMs.length === offers.length);
        assert.equal(gate.bytes, 0);
      },
    ),
    { numRuns: 300 },
  );
});

test("shadow C4: frames without bytes are held too, so their number has an end", () => {
  const { gate, ended, awaited } = open();
  awaited.add("");
  for (let at = 0; at < 4_096; at++) gate.offer(frame(""), false);
  assert.deepEqual(ended, []);
  gate.offer(frame(""), false);
  assert.deepEqual(ended, ["queue_full"]);
});

test("timers that come late by their grain do not add up: a minute of drawing is as late at its end as at its start", () => {
  const clock = createManualClock();
  const late: number[] = [];
  const offered: number[] = [];
  let isKnown = false;
  const gate = new SendGate({
    clock: { ...clock, after: (delayMs, run) => clock.after(delayMs + 1, run) },
    waitsForTurns: false,
    rewrite: (one) => (isKnown ? one : null),
    send: () => void late.push(clock.monotonic() - (offered[late.length] ?? 0)),
    giveUp: () => assert.fail("it keeps up"),
  });
  for (let nr = 0; nr < 7_200; nr++) {
    clock.advance(1_000 / 120);
    offered.push(clock.monotonic());
    gate.offer(frame("x"), false);
    // From here on every frame waits for its gap behind the one before it.
    if (nr === 24) {
      isKnown = true;
      gate.idLearnt();
    }
  }
  clock.advance(1_000);
  assert.equal(late.length, 7_200);
  assert.ok(Math.max(...late) < 300, `${Math.max(...late)} ms late`);
});
