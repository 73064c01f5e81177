import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { UnitArmTotals } from "./ports.ts";
import { addSample, deriveRates, quantile, RATE_WINDOW_MS, type TotalsSample, windowOf } from "./rates.ts";

const totals = (requests: number, errors = 0, counts: readonly number[] = [0, 0, 0]): UnitArmTotals => ({
  unit: "tutoring",
  arm: "candidate",
  requests,
  errors,
  sockets: 7,
  durationBuckets: [0.1, 0.5, 1].map((upperSeconds, at) => ({ upperSeconds, count: counts[at] ?? 0 })),
});
const ringOf = (...rows: readonly (readonly [atMs: number, row: UnitArmTotals])[]): readonly TotalsSample[] =>
  rows.reduce<readonly TotalsSample[]>((ring, [atMs, row]) => addSample(ring, { atMs, totals: [row] }), []);
const only = (ring: readonly TotalsSample[]) => {
  const [rates, ...more] = deriveRates(ring);
  assert.ok(rates);
  assert.equal(more.length, 0);
  return rates;
};

test("one sample says nothing about a rate, but knows the sockets", () => {
  const rates = only(ringOf([0, totals(500)]));
  assert.deepEqual([rates.requestsPerSecond, rates.errorRatio, rates.p95Ms, rates.sockets], [null, null, null, 7]);
});

test("rates are what was added within the window, not since the start", () => {
  const rates = only(ringOf([0, totals(1_000, 10)], [30_000, totals(1_300, 16)], [60_000, totals(1_600, 22)]));
  assert.equal(rates.requests, 600);
  assert.equal(rates.requestsPerSecond, 10);
  assert.equal(rates.errors, 12);
  assert.equal(rates.errorRatio, 0.02);
});

test("samples older than the window leave the ring", () => {
  const ring = ringOf([0, totals(0)], [1_000, totals(5)], [RATE_WINDOW_MS + 500, totals(9)]);
  assert.deepEqual(
    ring.map((sample) => sample.atMs),
    [1_000, RATE_WINDOW_MS + 500],
  );
  assert.equal(windowOf(ring), RATE_WINDOW_MS - 500);
});

test("a worker that restarted makes no rate, neither negative nor huge", () => {
  const rates = only(ringOf([0, totals(1_000)], [1_000, totals(1_010)], [2_000, totals(600)], [3_000, totals(620)]));
  assert.equal(rates.requests, 30);
  assert.equal(rates.requestsPerSecond, 15);
});

test("p95 lies inside the bucket that holds the 95th request", () => {
  const rates = only(ringOf([0, totals(0)], [1_000, totals(100, 0, [90, 100, 100])]));
  assert.equal(rates.p95Ms, 300);
  assert.equal(rates.isP95Floor, false);
});

test("p95 beyond the last bucket is a floor, and says so", () => {
  const rates = only(ringOf([0, totals(0)], [1_000, totals(100, 0, [10, 20, 30])]));
  assert.equal(rates.p95Ms, 1_000);
  assert.equal(rates.isP95Floor, true);
});

test("a last bucket without edge counts like the total", () => {
  const buckets = new Map([
    [0.1, 50],
    [Number.POSITIVE_INFINITY, 100],
  ]);
  assert.deepEqual(quantile(0.95, 0, buckets), { seconds: 0.1, isFloor: true });
  assert.deepEqual(quantile(0.25, 0, buckets), { seconds: 0.05, isFloor: false });
});

test("whatever the counters do, rates are finite, shares lie in 0 … 1, and the ring stays bounded", () => {
  const step = fc.record({
    waitMs: fc.integer({ min: 1, max: 90_000 }),
    requests: fc.nat(1_000),
    errors: fc.nat(50),
    isRestart: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      let atMs = 0;
      let [requests, errors] = [0, 0];
      let ring: readonly TotalsSample[] = [];
      for (const { waitMs, requests: more, errors: bad, isRestart } of steps) {
        atMs += waitMs;
        requests = isRestart ? more : requests + more;
        errors = isRestart ? Math.min(bad, more) : errors + Math.min(bad, more);
        ring = addSample(ring, { atMs, totals: [totals(requests, errors, [requests, requests, requests])] });
      }
      assert.ok(ring.length <= 121);
      for (const rates of deriveRates(ring)) {
        assert.ok(
          rates.requestsPerSecond === null ||
            (Number.isFinite(rates.requestsPerSecond) && rates.requestsPerSecond >= 0),
        );
        assert.ok(rates.errorRatio === null || (rates.errorRatio >= 0 && rates.errorRatio <= 1));
        assert.ok(rates.p95Ms === null || (rates.p95Ms >= 0 && rates.p95Ms <= 1_000));
      }
    }),
    {
      numRuns: 200,
      // Found once: a restart whose counters have overtaken the old ones.
      examples: [
        [
          [
            { waitMs: 1, requests: 1, errors: 0, isRestart: false },
            { waitMs: 1, requests: 2, errors: 2, isRestart: true },
          ],
        ],
      ],
    },
  );
});
