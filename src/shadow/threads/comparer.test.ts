import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ComparisonRule } from "../rules/rule.ts";
import { planOf } from "../serving/testing/servingBench.ts";
import type { CopyItem } from "./messages.ts";
import { copiedItem, factsOf, observed, openComparerBench, servedItem } from "./testing/comparerBench.ts";

const READ = planOf({ id: "read" });
const WRITE = planOf({ id: "write", mode: "sandbox", isStateful: true, methods: ["POST"] });
const write = (id: number, more = {}) => factsOf(id, WRITE, more);
const RULE: ComparisonRule = {
  id: "own",
  owner: "o",
  reason: "r",
  until: "contract",
  on: ["read"],
  header: "x-a",
  ignore: "all",
};

test("both halves of an exchange are judged once, whichever comes first", () => {
  const { comparer, told, judged } = openComparerBench([READ]);
  comparer.take(servedItem(factsOf(1, READ), "a"));
  comparer.copied(copiedItem(1, "a"));
  comparer.copied(copiedItem(2, "a"));
  comparer.take(servedItem(factsOf(2, READ), "a"));
  comparer.copied({ kind: "uncopied", id: 3, reason: "circuit_open" });
  comparer.take(servedItem(factsOf(3, READ), "a"));
  comparer.take(servedItem(factsOf(4, READ), "", { loss: "body_too_large" }));
  comparer.copied(copiedItem(4, "a"));
  assert.deepEqual(told(), ["1 identical", "2 identical", "3 circuit_open", "4 body_too_large"]);
  const whole = judged.map(({ id, isServedWhole }) => [id, isServedWhole]);
  assert.deepEqual(whole, [
    [1, true],
    [2, true],
    [3, true],
    [4, false],
  ]);
});

test("shadow J2: a write whose copy did not get through ends its group, one that nobody could compare does not", () => {
  const { comparer, diverged, told } = openComparerBench([WRITE]);
  comparer.take(servedItem(write(1, { group: "ann" }), "a"));
  comparer.copied({ kind: "uncopied", id: 1, reason: "queue_full" });
  comparer.take(servedItem(write(2, { group: "bob" }), "", { loss: "body_too_large" }));
  comparer.copied(copiedItem(2, "a"));
  comparer.take(servedItem(write(3, { group: "cid" }), "", { result: { error: "aborted" } }));
  comparer.copied(copiedItem(3, "a"));
  assert.deepEqual(told(), ["1 queue_full", "2 body_too_large", "3 served_aborted"]);
  assert.deepEqual(diverged, ["ann", "cid"], "of an aborted write nobody knows whether the served arm has made it");
});

test("shadow I13: what a thread before has lost is in the evidence, and what had gone apart is not compared again", () => {
  const { comparer, told } = openComparerBench([READ, WRITE]);
  const losses = [{ route: "read", reason: "engine_lost", atMs: 60_000, count: 41 } as const];
  comparer.missed({ losses, diverged: [["u", "ann"]] });
  comparer.take(servedItem(write(1, { group: "ann" }), "a"));
  comparer.copied(copiedItem(1, "b"));
  comparer.take(servedItem(write(2, { group: "bob" }), "a"));
  comparer.copied(copiedItem(2, "a"));
  assert.deepEqual(told(), ["1 diverged", "2 identical"]);
  const rows = comparer.units.get("u")?.series[0]?.unsaved(0).checkpoint.minutes ?? [];
  const lost = rows.find(({ route }) => route === "read");
  assert.deepEqual([lost?.minute, lost?.sampled, lost?.notCompared], [1, 41, { engine_lost: 41 }]);
});

test("before the builds are known nothing is compared, and no group is blamed for it", () => {
  const { comparer, told, diverged } = openComparerBench([WRITE], {}, false);
  comparer.take(servedItem(write(1), "a"));
  comparer.copied(copiedItem(1, "a"));
  assert.deepEqual([told(), diverged], [["1 no_target"], []]);
});

test("shadow I13: a copy that died with the mirror thread is lost, at once and when its served half comes later", () => {
  const { comparer, told } = openComparerBench([READ]);
  comparer.take(servedItem(factsOf(1, READ), "a"));
  comparer.mirrorLost(2);
  comparer.take(servedItem(factsOf(2, READ), "a"));
  comparer.take(servedItem(factsOf(3, READ), "a"));
  comparer.copied(copiedItem(3, "a"));
  assert.deepEqual(told(), ["1 engine_lost", "2 engine_lost", "3 identical"]);
});

