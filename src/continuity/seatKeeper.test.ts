import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Arm, SeatOrder } from "../kernel/index.ts";
import { createContinuity } from "./continuity.ts";
import type { SeatMember } from "./ports.ts";
import { type ContinuityBench, makeContinuityBench } from "./testing/bench.ts";

const KEY = { unit: "lesson", subject: "ann" } as const;
const ASK = { type: "ask", ...KEY, downArms: [] } as const;

/** A continuity with one serving process that has nothing open and says so at once, unless it is told to be `mute`. */
function begin(bench: ContinuityBench, wanted: { arm: Arm }, process: { isMute: boolean } = { isMute: false }) {
  const { clock, metrics, log, arms } = bench;
  const continuity = createContinuity({
    carrier: arms.carrier,
    state: bench.open(),
    clock,
    metrics,
    log,
    decide: () => wanted.arm,
  });
  const orders: SeatOrder[] = [];
  const member: SeatMember = continuity.seats.join((order) => {
    orders.push(order);
    if (process.isMute) return;
    const { unit, subject } = KEY;
    if (order.type === "settle")
      queueMicrotask(() => member.report({ type: "quiet", unit, subject, round: order.round }));
    if (order.type === "hold") queueMicrotask(() => member.report({ type: "held", unit, subject, round: order.round }));
  });
  const seats = (): readonly (readonly [Arm, string])[] =>
    orders.flatMap((order) => (order.type === "seat" ? [[order.arm, order.reason] as const] : []));
  return { continuity, member, orders, seats };
}

async function relayed(t: TestContext, wanted: { arm: Arm }) {
  const bench = makeContinuityBench(t);
  bench.arms.control.write("ann", "a", "1");
  const begun = begin(bench, wanted);
  begun.continuity.start();
  await bench.until(() => begun.continuity.isMovable("ann", "control"));
  return { bench, ...begun };
}

test("who is wanted at the candidate is carried, seated, remembered over a restart, and checked twice", async (t) => {
  const wanted = { arm: "candidate" as Arm };
  const { bench, continuity, member, orders, seats } = await relayed(t, wanted);
  bench.arms.control.write("ann", "late", "just now");
  member.report(ASK);
  await bench.until(() => seats().length > 0);
  assert.deepEqual(seats(), [["candidate", "settling"]]);
  assert.equal(bench.arms.candidate.rows.get("late")?.value, "just now");
  assert.deepEqual(
    orders.map(({ type }) => type),
    ["guests", "settle", "hold", "guests", "seat"],
  );
  assert.equal(continuity.armOf(KEY), "candidate");
  bench.clock.advance(5_000);
  await bench.until(() => true);
  bench.clock.advance(55_000);
  await bench.until(() => true);
  assert.equal(await bench.counted("switchyard_relay_checks_total"), 2);
  assert.equal(await bench.counted("switchyard_relay_conflicts_total"), 0);
  await continuity.stop();
  const again = begin(bench, wanted);
  assert.deepEqual(again.orders, [{ type: "guests", unit: "lesson", hasAny: true }]);
  again.member.report(ASK);
  assert.deepEqual(again.seats(), [["candidate", "settling"]], "at once: nothing changes");
  assert.deepEqual(again.continuity.status.seats, { atCandidate: { lesson: 1 }, changing: 0, putOff: {} });
  await again.continuity.stop();
});

