// Model calls without a recording in the verdicts of calls and of turns (shadow K3).
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CassetteMiss } from "../cassette/ports.ts";
import { planOf } from "../serving/testing/servingBench.ts";
import type { CopyItem, Handshake, SocketFacts } from "./messages.ts";
import {
  bytesOf,
  type ComparerBench,
  copiedItem,
  factsOf,
  missOf,
  observed,
  openComparerBench,
  servedItem,
} from "./testing/comparerBench.ts";

const TALK = planOf({ id: "talk", mode: "sandbox", isStateful: true, methods: ["WS"], surface: "talk" });
const WRITE = planOf({ id: "write", mode: "sandbox", isStateful: true, methods: ["POST"] });
const READ = planOf({ id: "read" });
const OPEN: Handshake = { status: 101, contentType: "", body: new Uint8Array(0) };
const PROMPT = "model.request $.messages[*].content";
const SECOND = 1_000;

function open() {
  const bench = openComparerBench([TALK, WRITE, READ]);
  bench.misses.isOn = true;
  const tell = (...misses: CassetteMiss[]): void => bench.misses.known.add(misses, bench.clock.now());
  const templates = (): readonly string[] =>
    [...bench.comparer.units.values()].flatMap((unit) => [...unit.families].map(({ key }) => key.template));
  return { ...bench, tell, templates, at: (ms: number) => ({ atMs: bench.clock.now() + ms }) };
}

type Bench = ReturnType<typeof open>;

/** Both halves of a call whose answers differ unless said otherwise. */
function call(
  { comparer, clock }: Bench,
  id: number,
  plan = WRITE,
  candidate = "b",
  more: Partial<CopyItem> = {},
): void {
  comparer.take(servedItem(factsOf(id, plan, { leftAtMs: clock.now() }), "a"));
  comparer.copied({ ...copiedItem(id, candidate), ...more } as CopyItem);
}

test("a call that would be different waits for the cassette; the miss that belongs to it is its cause", () => {
  const bench = open();
  call(bench, 1);
  assert.deepEqual([bench.told(), bench.misses.waiting.length], [[], 1]);
  bench.tell(missOf("r1", bench.at(5)));
  bench.misses.flush();
  assert.deepEqual([bench.told(), bench.templates(), bench.diverged], [["1 different"], [PROMPT], ["ann"]]);
  const [ended] = bench.ended;
  assert.deepEqual(ended?.differences, [["value", "breaking"]]);
  assert.deepEqual(ended?.latencyMs, { control: 2, candidate: 2 });
});

test("without a miss of its own it is what it would have been, asked once", () => {
  const bench = open();
  bench.tell(missOf("r9", bench.at(1)), missOf("r1", bench.at(-60_000)), missOf("r1", bench.at(60_000)));
  call(bench, 1);
  bench.misses.flush();
  assert.deepEqual([bench.told(), bench.misses.waiting.length], [["1 different"], 0]);
  assert.deepEqual(bench.templates(), ["$"]);
});

test("nobody waits where both answered the same, where nothing is configured, or where it is known already", () => {
  const bench = open();
  call(bench, 1, READ, "a");
  bench.tell(missOf("r2", bench.at(1)));
  call(bench, 2);
  const without = open();
  without.misses.isOn = false;
  without.tell(missOf("r3", without.at(1)));
  call(without, 3);
  assert.deepEqual([bench.misses.waiting.length, without.misses.waiting.length], [0, 0]);
  assert.deepEqual([bench.told(), without.told()], [["1 identical", "2 different"], ["3 different"]]);
  assert.deepEqual([bench.templates(), without.templates()], [[PROMPT], ["$"]]);
});

test("an equal answer to another prompt is different too, but not of a call that we made twice", () => {
  const bench = open();
  bench.tell(missOf("r1", { ...bench.at(1), reason: "additional", nearest: null }));
  bench.tell(missOf("r2", { ...bench.at(1), reason: "additional", nearest: null }));
  call(bench, 1, READ, "a");
  call(bench, 2, READ, "a", { repeat: observed("control", "repeat", "a") });
  assert.deepEqual([bench.told(), bench.templates()], [["1 different", "2 identical"], ["model.request"]]);
});

test("ADR 17: what the cassette could not keep is not compared, and behind such a write nothing of its group is", () => {
  const bench = open();
  bench.tell(missOf("r1", { ...bench.at(1), reason: "too_large", nearest: null }));
  call(bench, 1);
  call(bench, 2);
  assert.deepEqual(
    [bench.told(), bench.diverged, bench.templates()],
    [["1 body_too_large", "2 diverged"], ["ann", "ann"], []],
  );
});

test("what waits when the thread stops is judged by what is known", () => {
  const bench = open();
  call(bench, 1);
  bench.comparer.stop();
  assert.deepEqual(bench.told(), ["1 different"]);
});

