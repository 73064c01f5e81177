import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { align } from "./align.ts";

/** The least cost there is, by trying everything. */
function leastCost(one: string, other: string, gap: number): number {
  if (one === "" || other === "") return gap * (one.length + other.length);
  const pair = one[0] === other[0] ? 0 : 1;
  return Math.min(
    pair + leastCost(one.slice(1), other.slice(1), gap),
    gap + leastCost(one.slice(1), other, gap),
    gap + leastCost(one, other.slice(1), gap),
  );
}

test("alignment is complete, in order, and of least cost", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 6 }).map((marks) => marks.join(""));
  fc.assert(
    fc.property(text, text, (one, other) => {
      const found = align({
        lengths: [one.length, other.length],
        cost: (i, j) => (one[i] === other[j] ? 0 : 1),
        gapCost: 0.7,
        band: 64,
      });
      const left = found.flatMap(([i]) => (i === null ? [] : [i]));
      const right = found.flatMap(([, j]) => (j === null ? [] : [j]));
      assert.deepEqual(
        left,
        one.split("").map((_, i) => i),
      );
      assert.deepEqual(
        right,
        other.split("").map((_, j) => j),
      );
      const price = (i: number | null, j: number | null): number =>
        i === null || j === null ? 0.7 : Number(one[i] !== other[j]);
      const cost = found.reduce((sum, [i, j]) => sum + price(i, j), 0);
      assert.ok(Math.abs(cost - leastCost(one, other, 0.7)) < 1e-9, `${one} ${other}`);
    }),
  );
});

test("a long pair of sequences costs its length times the band", () => {
  let asked = 0;
  const found = align({
    lengths: [5_000, 4_990],
    cost: (i, j) => {
      asked += 1;
      return i === j ? 0 : Number.POSITIVE_INFINITY;
    },
    gapCost: 0.7,
    band: 64,
  });
  assert.equal(found.filter(([i, j]) => i === j).length, 4_990);
  assert.ok(asked <= 5_000 * 150, `${asked} prices asked for`);
});
