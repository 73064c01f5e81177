import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bound, boundsText, coveragePercent, duration, limitText, milliseconds, shortMoment } from "./format.ts";

test("bounds have two digits and promise no more than they hold", () => {
  assert.deepEqual([bound(0.0002377, "up"), bound(0.00014978, "up"), bound(0.0231, "down")], ["0.024", "0.015", "2.3"]);
  assert.deepEqual(
    [bound(0.361, "up"), bound(0, "down"), bound(1, "up"), bound(0.00024, "up")],
    ["37", "0", "100", "0.024"],
  );
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (ratio) => {
      const slack = 1e-9 * ratio * 100;
      assert.ok(Number(bound(ratio, "up")) >= ratio * 100 - slack);
      assert.ok(Number(bound(ratio, "down")) <= ratio * 100 + slack);
    }),
  );
});

test("a share of nothing found is a bound, any other one has its interval", () => {
  assert.equal(boundsText({ found: 0, of: 20_000, ratio: 0, low: 0, high: 0.00014978 }), "0 of 20 000: below 0.015 %");
  assert.equal(boundsText({ found: 9, of: 300, ratio: 0.03, low: 0.0138, high: 0.0562 }), "3.00 % (1.3–5.7)");
});

test("coverage is rounded down: what is below its limit does not look as if it were not", () => {
  assert.deepEqual([0.9499, 0.95, 0.9999, 1, null].map(coveragePercent), [
    "94.9 %",
    "95.0 %",
    "99.9 %",
    "100.0 %",
    "–",
  ]);
});

test("coverage of all but one of very many is not all", () => {
  assert.equal(coveragePercent((10 ** 9 - 1) / 10 ** 9), "99.9 %");
});

test("limits, durations and times are as short as they can be", () => {
  assert.deepEqual([0.005, 0.01, 0.95, 0.0025, null].map(limitText), ["0.5 %", "1.0 %", "95 %", "0.25 %", "–"]);
  assert.deepEqual([900, 90_000, 9_000_000, 172_800_000].map(duration), ["0.9 s", "1.5 min", "2.5 h", "2 d"]);
  assert.deepEqual([0.0119, 5.12, 927, 2_620, 41_000].map(milliseconds), [
    "0.012 ms",
    "5.1 ms",
    "927 ms",
    "2 620 ms",
    "41 s",
  ]);
  assert.equal(shortMoment(Date.UTC(2026, 10, 9, 6, 5)), "9 Nov 06:05");
  assert.doesNotThrow(() => shortMoment(Number.MAX_SAFE_INTEGER));
});
