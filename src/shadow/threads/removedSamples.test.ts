// A subject's samples, removed on request (shadow P5): what is in memory, and what is still under way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGroupPrint } from "../evidence/fingerprint.ts";
import { planOf } from "../serving/testing/servingBench.ts";
import type { Handshake, SocketFacts } from "./messages.ts";
import {
  bytesOf,
  type ComparerBench,
  copiedItem,
  factsOf,
  observed,
  openComparerBench,
  servedItem,
} from "./testing/comparerBench.ts";

const WRITE = planOf({ id: "write", mode: "sandbox", methods: ["POST"] });
const READ = planOf({ id: "read" });
const TALK = planOf({ id: "talk", unit: "talks", mode: "sandbox", isStateful: true, methods: ["WS"], surface: "talk" });
const OPEN: Handshake = { status: 101, contentType: "", body: new Uint8Array(0) };
/** As the bench makes them. */
const KEY = new Uint8Array(32);

/** Who has samples that no store has, by campaign. */
const unsavedOf = ({ comparer }: ComparerBench) =>
  [...comparer.units.values()].flatMap((unit) =>
    unit.series.map((series) => {
      const { campaign, samples } = series.unsaved(0).checkpoint;
      const nameOf = new Map(["ann", "bob"].map((one) => [createGroupPrint(KEY, campaign.id)(one), one] as const));
      return samples.map(({ group }) => nameOf.get(group) ?? "?");
    }),
  );

const differ = ({ comparer, clock }: ComparerBench, id: number, group: string, plan = WRITE): void => {
  comparer.take(servedItem(factsOf(id, plan, { group, leftAtMs: clock.now() }), "a"));
  comparer.copied(copiedItem(id, "b"));
};

test("what no store has goes in the campaign that runs and in those that ended, and only the subject's", () => {
  const bench = openComparerBench([WRITE]);
  const { comparer, clock } = bench;
  differ(bench, 1, "ann");
  differ(bench, 2, "bob");
  clock.advance(1_000);
  comparer.setBuilds({ candidate: "k2" });
  differ(bench, 3, "ann");
  differ(bench, 4, "ann");
  assert.deepEqual(unsavedOf(bench), [
    ["ann", "bob"],
    ["ann", "ann"],
  ]);
  clock.advance(1);
  const removed = comparer.removeSamples("ann");
  assert.deepEqual([removed.samples, removed.campaigns.length], [3, 2]);
  assert.deepEqual(unsavedOf(bench), [["bob"], []]);
  assert.deepEqual(comparer.removeSamples("nobody"), { samples: 0, campaigns: [] });
  clock.advance(1);
  differ(bench, 5, "ann");
  assert.deepEqual(unsavedOf(bench), [["bob"], ["ann"]], "what begins later is new");
});

test("a call that was under way is judged and counted, and leaves no sample", () => {
  const bench = openComparerBench([WRITE, READ]);
  const { comparer, clock } = bench;
  comparer.take(servedItem(factsOf(1, WRITE, { leftAtMs: clock.now() }), "a"));
  comparer.take(servedItem(factsOf(2, READ, { leftAtMs: clock.now() }), "a"));
  comparer.copied(copiedItem(2, "b"));
  clock.advance(1_000);
  comparer.removeSamples("ann");
  clock.advance(1_000);
  comparer.copied(copiedItem(1, "b"));
  const once = { control: observed("control", "repeat", "a"), candidate: observed("candidate", "repeat", "b") };
  comparer.copied({ kind: "rechecked", id: 2, again: [once, once] });
  assert.deepEqual(bench.told(), ["1 different", "2 different"]);
  assert.deepEqual(unsavedOf(bench), [[]]);
  assert.equal([...(comparer.units.get(WRITE.unit)?.families ?? [])].length, 2);
});

test("of a socket that was open nothing is kept until it closes: its samples show what was said before", () => {
  const bench = openComparerBench([TALK]);
  const { comparer, clock } = bench;
  let id = 0;
  const talk = (): void => {
    id += 1;
    const facts: SocketFacts = { ...factsOf(id, TALK, { leftAtMs: clock.now() }), surface: "talk" };
    comparer.take({ kind: "opening", facts, document: "" });
    comparer.take({ kind: "handshake", id, result: OPEN, atMs: clock.now() });
    comparer.copied({ kind: "copy-handshake", id, result: OPEN, atMs: clock.now() });
  };
  const turn = (name: string): void => {
    clock.advance(1_000);
    const data = bytesOf(JSON.stringify({ id: name, isRead: true }));
    const answer = (value: string) =>
      bytesOf(JSON.stringify({ lane: "talk", type: "answer", id: name, isFinal: true, value }));
    comparer.take({ kind: "client", id, isBinary: false, data, atMs: clock.now() });
    comparer.copied({ kind: "copy-client", id, isBinary: false, data, atMs: clock.now() });
    clock.advance(20);
    comparer.take({ kind: "arm", id, isBinary: false, data: answer("a"), atMs: clock.now() });
    comparer.copied({ kind: "copy-arm", id, isBinary: false, data: answer("b"), atMs: clock.now() });
    clock.advance(10_000);
    comparer.conversations.tick();
  };
  talk();
  turn("t1");
  assert.deepEqual(unsavedOf(bench), [["ann"]]);
  comparer.removeSamples("ann");
  turn("t2");
  assert.deepEqual(unsavedOf(bench), [[]]);
  clock.advance(1);
  talk();
  turn("t3");
  assert.deepEqual(unsavedOf(bench), [["ann"]]);
});
