import assert from "node:assert/strict";
import { test } from "node:test";
import { CONVEX_GOALS } from "../lib/goals.ts";
import { smoke } from "../testing/smoke.ts";

test("the convex part measures the embedded host by every goal and writes its results", async () => {
  const rows = await smoke("convex");
  for (const name of Object.keys(CONVEX_GOALS)) assert.ok(rows[name]?.ratios["goal"], name);
  assert.deepEqual(Object.keys(rows["take-10-of-50000"]?.ratios ?? {}), ["goal", "take-10-of-1000"]);
  assert.deepEqual(Object.keys(rows["http-mutation-p50"]?.ratios ?? {}), ["goal", "disk-write-p50"]);
  assert.equal(rows["heap-3000-operations"]?.unit, "% of the first half");
});
