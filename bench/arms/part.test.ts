import assert from "node:assert/strict";
import { test } from "node:test";
import { ARM_OPERATIONS } from "../lib/goals.ts";
import { smoke } from "../testing/smoke.ts";

test("the arms part measures both backends at every operation and writes its results", async () => {
  const rows = await smoke("arms");
  for (const operation of [...ARM_OPERATIONS, "geometric-mean"]) {
    assert.ok(rows[`candidate-${operation}`]?.ratios[`legacy-${operation}`], operation);
  }
  assert.equal(rows["legacy-tutor-turn"]?.unit, "turns/s");
});
