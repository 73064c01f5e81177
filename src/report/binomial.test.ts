import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { betaShare, comparisonsFor, exactBounds } from "./binomial.ts";

const near = (actual: number, expected: number, relative = 1e-6): void =>
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual} is not ${expected}`);

/** Added up term by term, as the definition says. */
function atLeast(found: number, of: number, p: number): number {
  let [term, sum] = [(1 - p) ** of, 0];
  for (let k = 0; k <= of; k++) {
    if (k >= found) sum += term;
    term *= ((of - k) / (k + 1)) * (p / (1 - p));
  }
  return sum;
}

test("intervals are those that Clopper and Pearson's method has in the books", () => {
  const known = [
    [1, 10, 0.00252858, 0.445016],
    [5, 10, 0.187086, 0.812914],
    [10, 100, 0.0490047, 0.1762226],
    [682, 925, 0.7076683, 0.7654066],
  ] as const;
  for (const [found, of, low, high] of known) {
    const bounds = exactBounds(found, of);
    near(bounds.low, low, 1e-5);
    near(bounds.high, high, 1e-5);
  }
});

test("where nothing was found the bound is the exact one-sided one, about 3 of n", () => {
  near(exactBounds(0, 20_000).high, 1 - 0.05 ** (1 / 20_000));
  near(exactBounds(0, 12_602).high, 3 / 12_602, 0.002);
  assert.equal(exactBounds(0, 3_000).high < 0.001, true, "0 of 3 000: below 0.1 %");
  near(exactBounds(10, 10).low, 0.05 ** (1 / 10));
  assert.deepEqual(exactBounds(0, 0), { low: 0, high: 1 });
});

test("the probability of at least k is the sum of its terms", () => {
  const counts = fc
    .integer({ min: 1, max: 60 })
    .chain((of) => fc.tuple(fc.integer({ min: 1, max: of }), fc.constant(of)));
  fc.assert(
    fc.property(counts, fc.double({ min: 0.001, max: 0.999, noNaN: true }), ([found, of], p) => {
      const expected = atLeast(found, of, p);
      assert.ok(Math.abs(betaShare(p, found, of - found + 1) - expected) < 1e-9 + 1e-9 * expected);
    }),
  );
});

test("an interval holds its share, and leaves 2.5 % on either side", () => {
  const counts = fc
    .integer({ min: 2, max: 5_000_000 })
    .chain((of) => fc.tuple(fc.integer({ min: 1, max: Math.min(of - 1, 100_000) }), fc.constant(of)));
  fc.assert(
    fc.property(counts, ([found, of]) => {
      const { low, high } = exactBounds(found, of);
      assert.ok(0 < low && low < found / of && found / of < high && high < 1);
      near(betaShare(low, found, of - found + 1), 0.025, 1e-4);
      near(1 - betaShare(high, found + 1, of - found), 0.025, 1e-4);
    }),
    { numRuns: 60 },
  );
});

test("the fewest comparisons that are enough are enough, and one less is not", () => {
  const limits = fc.double({ min: 0.0005, max: 0.2, noNaN: true });
  fc.assert(
    fc.property(fc.nat(40), limits, (found, limit) => {
      const of = comparisonsFor(found, limit);
      assert.ok(exactBounds(found, of).high <= limit * (1 + 1e-9));
      assert.ok(exactBounds(found, of - 1).high > limit * (1 - 1e-9));
    }),
    { numRuns: 60 },
  );
  assert.equal(comparisonsFor(0, 0.001), 2_995);
  assert.equal(comparisonsFor(3, 1), 3);
  assert.equal(comparisonsFor(0, 0), 1e12);
});
