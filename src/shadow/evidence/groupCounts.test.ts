import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunGroups, sumGroups } from "./groupCounts.ts";

const run = (slot: string, savedMs: number, waiting: number, isEnded = false): RunGroups => ({
  slot,
  savedMs,
  isEnded,
  groups: { waiting, seeded: 2 * waiting, diverged: 1 },
});

test("groups are those of all processes that run, each counted once", () => {
  assert.equal(sumGroups([]), null);
  assert.equal(sumGroups([{ ...run("a", 1, 1), groups: null }]), null, "nothing is seeded");
  const running = [run("a", 100_000, 3), run("b", 100_500, 4), run("a", 50_000, 9, true)];
  assert.deepEqual(sumGroups(running), { waiting: 7, seeded: 14, diverged: 2 });
  assert.deepEqual(sumGroups([...running, run("c", 99_000, 50, true)]), { waiting: 7, seeded: 14, diverged: 2 });
  assert.deepEqual(sumGroups([...running, run("killed", 30_000, 50)]), { waiting: 7, seeded: 14, diverged: 2 });
});

test("after a stop groups are those of the processes that ran last", () => {
  const stopped = [run("a", 100_000, 3, true), run("b", 130_000, 4, true), run("old", 10_000, 50, true)];
  assert.deepEqual(sumGroups(stopped), { waiting: 7, seeded: 14, diverged: 2 });
  assert.deepEqual(sumGroups(stopped.toReversed()), { waiting: 7, seeded: 14, diverged: 2 });
});
