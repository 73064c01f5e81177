import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clamp, isExactInteger, r0, r1, r2, r4, r6, roundTo } from "./numbers.ts";

test("halves go up, also below zero, where libraries differ", () => {
  assert.deepEqual([r0(0.5), r0(1.5), r0(2.5), r0(-0.5), r0(-1.5)], [1, 2, 3, 0, -1]);
  assert.equal(r2(0.125), 0.13);
  assert.equal(r1(66.66666666666667), 66.7);
});

test("the formula is taken literally where doubles are not exact", () => {
  // 1.005·100 is 100.49999999999999: correct decimal rounding would give 1.01.
  assert.equal(r2(1.005), 1);
  assert.equal(r4(0.00005), 0.0001);
  assert.equal(r6(1 / 3), 0.333333);
});

test("rounding moves a value by half a unit at most and is stable", () => {
  fc.assert(
    fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(0, 1, 2, 4, 6), (x, n) => {
      const rounded = roundTo(x, n);
      assert.ok(Math.abs(rounded - x) <= 0.5 / 10 ** n + 1e-9);
      assert.equal(rounded, Math.floor(x * 10 ** n + 0.5) / 10 ** n);
    }),
  );
});

test("clamping keeps the bounds, and exact integers end at 2^53", () => {
  assert.deepEqual([clamp(-1, 0, 1), clamp(2, 0, 1), clamp(0.5, 0, 1)], [0, 1, 0.5]);
  assert.ok(isExactInteger(2 ** 53 - 1));
  for (const x of [2 ** 53, 0.5, "1", true, Number.NaN]) assert.ok(!isExactInteger(x));
});
