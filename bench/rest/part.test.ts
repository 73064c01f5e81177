import assert from "node:assert/strict";
import { test } from "node:test";
import { findProgram } from "../lib/programs.ts";
import { smoke } from "../testing/smoke.ts";

const PEERS = ["http-proxy", "http-proxy-3", "httpxy", "@fastify/http-proxy", "undici", "node-http"];

test("the rest part measures ours against every peer that is here and writes its results", async () => {
  const rows = await smoke("rest");
  const programs = ["nginx", "haproxy"].filter((name) => findProgram(name) !== null);
  const peers = [...PEERS, ...programs];
  assert.deepEqual(Object.keys(rows["switchyard"]?.ratios ?? {}).sort(), [...peers, "switchyard-2-workers"].sort());
  assert.deepEqual(Object.keys(rows["switchyard-2-workers"]?.ratios ?? {}).sort(), [...peers, "switchyard"].sort());
  assert.deepEqual([rows["switchyard"]?.unit, rows["switchyard-latency-p99"]?.unit], ["requests/s", "ms over direct"]);
});
