import assert from "node:assert/strict";
import { test } from "node:test";
import { inRounds } from "./rounds.ts";
import { type Figure, toRows } from "./rows.ts";

const figure = (perSecond: number, perCpuSecond: number | null): Figure => ({
  perSecond,
  perCpuSecond,
  coresUsed: 1,
  upstreamCoresUsed: 0,
});
const contestants = [
  { name: "base", isOurs: false },
  { name: "other", isOurs: false },
  { name: "switchyard", isOurs: true },
];
const figures = new Map([
  ["base", [figure(100, 1_000), figure(200, 2_000)]],
  ["other", [figure(50, null), figure(50, 10)]],
  ["switchyard", [figure(300, 4_000), figure(400, 4_000)]],
]);
const rows = toRows(contestants, figures, { baseline: "base", what: "requests" });

test("ours are compared with everybody, peers with the baseline, the baseline with nobody", () => {
  assert.deepEqual(Object.keys(rows["switchyard"]?.ratios ?? {}), ["base", "other"]);
  assert.deepEqual(Object.keys(rows["other"]?.ratios ?? {}), ["base"]);
  assert.deepEqual(rows["base"]?.ratios, {});
});

test("ratios are taken round by round and come with their spread", () => {
  assert.equal(rows["switchyard"]?.ratios["base"], 2.5);
  assert.deepEqual(rows["switchyard"]?.spread["base"], [2, 3]);
  assert.deepEqual([rows["switchyard"]?.absolute, rows["switchyard"]?.unit], [350, "requests/s"]);
});

test("the cost row is CPU-seconds, its ratio work per CPU-second, and unknown CPU gives none", () => {
  const cost = rows["switchyard-cpu"];
  assert.deepEqual([cost?.absolute, cost?.unit], [0.25, "CPU-seconds per 1,000 requests"]);
  assert.deepEqual(cost?.ratios, { base: 3 });
  assert.equal(rows["other-cpu"], undefined);
});

test("every round measures everybody once and begins with another one", async () => {
  const order: string[] = [];
  const measured = await inRounds(contestants, 3, async ({ name }, round) => {
    order.push(name);
    return round;
  });
  assert.deepEqual([order[0], order[3], order[6]], ["base", "other", "switchyard"]);
  assert.deepEqual(
    [...measured.values()],
    [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ],
  );
});