test("a mismatch of a read is asked for again; without anybody to ask, or without an answer, what was seen stands", () => {
  const { comparer, judged, told, clock } = openComparerBench([READ]);
  const differ = (id: number): void => {
    comparer.take(servedItem(factsOf(id, READ, { group: `g${id}` }), "a"));
    comparer.copied(copiedItem(id, "b"));
  };
  differ(1);
  assert.deepEqual([judged.at(-1)?.rechecks, told()], [2, []]);
  const again = { control: observed("control", "repeat", "a"), candidate: observed("candidate", "repeat", "a") };
  comparer.copied({ kind: "rechecked", id: 1, again: [again, again] });
  assert.deepEqual(told(), ["1 transient"]);
  differ(2);
  comparer.mirrorLost(2);
  assert.equal(told().at(-1), "2 different");
  differ(3);
  assert.equal(told().at(-1), "3 different", "no mirror thread, no second question");
  comparer.mirrorFound();
  differ(4);
  clock.advance(90_001);
  comparer.expire();
  assert.equal(told().at(-1), "4 different");
  comparer.copied({ kind: "rechecked", id: 4, again: [] });
  assert.equal(told().length, 4, "it is over");
});

test("a re-check that comes back under other rules is of a campaign that is over, and ends nothing else", () => {
  const { comparer, configure, told, faults } = openComparerBench([READ]);
  comparer.take(servedItem(factsOf(1, READ), "a"));
  comparer.copied(copiedItem(1, "b"));
  configure({ rules: [RULE] });
  comparer.copied({ kind: "rechecked", id: 1, again: [] });
  assert.deepEqual([told(), faults], [["1 engine_lost"], []]);
});

test("rules that cannot be used are refused, and what was in force stays", () => {
  const { comparer, configure, told } = openComparerBench([READ], { rules: [RULE] });
  assert.throws(() => configure({ rules: [RULE] }), RangeError);
  comparer.take(servedItem(factsOf(1, READ), "a"));
  comparer.copied(copiedItem(1, "a"));
  assert.deepEqual(told(), ["1 identical"]);
});

test("what cannot be handled is counted as lost, and what comes behind it is judged", () => {
  const { comparer, told, faults } = openComparerBench([READ]);
  comparer.take(servedItem(factsOf(1, READ), "", { result: null as never }));
  comparer.copied(copiedItem(1, "a"));
  comparer.take(servedItem(factsOf(2, READ), "a"));
  comparer.copied({ kind: "copied", id: 2, observation: null } as unknown as CopyItem);
  comparer.take(servedItem(factsOf(3, READ), "a"));
  comparer.copied(copiedItem(3, "a"));
  assert.deepEqual(told(), ["1 engine_lost", "2 engine_lost", "3 identical"]);
  assert.equal(faults.length, 2);
});

test("of a route that is not there any more nothing is left open", () => {
  const { comparer, told, sockets } = openComparerBench([READ]);
  const gone = planOf({ id: "gone" });
  comparer.take(servedItem(factsOf(1, gone), "a"));
  comparer.copied({ kind: "uncopied", id: 1, reason: "no_target" });
  comparer.take({ kind: "opening", facts: { ...factsOf(2, gone), surface: "talk" }, document: "d" });
  assert.deepEqual(told(), ["1 no_target", "null engine_lost"]);
  assert.deepEqual(sockets, ["2 not_compared"]);
});

test("shadow A2: what is open when the thread stops is told as that", () => {
  const { comparer, told } = openComparerBench([READ]);
  comparer.take(servedItem(factsOf(1, READ), "a"));
  comparer.take(servedItem(factsOf(2, READ), "a"));
  comparer.copied(copiedItem(2, "b"));
  comparer.stop();
  assert.deepEqual(told(), ["2 different", "1 stopping"]);
});

test("shadow A1: whatever comes in whatever order, no job is told twice, and in the end each is told", () => {
  const step = fc.record({ what: fc.nat(7), id: fc.integer({ min: 1, max: 6 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const { comparer, ended, clock } = openComparerBench([READ, WRITE]);
      const served = new Set<number>();
      for (const { what, id } of steps) {
        const facts = id % 2 === 0 ? write(id) : factsOf(id, READ);
        // The serving thread tells each call once, and so does the mirror thread.
        if (what <= 1 && !served.has(id)) {
          served.add(id);
          comparer.take(servedItem(facts, what === 0 ? "a" : "b"));
        } else if (what === 2) comparer.copied(copiedItem(id, "a"));
        else if (what === 3) comparer.copied({ kind: "uncopied", id, reason: "no_target" });
        else if (what === 4) comparer.copied({ kind: "rechecked", id, again: [] });
        else if (what === 5) comparer.mirrorLost(id);
        else if (what === 6) comparer.mirrorFound();
        else clock.advance(60_000);
      }
      comparer.mirrorLost(6);
      clock.advance(16 * 60_000);
      comparer.expire();
      const told = ended.filter(({ id }) => id !== null && served.has(id)).map(({ id }) => id);
      const counted = new Set(told);
      for (const id of served) assert.ok(counted.has(id), `${id} is open for ever`);
    }),
  );
});
