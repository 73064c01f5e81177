import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arm, Digest, StateCarrier } from "../../continuity/ports.ts";
import { createManualClock, otherArm } from "../../kernel/index.ts";
import type { GroupWish } from "../serving/groups.ts";
import { type CheckResult, Seeder } from "./seeder.ts";

/** Two stores in memory: rows by key. */
function open(isPossible = true) {
  const clock = createManualClock();
  const stores: Record<Arm, Map<string, string>> = { control: new Map(), candidate: new Map() };
  const calls: string[] = [];
  const hooks: { beforeCopy(): void; onDigest(arm: Arm): void; gate: Promise<void> } = {
    beforeCopy: () => {},
    onDigest: () => {},
    gate: Promise.resolve(),
  };
  let [running, runningMost] = [0, 0];
  const digestOf = (arm: Arm): Digest => {
    const hash = JSON.stringify([...stores[arm]].sort());
    const sections = new Map([["rows", { count: stores[arm].size, hash, fullHash: hash }]]);
    return { cursor: 1, hash, fullHash: hash, sections };
  };
  const carrier = {
    async digest(_, arm) {
      hooks.onDigest(arm);
      return digestOf(arm);
    },
    async clear(_, arm) {
      calls.push(`clear ${arm}`);
      stores[arm].clear();
    },
    async copy(subject, from, signal) {
      calls.push(`copy ${subject} from ${from}`);
      running += 1;
      runningMost = Math.max(runningMost, running);
      await hooks.gate;
      running -= 1;
      signal.throwIfAborted();
      hooks.beforeCopy();
      for (const [key, value] of stores[from]) stores[otherArm(from)].set(key, value);
      return { applied: 1, skipped: 0, conflicts: [], refused: [], cursor: 1 };
    },
    async rows(_, arm) {
      return [...stores[arm]].map(([key, value]) => ({ section: "rows", key, fingerprint: value }));
    },
  } as Pick<StateCarrier, "digest" | "clear" | "copy" | "rows"> as StateCarrier;
  const told: string[] = [];
  const results: CheckResult[] = [];
  const state = { isBusy: false, lastWriteMs: 0, leftOut: new Set<string>() };
  const seeder = new Seeder({
    leftOut: () => state.leftOut,
    clock,
    isBusy: () => state.isBusy,
    lastWriteMs: () => state.lastWriteMs,
    onLater: ({ kind, wish: { group } }) => told.push(`later ${kind} ${group}`),
    carrierFor: () => (isPossible ? carrier : null),
    onSeeded: ({ group }) => told.push(`seeded ${group}`),
    onFailed: ({ group }, why) => told.push(`failed ${group}: ${why}`),
    onChecked: ({ group }, result) => {
      told.push(`checked ${group}: ${result.kind}`);
      results.push(result);
    },
  });
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 50) {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(50);
    }
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const most = (): number => runningMost;
  return { seeder, stores, calls, hooks, told, results, pass, clock, most, state };
}

const wish = (group = "ann"): GroupWish => ({ unit: "u", group, served: "control", version: 1 });

test("shadow J1: a seed drops what the target has, copies, and is one only if both hold the same then", async () => {
  const { seeder, stores, calls, told, pass } = open();
  stores.control.set("a", "1");
  stores.candidate.set("old", "1");
  seeder.seed(wish());
  await pass(50);
  assert.deepEqual(calls, ["clear candidate", "copy ann from control"]);
  assert.deepEqual([...stores.candidate], [["a", "1"]]);
  assert.deepEqual(told, ["seeded ann"]);
});

test("shadow J1: what was written meanwhile, and what does not arrive, is no seed; nobody to ask is told as that", async () => {
  const { seeder, stores, told, hooks, pass } = open();
  hooks.beforeCopy = () => void stores.control.set("b", "new");
  seeder.seed(wish());
  await pass(50);
  hooks.beforeCopy = () => {
    throw new Error("unavailable");
  };
  seeder.seed(wish("bob"));
  await pass(50);
  const none = open(false);
  none.seeder.seed(wish("cid"));
  none.seeder.check(wish("cid"));
  await none.pass(100);
  assert.deepEqual(told, ["failed ann: written to meanwhile", "failed bob: unavailable"]);
  assert.deepEqual([...none.told].sort(), ["checked cid: none", "failed cid: no target"]);
});

test("shadow J3: a check finds the row, looks twice before it says so, and says nothing where somebody writes", async () => {
  const { seeder, stores, results, hooks, pass } = open();
  for (const arm of ["control", "candidate"] as const) stores[arm].set("a", "1");
  seeder.check(wish());
  await pass(50);
  assert.deepEqual(results, [{ kind: "equal" }]);
  stores.candidate.set("a", "2");
  seeder.check(wish());
  await pass(900);
  assert.equal(results.length, 1, "not yet");
  await pass(200);
  assert.deepEqual(results[1], { kind: "different", findings: [{ section: "rows", keys: ["a"] }] });
  let count = 0;
  hooks.onDigest = (arm) => {
    if (arm === "control") stores.control.set("a", `w${++count}`);
  };
  seeder.check(wish());
  await pass(1_200);
  assert.deepEqual(results[2], { kind: "none" });
});

test("shadow J1, J3: while a turn is open nothing is seeded or checked, however silent it is", async () => {
  const { seeder, stores, told, calls, state, pass } = open();
  stores.control.set("a", "said, and not yet answered");
  state.isBusy = true;
  seeder.check(wish());
  seeder.seed(wish());
  await pass(2_000);
  assert.deepEqual(told.sort(), ["later check ann", "later seed ann"]);
  assert.deepEqual(calls, []);
});

test("shadow J3: a turn that begins while a check looks, or a write, makes it say nothing", async () => {
  for (const begin of ["turn", "write"] as const) {
    const { seeder, stores, told, results, state, pass } = open();
    stores.control.set("a", "1");
    seeder.check(wish());
    await pass(500);
    if (begin === "turn") state.isBusy = true;
    else state.lastWriteMs = 1;
    await pass(1_000);
    assert.deepEqual(results, [], "both stay as they are for as long as the arm thinks");
    assert.deepEqual(told, ["later check ann"]);
  }
});

test("shadow J1: at most twenty a second and four beside each other; checks go first, and what waits is dropped at the stop", async () => {
  const { seeder, told, hooks, pass, most, clock } = open();
  const gate = Promise.withResolvers<void>();
  hooks.gate = gate.promise;
  for (let at = 0; at < 50; at++) seeder.seed(wish(`g${at}`));
  await pass(1_000);
  assert.equal(most(), 4);
  assert.equal(seeder.waiting, 46);
  seeder.check(wish("checked"));
  gate.resolve();
  await pass(100);
  assert.ok(told.includes("checked checked: equal"));
  const before = told.length;
  await pass(1_000);
  assert.ok(told.length - before <= 21, `${told.length - before} in a second`);
  seeder.stop();
  assert.equal(seeder.waiting, 0);
  const atStop = told.length;
  await pass(1_000);
  assert.ok(told.length - atStop <= 4, "only what was under way");
  assert.equal(clock.pending, 0);
});

test("shadow K6: a section into which live models write is not compared", async () => {
  const { seeder, stores, results, state, pass } = open();
  stores.control.set("a", "1");
  state.leftOut = new Set(["rows"]);
  seeder.check(wish());
  await pass(50);
  state.leftOut = new Set(["others"]);
  seeder.check(wish());
  await pass(1_100);
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ["equal", "different"],
  );
});
