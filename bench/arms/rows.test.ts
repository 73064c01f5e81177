import assert from "node:assert/strict";
import { test } from "node:test";
import { ARM_OPERATIONS, judgeGoals } from "../lib/goals.ts";
import type { Figure } from "../lib/rows.ts";
import { armRows } from "./rows.ts";

const figure = (perSecond: number): Figure => ({
  perSecond,
  perCpuSecond: perSecond * 2,
  coresUsed: 1,
  upstreamCoresUsed: 0,
});
/** Two rounds of every operation; the candidate of the first is slower than legacy. */
const measured = new Map(
  ARM_OPERATIONS.map((operation, at) => [
    operation as string,
    new Map([
      ["legacy", [figure(100), figure(200)]],
      ["candidate", at === 0 ? [figure(50), figure(100)] : [figure(1_600), figure(3_200)]],
    ]),
  ]),
);
const rows = armRows(measured, Object.fromEntries(ARM_OPERATIONS.map((name) => [name, "requests"])));

test("the candidate is compared with legacy at the same operation, round by round", () => {
  assert.deepEqual(rows["candidate-folder-list"]?.ratios, { "legacy-folder-list": 16 });
  assert.deepEqual(rows["candidate-session-create-cpu"]?.ratios, { "legacy-session-create": 0.5 });
  assert.deepEqual(rows["legacy-folder-list"]?.ratios, {});
  assert.equal(rows["legacy-folder-list"]?.unit, "requests/s");
});

test("the geometric mean weighs every operation alike", () => {
  const mean = rows["candidate-geometric-mean"]?.ratios["legacy-geometric-mean"] ?? 0;
  assert.ok(Math.abs(mean - 8) < 0.01, `${mean}`); // ⁵√(0.5 · 16⁴)
});

test("one slower operation misses its goal, however fast the others are", () => {
  const outcomes = judgeGoals("arms", rows, 2).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["missed", "met", "met", "met", "met", "met"]);
});
