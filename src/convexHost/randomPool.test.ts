import assert from "node:assert/strict";
import { test } from "node:test";
import { takeRandom } from "./randomPool.ts";

test("as many bytes as asked for, whatever the pool has left, and never the same twice", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const count = 8 + (i % 57);
    const bytes = takeRandom(count);
    assert.equal(bytes.length, count);
    assert.equal(bytes.buffer.byteLength, count);
    seen.add(Buffer.from(bytes).toString("hex"));
  }
  assert.equal(seen.size, 2_000);
  assert.equal(takeRandom(10_000).length, 10_000);
});

test("what was taken does not change later", () => {
  const first = takeRandom(16);
  const copy = Buffer.from(first);
  for (let i = 0; i < 1_000; i++) takeRandom(16);
  assert.deepEqual(Buffer.from(first), copy);
  assert.notDeepEqual(Buffer.from(first), Buffer.alloc(16));
});
