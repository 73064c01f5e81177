import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeGoals } from "../lib/goals.ts";
import { growthOf, growthRows } from "./growth.ts";

const series = (value: (at: number) => number): number[] => Array.from({ length: 200 }, (_, at) => value(at));
const memory = (values: readonly number[]) => values.map((bytes) => ({ keptBytes: bytes, residentBytes: 100 }));

test("memory that goes up and down where it is shows no growth", () => {
  assert.equal(growthOf(series((at) => 100 + (at % 10))), 1);
});

test("a slow rise shows under what goes up and down", () => {
  const growth = growthOf(series((at) => 100 + at + (at % 10)));
  assert.ok(growth > 1.4 && growth < 1.8, `${growth}`);
});

test("too few samples are refused rather than judged", () => {
  assert.throws(() => growthOf([1, 2, 3]), RangeError);
});

test("the goal is met up to five per cent and missed above", () => {
  const outcomeOf = (second: number) =>
    judgeGoals("convex-soak", growthRows(memory(series((at) => (at < 100 ? 100 : second))), "soak"), 2)[0]?.outcome;
  assert.deepEqual([outcomeOf(105), outcomeOf(106)], ["met", "missed"]);
});
