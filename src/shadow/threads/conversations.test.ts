import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Arm } from "../../kernel/index.ts";
import type { DocumentCodec } from "../ports.ts";
import { planOf } from "../serving/testing/servingBench.ts";
import type { Handshake, SocketFacts } from "./messages.ts";
import { bytesOf, type ComparerBench, factsOf, openComparerBench } from "./testing/comparerBench.ts";

const TALK = planOf({ id: "talk", mode: "sandbox", isStateful: true, methods: ["WS"], surface: "talk" });
const OPEN: Handshake = { status: 101, contentType: "", body: new Uint8Array(0) };

function socket(bench: ComparerBench, id = 1, surface = "talk", served: Arm = "control") {
  const { comparer, clock } = bench;
  const facts: SocketFacts = { ...factsOf(id, TALK, { served }), surface };
  const atMs = (): number => clock.now();
  const asked = (turn: string, isRead: boolean) => bytesOf(JSON.stringify({ id: turn, isRead }));
  const answer = (turn: string, text: string) =>
    bytesOf(JSON.stringify({ lane: "talk", type: "answer", id: turn, isFinal: true, value: { text } }));
  return {
    opening: () => comparer.take({ kind: "opening", facts, document: "ann\n/board" }),
    shaken: (result: Handshake = OPEN) => comparer.take({ kind: "handshake", id, result, atMs: atMs() }),
    copyShaken: (result: Handshake = OPEN) => comparer.copied({ kind: "copy-handshake", id, result, atMs: atMs() }),
    turn(turn: string, isRead = false): void {
      this.servedTurn(turn, isRead);
      this.copyTurn(turn, isRead);
    },
    servedTurn: (turn: string, isRead = false) =>
      comparer.take({ kind: "client", id, isBinary: false, data: asked(turn, isRead), atMs: atMs() }),
    copyTurn: (turn: string, isRead = false) =>
      comparer.copied({ kind: "copy-client", id, isBinary: false, data: asked(turn, isRead), atMs: atMs() }),
    answer: (turn: string, text: string) =>
      comparer.take({ kind: "arm", id, isBinary: false, data: answer(turn, text), atMs: atMs() }),
    copyAnswer: (turn: string, text: string) =>
      comparer.copied({ kind: "copy-arm", id, isBinary: false, data: answer(turn, text), atMs: atMs() }),
    closed: (by: "client" | "arm" = "client", code = 1_000) =>
      comparer.take({ kind: "closed", id, by, code, atMs: atMs() }),
    copyClosed: (by: "client" | "arm" = "client", code = 1_000) =>
      comparer.copied({ kind: "copy-closed", id, by, code, isHalfOpen: false, atMs: atMs() }),
    lost: () => comparer.copied({ kind: "copy-lost", id, reason: "queue_full" }),
  };
}

/** On both arms, with nothing said yet. */
function openTalk() {
  const bench = openComparerBench([TALK]);
  const one = socket(bench);
  one.opening();
  one.shaken();
  one.copyShaken();
  return { bench, one };
}

const pass = ({ clock, comparer }: ComparerBench, ms: number): void => {
  clock.advance(ms);
  comparer.conversations.tick();
};

test("a conversation is its handshake, its greeting, its turns and its close, each judged once", () => {
  const { bench, one } = openTalk();
  one.turn("t1");
  one.answer("t1", "a");
  one.copyAnswer("t1", "a");
  one.turn("t2", true);
  one.answer("t2", "a");
  one.copyAnswer("t2", "b");
  pass(bench, 10_000);
  one.closed();
  one.copyClosed();
  assert.deepEqual(bench.told(), [
    "null identical",
    "null identical",
    "null identical",
    "null different",
    "null identical",
  ]);
  assert.deepEqual(bench.sockets, ["1 different"]);
  assert.equal(bench.comparer.conversations.open, 0);
});

test("shadow J3: a group is busy from a turn's first frame to both answers, and while a handshake is not known", () => {
  const bench = openComparerBench([TALK]);
  const isBusy = (group = "ann"): boolean => bench.comparer.conversations.isBusy("u", group);
  const one = socket(bench);
  assert.ok(!isBusy());
  one.opening();
  assert.ok(isBusy(), "of its copy nothing is known");
  one.shaken();
  one.copyShaken();
  assert.ok(!isBusy());
  one.servedTurn("t1");
  assert.ok(isBusy(), "the copy of it has not left");
  one.copyTurn("t1");
  pass(bench, 20_000);
  assert.ok(isBusy(), "both arms think");
  one.answer("t1", "a");
  assert.ok(isBusy());
  one.copyAnswer("t1", "a");
  assert.ok(!isBusy());
  one.turn("t2");
  assert.deepEqual([isBusy(), isBusy("bob")], [true, false]);
  one.lost();
  assert.ok(!isBusy(), "it is followed no more");
});

