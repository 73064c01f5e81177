import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { createContinuity } from "./continuity.ts";
import type { Continuity, ContinuityState, SeatState } from "./ports.ts";
import { type ContinuityBench, makeContinuityBench } from "./testing/bench.ts";

function begin(bench: ContinuityBench): { continuity: Continuity; state: ContinuityState & SeatState } {
  const state = bench.open();
  const { clock, metrics, log } = bench;
  const continuity = createContinuity({
    carrier: bench.arms.carrier,
    state,
    clock,
    metrics,
    log,
    decide: () => "control",
  });
  continuity.start();
  return { continuity, state };
}

function started(t: TestContext) {
  const bench = makeContinuityBench(t);
  return { bench, ...begin(bench) };
}

const values = (store: { rows: ReadonlyMap<string, { value: string }> }): Record<string, string> =>
  Object.fromEntries([...store.rows].map(([key, { value }]) => [key, value] as const).sort());

test("what one arm writes is at the other, both ways, and nothing goes round in circles", async (t) => {
  const { bench, continuity } = started(t);
  const { control, candidate } = bench.arms;
  for (let i = 0; i < 2_500; i++) control.write("ann", `a${i}`, "x");
  candidate.write("bob", "b", "y");
  await bench.until(() => candidate.rows.size === 2_501 && control.rows.size === 2_501);
  assert.deepEqual(values(control), values(candidate));
  control.write("ann", "a1", "newer");
  await bench.until(() => candidate.rows.get("a1")?.value === "newer");
  const seqs = [control.seq, candidate.seq];
  bench.clock.advance(5_000);
  await bench.until(() => true);
  assert.deepEqual([control.seq, candidate.seq], seqs, "at rest nothing is written");
  assert.equal(await bench.counted("switchyard_relay_conflicts_total"), 0);
  const [relay] = continuity.status.relays;
  assert.ok(relay?.isWhole && (relay.lagMs ?? 1e9) < 1_000, JSON.stringify(relay));
  await continuity.stop();
});

test("a relay that ends between apply and cursor does it again, which changes nothing", async (t) => {
  const { bench, continuity, state } = started(t);
  const { arms } = bench;
  await bench.until(() => continuity.status.relays.every((relay) => relay.isWhole));
  await continuity.stop();
  arms.onApplied = () => {
    throw new Error("killed");
  };
  const second = begin(bench);
  arms.control.write("ann", "a", "1");
  await bench.until(() => arms.candidate.rows.has("a"));
  await second.continuity.stop();
  arms.onApplied = () => undefined;
  assert.notEqual(state, second.state);
  const third = begin(bench);
  await bench.until(() => third.state.direction("control").cursor === arms.control.seq);
  assert.deepEqual(values(arms.control), values(arms.candidate));
  assert.equal(await bench.counted("switchyard_relay_conflicts_total"), 0);
  await third.continuity.stop();
});

test("an arm that is away is tried again with growing pauses, and the lag says so", async (t) => {
  const { bench, continuity } = started(t);
  await bench.until(() => continuity.status.relays.every((relay) => relay.isWhole));
  bench.arms.fail("relay", "unavailable");
  bench.arms.control.write("ann", "a", "1");
  const sinceMs = bench.clock.monotonic();
  await bench.until(() => bench.clock.monotonic() - sinceMs > 60_000);
  const [relay] = continuity.status.relays;
  assert.ok((relay?.lagMs ?? 0) >= 59_000, `${relay?.lagMs}`);
  assert.match(relay?.failure ?? "", /relay fails/);
  const failures = await bench.counted("switchyard_relay_failures_total");
  assert.ok(failures > 10 && failures < 60, `${failures} attempts of two relays in a minute`);
  assert.equal(
    bench.events.filter(([name]) => name === "relay.failed").length,
    2,
    "told once each, not at every attempt",
  );
  bench.arms.fail("relay", null);
  await bench.until(() => bench.arms.candidate.rows.has("a"));
  assert.equal(continuity.status.relays[0]?.failure, null);
  await continuity.stop();
});

test("a lost cursor: all subjects are copied, resumed by the next process, and only then it is whole again", async (t) => {
  const { bench, continuity, state } = started(t);
  const { arms } = bench;
  for (let i = 0; i < 12; i++) arms.control.write(`user${String(i).padStart(2, "0")}`, `k${i}`, "1");
  arms.control.horizon = 5;
  arms.fail("copy", "unavailable");
  await bench.until(() => continuity.status.copies.length === 1);
  assert.equal(continuity.isMovable("user03", "control"), false);
  arms.fail("copy", null);
  arms.copiesMax = 8;
  await continuity.copy("user03", "control");
  assert.equal(continuity.isMovable("user03", "control"), true, "one by one they are movable");
  assert.equal(continuity.isMovable("user04", "control"), false);
  await bench.until(() => (state.copyRun("control")?.done ?? 0) >= 4);
  await continuity.stop();
  arms.copiesMax = Number.POSITIVE_INFINITY;
  const doneBefore = arms.copied.length;
  const second = begin(bench);
  assert.equal(second.continuity.status.relays[0]?.isWhole, false);
  await bench.until(() => second.continuity.status.copies.length === 0);
  assert.ok(arms.copied.length - doneBefore < 12, "it goes on where it was");
  assert.equal(second.continuity.isMovable("user11", "control"), true);
  assert.deepEqual(values(arms.candidate), values(arms.control));
  assert.ok(bench.events.some(([name]) => name === "copy.done"));
  await second.continuity.stop();
});

