import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { QueryGate } from "./queryGate.ts";
import { settle } from "./testing/manualTime.ts";
import { TransportError } from "./words.ts";

test("runs go in in their order, never too many queries at once, and a larger run alone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(6), { maxLength: 20 }), fc.infiniteStream(fc.nat()), async (counts, picks) => {
      const gate = new QueryGate(4);
      const entered: number[] = [];
      const inside: number[] = [];
      for (const [at, count] of counts.entries()) {
        void gate.enter(count).then(() => {
          entered.push(at);
          inside.push(at);
        });
      }
      await settle(1);
      while (entered.length < counts.length) {
        const sum = inside.reduce((total, at) => total + (counts[at] ?? 0), 0);
        const busy = inside.filter((at) => counts[at] !== 0).length;
        assert.ok(sum <= 4 || busy === 1, `${sum} queries of ${busy} runs are inside`);
        const [leaving] = inside.splice((picks.next().value ?? 0) % inside.length, 1);
        assert.ok(leaving !== undefined, "nobody is inside and somebody waits");
        gate.leave(counts[leaving] ?? 0);
        await settle(1);
      }
      assert.deepEqual(
        entered,
        [...entered].sort((a, b) => a - b),
      );
    }),
    { numRuns: 100 },
  );
});

test("beyond the runs that may wait the next is refused by name, and room comes again", async () => {
  const gate = new QueryGate(1, 1);
  await gate.enter(1);
  const second = gate.enter(1);
  await assert.rejects(gate.enter(1), (error) => error instanceof TransportError && error.status === 503);
  gate.leave(1);
  await second;
  const third = gate.enter(1);
  gate.leave(1);
  await third;
});
