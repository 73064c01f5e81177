import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { benjaminiHochberg, mcnemarExact, shareInterval } from "./exactTest.ts";

/** Straight from the definition, in whole numbers. */
function tail(here: number, pairs: number): number {
  let [choose, sum] = [1n, 0n];
  for (let k = 0; k <= pairs; k++) {
    if (k >= here) sum += choose;
    choose = (choose * BigInt(pairs - k)) / BigInt(k + 1);
  }
  return Number((sum * 10n ** 18n) / 2n ** BigInt(pairs)) / 1e18;
}

test("McNemar's exact test is the tail of fair coins", () => {
  fc.assert(
    fc.property(fc.nat({ max: 60 }), fc.nat({ max: 60 }), (here, there) => {
      assert.ok(Math.abs(mcnemarExact(here, there) - tail(here, here + there)) < 1e-9, `${here} ${there}`);
    }),
  );
  assert.ok(mcnemarExact(600, 0) < 1e-150);
  assert.ok(Math.abs(mcnemarExact(50_000, 50_000) - 0.5) < 0.01);
});

test("Benjamini–Hochberg holds the largest rank below its line and all before it", () => {
  assert.deepEqual(benjaminiHochberg([0.04, 0.001, 0.3, 0.02], 0.05), [false, true, false, true]);
  // The third is below its own line, so the second, above hers, is held with it.
  assert.deepEqual(benjaminiHochberg([0.01, 0.035, 0.036, 0.9], 0.05), [true, true, true, false]);
  assert.deepEqual(benjaminiHochberg([], 0.05), []);
});

test("an interval holds the share, and for none of n is the rule of three", () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000 }), fc.integer({ min: 1, max: 1_000 }), (found, more) => {
      const of = found + more;
      const { low, high } = shareInterval(found, of);
      assert.ok(low <= found / of && found / of <= high);
    }),
  );
  assert.equal(shareInterval(0, 20_000).high.toFixed(5), "0.00015");
});
