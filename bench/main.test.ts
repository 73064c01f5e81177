import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { runBench } from "./testing/smoke.ts";

test("an unknown part is refused with the parts there are and exit code 2", async () => {
  const { code, stdout, stderr } = await runBench(["tcp"], tmpdir());
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /no part "tcp"; there are rest, ws, arms, convex, shadow/);
});
