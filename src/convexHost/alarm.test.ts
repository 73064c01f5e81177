import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createAlarm, STEP_MAX_MS, stepTo } from "./alarm.ts";
import { createManualTime } from "./testing/manualTime.ts";

const DAY_MS = 86_400_000;

function setUp() {
  const time = createManualTime(1_700_000_000_000);
  const rungAtMs: number[] = [];
  const alarm = createAlarm({ clock: time.clock, timers: time.timers, ring: () => rungAtMs.push(time.clock()) });
  return { time, alarm, rungAtMs, startMs: time.clock() };
}

test("a job in 40 days rings in 40 days and not now", async () => {
  const { time, alarm, rungAtMs, startMs } = setUp();
  alarm.set(startMs + 40 * DAY_MS);
  await time.advance(1_000);
  assert.deepEqual(rungAtMs, []);
  time.jump(40 * DAY_MS - 1_000 - STEP_MAX_MS);
  await time.advance(STEP_MAX_MS - 1);
  assert.deepEqual(rungAtMs, []);
  await time.advance(1);
  assert.deepEqual(rungAtMs, [startMs + 40 * DAY_MS]);
});

test("every step is within what a timer can hold, and never negative", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e15, max: 1e15, noNaN: true }),
      fc.double({ min: -1e15, max: 1e15, noNaN: true }),
      (at, now) => {
        const step = stepTo(at, now);
        return Number.isInteger(step) && step >= 0 && step <= 2 ** 31 - 1 && (step > 0 || at <= now);
      },
    ),
  );
});

test("a moment that has passed rings at once, but not from within set", async () => {
  const { time, alarm, rungAtMs, startMs } = setUp();
  alarm.set(startMs - 5_000);
  assert.deepEqual(rungAtMs, []);
  await time.advance(1);
  assert.equal(rungAtMs.length, 1);
});

test("a later setting takes the place of the earlier one, and null calls it off", async () => {
  const { time, alarm, rungAtMs, startMs } = setUp();
  alarm.set(startMs + 10);
  alarm.set(startMs + 500);
  await time.advance(100);
  assert.deepEqual(rungAtMs, []);
  alarm.set(null);
  await time.advance(1_000);
  assert.deepEqual(rungAtMs, []);
  assert.equal(time.waiting, 0);
});

test("after the machine slept, it rings within one step of waking", async () => {
  const { time, alarm, rungAtMs, startMs } = setUp();
  alarm.set(startMs + 10 * DAY_MS);
  time.jump(20 * DAY_MS);
  await time.advance(STEP_MAX_MS);
  assert.equal(rungAtMs.length, 1);
});

test("does not ring before its time when the clock is set back", async () => {
  const { time, alarm, rungAtMs, startMs } = setUp();
  alarm.set(startMs + 30_000);
  time.jump(-3_600_000);
  await time.advance(30_000);
  assert.deepEqual(rungAtMs, []);
  await time.advance(3_600_000);
  assert.deepEqual(rungAtMs, [startMs + 30_000]);
});
