import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planOf } from "../serving/testing/servingBench.ts";
import { type CopyHalf, Pairing } from "./pairing.ts";
import { copiedItem, factsOf, servedItem } from "./testing/comparerBench.ts";

const PLAN = planOf({ id: "r" });
const servedOf = (id: number) => ({ served: servedItem(factsOf(id, PLAN), "s") });
const copyOf = (id: number, text = "c") => ({ copy: copiedItem(id, text) as CopyHalf });
const reasonOf = (copy: CopyHalf | undefined): string | undefined =>
  copy?.kind === "uncopied" ? copy.reason : copy?.kind;

test("whatever order the halves come in, each exchange is given once, and nothing waits that has both", () => {
  const half = fc.record({ id: fc.integer({ min: 1, max: 6 }), isServed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(half, { maxLength: 40, size: "max" }), (halves) => {
      const pairing = new Pairing(() => 0);
      const waiting = new Map<number, Set<boolean>>();
      for (const { id, isServed } of halves) {
        const found = pairing.add(isServed ? servedOf(id) : copyOf(id));
        const seen = waiting.get(id) ?? new Set();
        seen.add(isServed);
        waiting.set(id, seen);
        assert.equal(found !== null, seen.size === 2);
        if (seen.size === 2) waiting.delete(id);
      }
      assert.equal(pairing.size, waiting.size);
      if (pairing.size === 0) assert.equal(pairing.bytes, 0);
      for (let id = 1; id <= 6; id++) pairing.remove(id);
      assert.deepEqual([pairing.size, pairing.bytes], [0, 0]);
    }),
  );
});

test("shadow I13: what the mirror thread took with it is lost at once, also when its served half comes later", () => {
  const pairing = new Pairing(() => 0);
  pairing.add(servedOf(1));
  pairing.add(copyOf(2));
  assert.deepEqual(
    pairing.withoutCopy(5).map(({ facts }) => facts.id),
    [1],
  );
  assert.equal(reasonOf(pairing.add(servedOf(2))?.copy), "copied", "its copy was here already");
  assert.equal(reasonOf(pairing.add(servedOf(3))?.copy), "engine_lost");
  assert.equal(pairing.add(servedOf(6)), null, "of the thread that came behind");
  assert.equal(pairing.size, 1);
});

test("shadow I6: replies that wait for their served half have a budget, and what is above it is given up whole", () => {
  const pairing = new Pairing(() => 0);
  const large = "x".repeat(16 * 1_048_576);
  for (let id = 1; id <= 5; id++) pairing.add(copyOf(id, large));
  assert.equal(pairing.bytes, 64 * 1_048_576);
  assert.equal(reasonOf(pairing.add(servedOf(5))?.copy), "tap_budget");
  for (let id = 1; id <= 4; id++) assert.equal(reasonOf(pairing.add(servedOf(id))?.copy), "copied");
  assert.equal(pairing.bytes, 0);
});

test("what has waited for a quarter of an hour is given up, with what is known of it", () => {
  let nowMs = 0;
  const pairing = new Pairing(() => nowMs);
  pairing.add(servedOf(1));
  pairing.add(copyOf(2));
  nowMs = 15 * 60_000 + 1;
  pairing.add(copyOf(3));
  assert.deepEqual(
    pairing.expire().map(({ id, served }) => [id, served !== null]),
    [
      [1, true],
      [2, false],
    ],
  );
  assert.equal(pairing.size, 1);
});
