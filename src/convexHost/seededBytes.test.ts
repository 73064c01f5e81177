import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSeededBytes } from "./seededBytes.ts";

test("one seed gives one stream, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.array(fc.nat(700), { maxLength: 8 }),
      (seed, counts) => {
        const cut = createSeededBytes(seed);
        const parts = counts.map((count) => cut(count));
        parts.forEach((part, n) => assert.equal(part.length, counts[n]));
        const whole = createSeededBytes(seed)(counts.reduce((sum, count) => sum + count, 0));
        assert.deepEqual(Buffer.concat(parts), Buffer.from(whole));
      },
    ),
  );
});

test("without a seed no two streams are alike, and bytes are spread evenly", () => {
  assert.notDeepEqual(createSeededBytes()(32), createSeededBytes()(32));
  const counts = Array.from({ length: 256 }, () => 0);
  for (const byte of createSeededBytes(new Uint8Array(32))(256_000)) counts[byte] = (counts[byte] ?? 0) + 1;
  for (const count of counts) assert.ok(count > 800 && count < 1_200, `${count}`);
});
