import assert from "node:assert/strict";
import { test } from "node:test";
import { addCounts, formatCounts, readCounts, readNotRun } from "./counts.mjs";

test("the closing line of a part is read back as it was written", () => {
  const counts = { passed: 12, failed: 1, skipped: 3 };
  assert.deepEqual(readCounts(`noise\n${formatCounts(counts)}\n`), counts);
  assert.deepEqual(readCounts("contract: 5 passed, 0 failed\n"), { passed: 5, failed: 0, skipped: 0 });
});

test("the last closing line counts, and a sentence that only looks like one does not", () => {
  assert.deepEqual(readCounts("1 passed, 0 failed\n2 passed, 0 failed\nall 9 passed, 0 failed today\n"), {
    passed: 2,
    failed: 0,
    skipped: 0,
  });
  assert.equal(readCounts("nothing was counted here\n"), null);
});

test("pytest's summary is read in each of its shapes", () => {
  assert.deepEqual(readCounts("======= 3 failed, 20 passed, 2 skipped, 1 error in 3.20s =======\n"), {
    passed: 20,
    failed: 4,
    skipped: 2,
  });
  assert.deepEqual(readCounts("41 passed in 61.02s (0:01:01)\n"), { passed: 41, failed: 0, skipped: 0 });
  assert.deepEqual(readCounts("7 passed, 1 warning in 0.10s\n"), { passed: 7, failed: 0, skipped: 0 });
});

test("what did not run is taken from its own lines, and sums add up", () => {
  assert.deepEqual(readNotRun("x\nnot run: e2e/a.e2e.ts: needs wrk; sudo bash scripts/system.sh\n"), [
    "e2e/a.e2e.ts: needs wrk; sudo bash scripts/system.sh",
  ]);
  assert.deepEqual(addCounts({ passed: 1, failed: 2, skipped: 3 }, { passed: 4, failed: 5, skipped: 6 }), {
    passed: 5,
    failed: 7,
    skipped: 9,
  });
});
