import assert from "node:assert/strict";
import { test } from "node:test";
import { findProgram } from "../lib/programs.ts";
import { smoke } from "../testing/smoke.ts";

test("the ws part measures text and binary against every relay that is here and writes its results", async () => {
  const rows = await smoke("ws");
  const peers = ["direct", "http-proxy", ...(findProgram("nginx") === null ? [] : ["nginx"])];
  assert.deepEqual(Object.keys(rows["switchyard"]?.ratios ?? {}), peers);
  assert.deepEqual(
    Object.keys(rows["switchyard-binary"]?.ratios ?? {}),
    peers.map((name) => `${name}-binary`),
  );
  assert.equal(rows["switchyard"]?.unit, "messages/s");
});