test("a conflict is counted, named by section and key, and both arms end alike", async (t) => {
  const bench = makeContinuityBench(t);
  bench.arms.control.write("ann", "a", "of control");
  bench.arms.candidate.write("ann", "a", "of candidate");
  const { continuity } = begin(bench);
  await bench.until(() => continuity.status.relays.every((relay) => relay.isWhole));
  assert.deepEqual(values(bench.arms.control), { a: "of control" });
  assert.deepEqual(values(bench.arms.candidate), { a: "of control" });
  assert.ok((await bench.counted("switchyard_relay_conflicts_total")) >= 1);
  const [, fields] = bench.events.find(([name]) => name === "relay.conflict") ?? [];
  assert.deepEqual([fields?.["section"], fields?.["key"]], ["rows", "a"]);
  assert.doesNotMatch(JSON.stringify(bench.events), /of control|of candidate/);
  await continuity.stop();
});

test("a carry brings what the relay has not, and a check says where two arms differ", async (t) => {
  const { bench, continuity } = started(t);
  const { arms } = bench;
  await bench.until(() => continuity.status.relays.every((relay) => relay.isWhole));
  bench.arms.fail("relay", "unavailable");
  arms.control.write("ann", "a", "1");
  arms.control.write("bob", "b", "1");
  const { signal } = new AbortController();
  const before = await continuity.verify("ann", signal);
  assert.deepEqual(before, {
    subject: "ann",
    isEqual: false,
    sections: [{ section: "rows", control: 1, candidate: 0 }],
    rows: [{ section: "rows", key: "a", what: "only on control" }],
  });
  assert.equal((await continuity.carry("ann", "control", signal)).applied, 1);
  assert.deepEqual([...arms.candidate.rows.keys()], ["a"]);
  assert.equal((await continuity.verify("ann", signal)).isEqual, true);
  arms.candidate.write("bob", "c", "2");
  assert.equal((await continuity.repair("bob", signal)).isEqual, true);
  assert.deepEqual(values(arms.control), values(arms.candidate));
  await continuity.stop();
});

test("the file of the state is its owner's, survives, and is refused when another version wrote it", async (t) => {
  const bench = makeContinuityBench(t);
  const state = bench.open();
  state.saveDirection("control", { cursor: 2 ** 52 + 1, isWhole: true });
  state.markCopied("ann", "candidate");
  state.close();
  assert.equal(statSync(bench.file).mode & 0o777, 0o600);
  const again = bench.open();
  assert.deepEqual(again.direction("control"), { cursor: 2 ** 52 + 1, isWhole: true });
  assert.deepEqual(again.direction("candidate"), { cursor: 0, isWhole: false });
  assert.deepEqual([again.isCopied("ann", "candidate"), again.isCopied("ann", "control")], [true, false]);
  again.close();
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(bench.file);
  db.exec("PRAGMA user_version = 9");
  db.close();
  assert.throws(() => bench.open(), /format 9, expected 1/);
});

test("random writes, failures and ends of the process: at rest both arms hold the same", async (t) => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("write" as const),
      arm: fc.constantFrom("control" as const, "candidate" as const),
      key: fc.nat(5),
    }),
    fc.constant({ do: "restart" as const }),
    fc.constant({ do: "crash" as const }),
    fc.constant({ do: "wait" as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const bench = makeContinuityBench(t);
      const { arms } = bench;
      let running = begin(bench);
      let writes = 0;
      for (const one of steps) {
        // One writer a key, as units guarantee it: keys of control and of candidate differ.
        if (one.do === "write") arms[one.arm].write(`u${one.key % 2}`, `${one.arm} ${one.key}`, `v${writes++}`);
        if (one.do === "crash") arms.onApplied = () => assert.fail("killed");
        if (one.do === "wait") bench.clock.advance(250);
        if (one.do === "restart") {
          await running.continuity.stop();
          arms.onApplied = () => undefined;
          running = begin(bench);
        }
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      arms.onApplied = () => undefined;
      await bench.until(() =>
        (["control", "candidate"] as const).every((arm) => running.state.direction(arm).cursor === arms[arm].seq),
      );
      await running.continuity.stop();
      assert.deepEqual(values(arms.control), values(arms.candidate));
      assert.equal(await bench.counted("switchyard_relay_conflicts_total"), 0);
    }),
    { numRuns: 60 },
  );
});
