import assert from "node:assert/strict";
import { test } from "node:test";
import { type FeltRound, feltRow, isVoid } from "./servedLatency.ts";

const rounds = (...pairs: readonly (readonly [on: number, off: number])[]): readonly FeltRound[] =>
  pairs.map(([on, off]) => ({ on: { p99Ms: on, stallMs: 0 }, off: { p99Ms: off, stallMs: 0 } }));

test("rounds that differ by more than a tenth without a shadow say nothing of it", () => {
  assert.deepEqual([isVoid(rounds([5, 2], [9, 2.2])), isVoid(rounds([5, 2], [2, 2.21]))], [false, true]);
});

test("the ratio is that of the rounds, and more of it is better", () => {
  const row = feltRow(rounds([2, 1], [4, 4], [1, 2]), (felt) => felt.p99Ms);
  assert.deepEqual([row.ratios, row.spread, row.absolute], [{ "shadow-off": 1 }, { "shadow-off": [0.5, 2] }, 2]);
});

test("a loop that was never held up has a ratio too", () => {
  assert.deepEqual(feltRow(rounds([1, 1]), (felt) => felt.stallMs).ratios, { "shadow-off": 1 });
});
