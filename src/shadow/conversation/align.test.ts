import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { align, type Alignment } from "./align.ts";

const gapCost = (): number => 0.7;

const alignTexts = <T>(one: readonly T[], other: readonly T[], pairsMax?: number): Alignment =>
  align({
    lengths: [one.length, other.length],
    cost: (i, j) => (one[i] === other[j] ? 0 : 1),
    gapCost,
    band: 64,
    ...(pairsMax === undefined ? {} : { pairsMax }),
  });

const isComplete = ({ pairs }: Alignment, n: number, m: number): void => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
  assert.deepEqual(
    pairs.flatMap(([i]) => (i === null ? [] : [i])),
    upTo(n),
  );
  assert.deepEqual(
    pairs.flatMap(([, j]) => (j === null ? [] : [j])),
    upTo(m),
  );
};

/** The least cost there is, by trying everything. */
function leastCost(one: readonly string[], other: readonly string[], gap: number): number {
  if (one.length === 0 || other.length === 0) return gap * (one.length + other.length);
  const pair = one[0] === other[0] ? 0 : 1;
  return Math.min(
    pair + leastCost(one.slice(1), other.slice(1), gap),
    gap + leastCost(one.slice(1), other, gap),
    gap + leastCost(one, other.slice(1), gap),
  );
}

test("alignment is complete, in order, and of least cost", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 6 });
  fc.assert(
    fc.property(text, text, (one, other) => {
      const found = alignTexts(one, other);
      isComplete(found, one.length, other.length);
      const price = (i: number | null, j: number | null): number =>
        i === null || j === null ? 0.7 : Number(one[i] !== other[j]);
      const cost = found.pairs.reduce((sum, [i, j]) => sum + price(i, j), 0);
      assert.ok(Math.abs(cost - leastCost(one, other, 0.7)) < 1e-9, `${one.join("")} ${other.join("")}`);
    }),
  );
});

test("the same twice is matched throughout, and what one side has more is a gap, wherever it stands", () => {
  const text = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(text, fc.nat(), (one, place) => {
      assert.ok(alignTexts(one, one).pairs.every(([i, j]) => i === j));
      const more = one.toSpliced(place % (one.length + 1), 0, 99);
      for (const found of [alignTexts(one, more), alignTexts(more, one)]) {
        const gaps = found.pairs.filter(([i, j]) => i === null || j === null);
        assert.equal(gaps.length, 1);
      }
    }),
  );
});

test("a long pair of sequences costs its length times the band, however their lengths differ", () => {
  const long = Array.from({ length: 20_000 }, (_, at) => at);
  // Every second one is there on both sides, so that nothing can be stripped and the diagonal is slanted.
  const half = long.filter((at) => at % 2 === 1).map((at) => (at % 5 === 0 ? -at : at));
  // Its own time: other tests share the machine.
  const before = process.threadCpuUsage();
  const found = alignTexts(half, long);
  const tookMs = process.threadCpuUsage(before).user / 1_000;
  isComplete(found, 10_000, 20_000);
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
  assert.ok(found.unaligned > 0 && found.unaligned < 20_000);
  let asked = 0;
  align({ lengths: [10_000, 20_000], cost: () => (asked++, 1), gapCost, band: 64, pairsMax: 100_000 });
  assert.ok(asked <= 100_000 + 30_000, `${asked} prices asked for`);
});

test("10,000 messages too many at one place are 10,000 gaps and nothing else", () => {
  const one = Array.from({ length: 10_000 }, (_, at) => `m${at}`);
  const more = one.toSpliced(4_000, 0, ...one.map((name) => `x${name}`));
  const startMs = performance.now();
  const { pairs, unaligned } = alignTexts(one, more);
  assert.ok(performance.now() - startMs < 1_000);
  assert.equal(pairs.filter(([i, j]) => i !== null && one[i] === more[j ?? -1]).length, 10_000);
  assert.deepEqual([pairs.length, unaligned], [20_000, 0]);
});

test("what is behind the most pairs that are tried goes by its position, and is counted", () => {
  const one = Array.from({ length: 1_000 }, (_, at) => at);
  const other = one.map((at) => (at % 2 === 0 ? -1 - at : at)).toSpliced(0, 1);
  const found = alignTexts(one, other, 50_000);
  isComplete(found, 1_000, 999);
  assert.ok(found.unaligned > 0 && found.unaligned < 2_000);
  assert.equal(alignTexts(one, other).unaligned, 0);
});
