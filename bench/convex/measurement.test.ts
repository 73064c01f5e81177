import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeGoals } from "../lib/goals.ts";
import { timeRow } from "./measurement.ts";

test("a time is the median of its rounds, its ratio the wanted time over it", () => {
  const row = timeRow([2, 4, 5], { goal: [4, 4, 4] });
  assert.deepEqual([row.absolute, row.unit], [4, "ms"]);
  assert.deepEqual([row.ratios, row.spread], [{ goal: 1 }, { goal: [0.8, 2] }]);
});

test("takes among many are judged by their time and by how much longer they last than among few", () => {
  const outcomes = (many: number) =>
    judgeGoals("convex", { "take-10-of-50000": timeRow([many], { "take-10-of-1000": [0.1] }) }, 2)
      .filter(({ id }) => id === "P10.1")
      .map(({ outcome }) => outcome);
  assert.deepEqual(outcomes(0.15), ["met", "met"]);
  assert.deepEqual(outcomes(0.2), ["met", "missed"]);
  assert.deepEqual(outcomes(0.3), ["missed", "missed"]);
});
