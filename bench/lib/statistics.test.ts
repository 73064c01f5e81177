import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { median, quantile, ratioByRound } from "./statistics.ts";

const figures = fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });

test("the median is the middle value, of an even number the mean of the two in the middle", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([1, 2, 4, 100]), 3);
  assert.throws(() => median([]), RangeError);
});

test("the median does not depend on the order and lies between the extremes", () => {
  fc.assert(
    fc.property(figures, (values) => {
      const middle = median(values);
      assert.equal(median([...values].reverse()), middle);
      assert.ok(middle >= Math.min(...values) && middle <= Math.max(...values));
    }),
  );
});

test("a disturbance that hits both sides of a round leaves the ratio alone", () => {
  fc.assert(
    fc.property(figures, fc.integer({ min: 2, max: 9 }), (values, factor) => {
      const { ratio, spread } = ratioByRound(
        values.map((value) => value * factor),
        values,
      );
      for (const one of [ratio, ...spread]) assert.ok(Math.abs(one - factor) < 1e-9);
    }),
  );
});

test("the spread holds the least and the greatest ratio of a round", () => {
  assert.deepEqual(ratioByRound([2, 9, 4], [1, 3, 4]), { ratio: 2, spread: [1, 3] });
  assert.throws(() => ratioByRound([1], [1, 2]), RangeError);
});

test("a quantile is a value that was measured, by nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(quantile(hundred, 0.5), 50);
  assert.equal(quantile(hundred, 0.99), 99);
  assert.equal(quantile([7], 0.01), 7);
});
