import assert from "node:assert/strict";
import { test } from "node:test";
import { findProgram } from "../lib/programs.ts";
import { smoke } from "../testing/smoke.ts";

test("the shadow part measures the mirror beside its peers, what is served with and without it, comparer and cassette", async () => {
  const rows = await smoke("shadow");
  const peers = [
    ...(findProgram("nginx") === null ? [] : ["nginx-mirror", "nginx-mirror-kept"]),
    "undici-mirror",
    "http-proxy",
    "switchyard",
  ];
  assert.deepEqual(Object.keys(rows["switchyard-shadow"]?.ratios ?? {}), peers);
  assert.ok((rows["switchyard-shadow-compared"]?.absolute ?? 0) > 0, "nothing was compared");
  for (const name of [
    "served-p99",
    "served-p99-whole",
    "serving-stall-p99",
    "compare-1-mb",
    "compare-3000-reordered",
  ]) {
    assert.equal(rows[name]?.unit, "ms", name);
  }
  for (const name of ["p50", "p99"]) assert.equal(rows[`cassette-first-token-${name}`]?.unit, "ms over direct");
});
