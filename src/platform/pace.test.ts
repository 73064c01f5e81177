import assert from "node:assert/strict";
import { test } from "node:test";
import { createPace } from "./pace.ts";
import { createBackoff } from "./timing.ts";

test("all callers together get the rate, however many ask", async () => {
  const waits: number[] = [];
  const timing = { now: () => 0, sleep: async (ms: number) => void waits.push(ms), random: () => 0.5 };
  const pace = createPace(5, timing);
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 20 }, () => pace.turn(signal)));
  assert.deepEqual(
    waits,
    Array.from({ length: 20 }, (_, index) => index * 200),
  );
});

test("idle time is not saved up for a burst", async () => {
  let now = 0;
  const waits: number[] = [];
  const pace = createPace(5, { now: () => now, sleep: async (ms: number) => void waits.push(ms), random: () => 0.5 });
  const { signal } = new AbortController();
  await pace.turn(signal);
  now = 60_000;
  await pace.turn(signal);
  await pace.turn(signal);
  assert.deepEqual(waits, [0, 0, 200]);
});

test("a back-off doubles to its limit, begins again after a reset, and spreads with jitter", () => {
  const exact = createBackoff({ firstMs: 200, maxMs: 5_000, jitter: 0 });
  assert.deepEqual(
    Array.from({ length: 7 }, () => exact.next()),
    [200, 400, 800, 1_600, 3_200, 5_000, 5_000],
  );
  exact.reset();
  assert.equal(exact.next(), 200);
  assert.equal(createBackoff({ firstMs: 1_000, maxMs: 5_000, jitter: 1 }, () => 0.25).next(), 750);
});
