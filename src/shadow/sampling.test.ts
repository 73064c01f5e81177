import assert from "node:assert/strict";
import { test } from "node:test";
import { isSampled } from "./sampling.ts";

const GROUPS = Array.from({ length: 100_000 }, (_, at) => `user-${at}`);
const RATES = [0, 0.01, 0.5, 1, 5, 12.34, 25, 50, 99.99, 100];

test("shadow S1: a higher rate takes everybody of a lower one, and as many as it says", () => {
  let before = new Set<string>();
  for (const rate of RATES) {
    const taken = new Set(GROUPS.filter((group) => isSampled("campaign", group, rate)));
    for (const group of before) assert.ok(taken.has(group), `${rate} % leaves ${group} out`);
    assert.ok(Math.abs((100 * taken.size) / GROUPS.length - rate) <= 0.5, `${taken.size} groups at ${rate} %`);
    before = taken;
  }
  assert.equal(before.size, GROUPS.length);
});

test("another campaign takes others", () => {
  const both = GROUPS.filter((group) => isSampled("one", group, 10) && isSampled("other", group, 10));
  assert.ok(Math.abs(both.length / GROUPS.length - 0.01) < 0.002, `${both.length} in both`);
});
