import assert from "node:assert/strict";
import { test } from "node:test";
import { Accounting } from "./accounting.ts";

test("shadow A1: everything offered is accounted for, and a verdict too many shows", () => {
  const accounting = new Accounting();
  for (const outcome of ["unsafe", "not_sampled", "sampled", "sampled"] as const) accounting.offer(outcome);
  assert.deepEqual([accounting.sampled, accounting.open, accounting.gap], [2, 2, 0]);
  accounting.judge();
  assert.deepEqual([accounting.open, accounting.gap], [1, 0]);
  accounting.judge();
  accounting.judge();
  assert.equal(accounting.gap, 1);
});