function socket(bench: Bench, id = 1) {
  const { comparer, clock } = bench;
  const facts: SocketFacts = { ...factsOf(id, TALK, { leftAtMs: clock.now() }), surface: "talk" };
  const atMs = (): number => clock.now();
  const answer = (turn: string, value: object) =>
    bytesOf(JSON.stringify({ lane: "talk", type: "answer", id: turn, isFinal: true, value }));
  comparer.take({ kind: "opening", facts, document: "" });
  comparer.take({ kind: "handshake", id, result: OPEN, atMs: atMs() });
  comparer.copied({ kind: "copy-handshake", id, result: OPEN, atMs: atMs() });
  return {
    ask(turn: string, isRead = false): void {
      const frame = { id, isBinary: false, data: bytesOf(JSON.stringify({ id: turn, isRead })), atMs: atMs() };
      comparer.take({ ...frame, kind: "client" });
      comparer.copied({ ...frame, kind: "copy-client" });
    },
    answer(turn: string, control: object, candidate: object | null): void {
      comparer.take({ kind: "arm", id, isBinary: false, data: answer(turn, control), atMs: atMs() });
      if (candidate === null) return;
      comparer.copied({ kind: "copy-arm", id, isBinary: false, data: answer(turn, candidate), atMs: atMs() });
    },
    close(): void {
      comparer.take({ kind: "closed", id, by: "client", code: 1_000, atMs: atMs() });
      comparer.copied({ kind: "copy-closed", id, by: "client", code: 1_000, isHalfOpen: false, atMs: atMs() });
    },
  };
}

/** Without the handshake and the greeting, which are never asked about. */
const turns = ({ told }: Pick<ComparerBench, "told">): readonly string[] => told().slice(2);

const settle = ({ clock, comparer }: Bench): void => {
  clock.advance(10 * SECOND);
  comparer.conversations.tick();
};

test("a turn that would be different waits for the cassette, and what is behind it waits along, in order", () => {
  const bench = open();
  const talk = socket(bench);
  talk.ask("t1", true);
  bench.clock.advance(2 * SECOND);
  bench.tell(missOf("r1", bench.at(-5)));
  talk.answer("t1", { ok: true }, { error: true });
  talk.ask("t2", true);
  talk.answer("t2", { n: 1 }, { n: 2 });
  settle(bench);
  // The first is known; only the second has to look.
  assert.deepEqual([turns(bench), bench.misses.waiting.length], [["null different"], 1]);
  talk.close();
  assert.deepEqual([turns(bench), bench.sockets], [["null different"], []]);
  assert.ok(bench.comparer.conversations.isBusy("u", "ann"));
  bench.misses.flush();
  assert.deepEqual(turns(bench), ["null different", "null different", "null identical"]);
  assert.deepEqual(bench.sockets, ["1 different"]);
  assert.deepEqual(bench.templates(), [PROMPT, "message:answer $.value.n"]);
  assert.equal(bench.faults.length, 0);
});

test("a turn is not told by the miss of the one behind it, which only follows from it", () => {
  const bench = open();
  const talk = socket(bench);
  talk.ask("t1");
  talk.ask("t2");
  bench.clock.advance(20);
  talk.answer("t1", { n: 1 }, { n: 2 });
  bench.clock.advance(SECOND);
  bench.tell(missOf("r1", bench.at(-5)));
  talk.answer("t2", { ok: true }, { error: true });
  settle(bench);
  bench.misses.flush();
  assert.deepEqual(
    [turns(bench), bench.templates()],
    [["null different", "null diverged"], ["message:answer $.value.n"]],
  );
});

test("of a turn that the shadow's arm has not answered every miss until now is its own", () => {
  const bench = open();
  const talk = socket(bench);
  talk.ask("t1");
  bench.clock.advance(3 * SECOND);
  talk.answer("t1", { ok: true }, null);
  bench.tell(missOf("r1", bench.at(5 * SECOND)));
  settle(bench);
  talk.close();
  bench.misses.flush();
  assert.deepEqual(bench.templates(), [PROMPT]);
  assert.deepEqual(bench.diverged.slice(0, 1), ["ann"]);
});

test("a limit of the cassette leaves a turn uncompared, and its group apart", () => {
  const bench = open();
  const talk = socket(bench);
  talk.ask("t1");
  bench.clock.advance(20);
  bench.tell(missOf("r1", { ...bench.at(-5), reason: "indivisible", nearest: null }));
  talk.answer("t1", { ok: true }, { error: true });
  settle(bench);
  assert.deepEqual([turns(bench), bench.templates()], [["null external"], []]);
  assert.deepEqual(bench.diverged, ["ann"]);
});

test("a conversation that is given up while a turn waits tells that turn first", () => {
  const bench = open();
  const talk = socket(bench);
  talk.ask("t1", true);
  talk.answer("t1", { n: 1 }, { n: 2 });
  settle(bench);
  assert.deepEqual(turns(bench), []);
  bench.comparer.copied({ kind: "copy-lost", id: 1, reason: "queue_full" });
  assert.deepEqual(turns(bench), ["null different"]);
  assert.deepEqual(bench.sockets, ["1 not_compared"]);
  bench.misses.flush();
  assert.deepEqual(turns(bench), ["null different"]);
});