test("shadow C8: behind a turn that has changed what the arms hold the rest is diverged, and the group is told", () => {
  const { bench, one } = openTalk();
  one.turn("t1");
  one.answer("t1", "a");
  one.copyAnswer("t1", "b");
  pass(bench, 10_000);
  one.turn("t2");
  one.closed();
  one.copyClosed();
  assert.equal(bench.told().filter((text) => text === "null different").length, 1);
  assert.ok(bench.told().includes("null diverged"));
  assert.ok(bench.diverged.includes("ann"));
});

test("shadow §7: a copy whose line breaks before its answer has failed, and so its group is diverged (J2)", () => {
  const { bench, one } = openTalk();
  one.turn("t1");
  one.answer("t1", "a");
  one.copyClosed("arm", 1_006);
  pass(bench, 1_000);
  one.closed();
  assert.deepEqual(bench.told(), ["null identical", "null identical", "null shadow_failed", "null diverged"]);
  assert.deepEqual(bench.sockets, ["1 shadow_failed"]);
  assert.ok(bench.diverged.includes("ann"));
});

test("the mirror thread's word may be here before the serving thread's that there is a socket", () => {
  const bench = openComparerBench([TALK]);
  const early = socket(bench, 1);
  early.copyShaken();
  early.opening();
  early.shaken();
  early.closed();
  early.copyClosed();
  const lost = socket(bench, 2);
  lost.lost();
  lost.opening();
  assert.deepEqual(bench.sockets, ["1 identical", "2 not_compared"]);
  lost.lost();
  early.copyShaken();
  assert.equal(bench.comparer.conversations.open, 0, "a word that comes too late opens nothing");
});

test("of a socket of which the copy was said too much before it was opened nothing is compared", () => {
  const bench = openComparerBench([TALK]);
  const one = socket(bench);
  one.copyShaken();
  for (let at = 0; at < 2_001; at++) one.copyAnswer("t", "a");
  one.opening();
  assert.deepEqual([bench.sockets, bench.told()], [["1 not_compared"], ["null queue_full"]]);
});

test("a socket whose copy never says anything is given up after a minute: its credit is not lost", () => {
  const bench = openComparerBench([TALK]);
  const one = socket(bench);
  one.opening();
  one.shaken();
  one.turn("t1");
  one.closed();
  pass(bench, 60_000);
  assert.deepEqual(bench.sockets, []);
  pass(bench, 1);
  assert.deepEqual([bench.sockets, bench.told()], [["1 not_compared"], ["null engine_lost"]]);
});

test("shadow I13: with the mirror thread all its sockets are lost, also those that are told of later", () => {
  const bench = openComparerBench([TALK]);
  const one = socket(bench, 1);
  one.opening();
  one.shaken();
  one.copyShaken();
  bench.comparer.mirrorLost(2);
  socket(bench, 2).opening();
  assert.deepEqual(bench.sockets, ["1 not_compared", "2 not_compared"]);
  const three = socket(bench, 3);
  three.opening();
  three.shaken();
  three.copyShaken();
  three.closed();
  three.copyClosed();
  assert.equal(bench.sockets.at(-1), "3 not_compared", "its group is diverged: what was lost may have changed it");
});

test("shadow I6: the bytes of frames that wait for a handshake stay on the budget, and too many are given up", () => {
  const bench = openComparerBench([TALK]);
  const one = socket(bench);
  one.opening();
  one.shaken();
  one.answer("t", "a");
  assert.deepEqual(bench.taken, []);
  one.copyShaken();
  assert.equal(bench.taken.length, 1);
  const other = socket(bench, 2);
  other.opening();
  other.shaken();
  const large = "x".repeat(1_048_576);
  for (let at = 0; at < 5; at++) other.answer("t", large);
  assert.deepEqual(bench.sockets, ["2 not_compared"]);
});