test("back to control: the rows of the candidate are there first; when it does not answer, it goes on without", async (t) => {
  const wanted = { arm: "candidate" as Arm };
  const { bench, continuity, member, seats } = await relayed(t, wanted);
  member.report(ASK);
  await bench.until(() => seats().length === 1);
  bench.arms.candidate.write("ann", "mine", "of candidate");
  wanted.arm = "control";
  member.report(ASK);
  await bench.until(() => seats().length === 2);
  assert.equal(bench.arms.control.rows.get("mine")?.value, "of candidate");
  wanted.arm = "candidate";
  member.report(ASK);
  await bench.until(() => seats().length === 3);
  bench.arms.fail("carry", "unavailable");
  wanted.arm = "control";
  member.report(ASK);
  await bench.until(() => seats().length === 4);
  assert.deepEqual(
    seats().map(([arm]) => arm),
    ["candidate", "control", "candidate", "control"],
  );
  assert.equal(await bench.counted("switchyard_move_behind_total"), 1);
  assert.ok(bench.events.some(([name]) => name === "carry.failed"));
  await continuity.stop();
});

test("forward a carry that fails leaves the subject at control, says so, and is tried again after its dwell", async (t) => {
  const { bench, continuity, member, orders, seats } = await relayed(t, { arm: "candidate" });
  bench.arms.fail("carry", "unavailable");
  member.report(ASK);
  await bench.until(() => seats().length === 1);
  assert.deepEqual(orders.at(-1), {
    type: "seat",
    ...KEY,
    arm: "control",
    stayMs: 5_000,
    reason: "not-carried",
  });
  assert.deepEqual(continuity.status.seats.putOff, { "carry-failed": 1 });
  bench.arms.fail("carry", null);
  member.report(ASK);
  assert.deepEqual(seats().at(-1), ["control", "not-carried"], "not before");
  bench.clock.advance(5_000);
  member.report(ASK);
  await bench.until(() => seats().at(-1)?.[0] === "candidate");
  await continuity.stop();
});

test("whose data was never at the candidate stays at control until the copy that this begins is done", async (t) => {
  const bench = makeContinuityBench(t);
  bench.arms.control.write("ann", "a", "1");
  const { continuity, member, seats } = begin(bench, { arm: "candidate" }); // no relay runs
  member.report(ASK);
  assert.deepEqual(seats(), [["control", "not-carried"]]);
  await bench.until(() => seats().length === 2);
  assert.equal(bench.arms.candidate.rows.get("a")?.value, "1");
  member.report(ASK);
  await bench.until(() => seats().at(-1)?.[0] === "candidate");
  assert.equal(continuity.armOf(KEY), "candidate");
  await continuity.stop();
});

test("a process that never answers delays forward until it is put off, and back until it is forced", async (t) => {
  const bench = makeContinuityBench(t);
  const wanted = { arm: "candidate" as Arm };
  const process = { isMute: true };
  const { continuity, member, orders, seats } = begin(bench, wanted, process);
  continuity.start();
  await bench.until(() => continuity.isMovable("ann", "control"));
  member.report(ASK);
  bench.clock.advance(15_000);
  assert.deepEqual(seats(), [["control", "settling"]]);
  process.isMute = false;
  bench.clock.advance(5_000);
  member.report(ASK);
  await bench.until(() => seats().length === 2);
  process.isMute = true;
  wanted.arm = "control";
  member.report(ASK);
  bench.clock.advance(75_000);
  assert.deepEqual(orders.at(-1)?.type, "hold");
  bench.clock.advance(2_000);
  await bench.until(() => seats().length === 3);
  assert.equal(seats().at(-1)?.[0], "control");
  assert.equal(await bench.counted("switchyard_move_finished_total"), 3);
  await continuity.stop();
});

test("not more than a hundred a second go forward; the others stay where they are for a moment", async (t) => {
  const { bench, continuity, member, orders } = await relayed(t, { arm: "candidate" });
  for (let i = 0; i < 101; i++) member.report({ type: "ask", unit: "lesson", subject: `s${i}`, downArms: [] });
  const settled = orders.filter(({ type }) => type === "settle").length;
  assert.equal(settled, 100);
  assert.deepEqual(orders.at(-1), {
    type: "seat",
    unit: "lesson",
    subject: "s100",
    arm: "control",
    stayMs: 500,
    reason: "settling",
  });
  bench.clock.advance(1_000);
  await continuity.stop();
});