test("shadow C1: a refusal on one side only differs, a shadow that does not answer at all has failed, and both end it", () => {
  const bench = openComparerBench([TALK]);
  const refused = socket(bench, 1);
  refused.opening();
  refused.shaken();
  refused.copyShaken({ status: 403, contentType: "text/plain", body: bytesOf("no") });
  const failed = socket(bench, 2);
  failed.opening();
  failed.shaken();
  failed.copyShaken({ error: "refused" });
  const left = socket(bench, 3);
  left.opening();
  left.shaken({ error: "aborted" });
  left.copyShaken();
  assert.deepEqual(bench.sockets, ["1 different", "2 shadow_failed", "3 not_compared"]);
});

test("a socket that one side closes is judged without the other's word after a moment", () => {
  const { bench, one } = openTalk();
  one.closed("arm", 4_000);
  pass(bench, 8_000);
  assert.deepEqual(bench.sockets, []);
  pass(bench, 1);
  assert.deepEqual(bench.sockets, ["1 different"]);
});

test("a frame that the codec cannot read costs its conversation, and no other", () => {
  const bench = openComparerBench([TALK]);
  const [one, other] = [socket(bench, 1), socket(bench, 2)];
  for (const each of [one, other]) {
    each.opening();
    each.shaken();
    each.copyShaken();
  }
  const data = bytesOf("no json");
  bench.comparer.take({ kind: "client", id: 1, isBinary: false, data, atMs: bench.clock.now() });
  other.closed();
  other.copyClosed();
  assert.deepEqual([bench.sockets[0], bench.faults.length, bench.sockets.length], ["1 not_compared", 1, 2]);
});

const board: DocumentCodec = { surface: "board", roots: {}, updateOf: () => null };

test("a document that both arms have left is forgotten, also when one side never said that it had", () => {
  const bench = openComparerBench([TALK], { documents: new Map([["board", board]]) });
  const one = socket(bench, 1, "board");
  one.opening();
  one.shaken();
  one.copyShaken();
  assert.equal(bench.comparer.conversations.documentCounts.converged, 1);
  one.closed();
  pass(bench, 8_001);
  pass(bench, 60_000);
  assert.equal(bench.comparer.conversations.documentCounts.converged, 0);
});

test("shadow §7: a document whose copy nobody follows any more is not waited for; its group is diverged (J2)", () => {
  const bench = openComparerBench([TALK], { documents: new Map([["board", board]]) });
  const one = socket(bench, 1, "board");
  one.opening();
  one.shaken();
  one.copyShaken();
  one.copyClosed("arm", 1_006);
  assert.deepEqual(bench.told(), ["null identical", "null identical", "null shadow_failed"]);
  assert.deepEqual(bench.sockets, ["1 shadow_failed"]);
  assert.ok(bench.diverged.includes("ann"));
  assert.deepEqual([bench.comparer.conversations.open, bench.comparer.conversations.documentCounts.converged], [0, 0]);
});

test("documents of sockets that were open when the rules changed are still judged, and forgotten at their end", () => {
  const bench = openComparerBench([TALK], { documents: new Map([["board", board]]) });
  const one = socket(bench, 1, "board");
  one.opening();
  one.shaken();
  one.copyShaken();
  bench.configure();
  const other = socket(bench, 2, "board");
  other.opening();
  other.shaken();
  other.copyShaken();
  assert.equal(bench.comparer.conversations.documentCounts.converged, 2);
  for (const each of [one, other]) {
    each.closed();
    each.copyClosed();
  }
  pass(bench, 60_000);
  assert.equal(bench.comparer.conversations.documentCounts.converged, 0);
  assert.deepEqual(bench.sockets, ["1 identical", "2 identical"]);
});

test("shadow A1: whatever becomes of a conversation, its end is told once", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(11), { maxLength: 25, size: "max" }), (steps) => {
      const bench = openComparerBench([TALK]);
      const one = socket(bench);
      let isOpening = false;
      for (const what of steps) {
        if (what === 0 && !isOpening) {
          isOpening = true;
          one.opening();
        } else if (what === 1) one.shaken();
        else if (what === 2) one.copyShaken();
        else if (what === 3) one.turn("t");
        else if (what === 4) one.answer("t", "a");
        else if (what === 5) one.copyAnswer("t", "b");
        else if (what === 6) one.closed();
        else if (what === 7) one.copyClosed("arm", 4_000);
        else if (what === 8) one.lost();
        else if (what === 9) pass(bench, 5_000);
        else if (what === 10) bench.comparer.mirrorLost(0);
      }
      if (!isOpening) one.opening();
      bench.comparer.conversations.loseAll("stopping");
      assert.equal(bench.sockets.length, 1);
      assert.equal(bench.comparer.conversations.open, 0);
    }),
  );
});
