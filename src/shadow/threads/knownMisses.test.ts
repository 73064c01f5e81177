import assert from "node:assert/strict";
import { test } from "node:test";
import { InOrder } from "./inOrder.ts";
import { KnownMisses } from "./knownMisses.ts";
import { missOf } from "./testing/comparerBench.ts";

const at = (requestId: string, atMs: number) => missOf(requestId, { atMs });

test("a miss belongs to the request whose id it carries, while that was at the shadow's arm", () => {
  const misses = new KnownMisses(() => {});
  misses.add([at("r1", 1_000), at("r2", 1_000), at("r1", 5_000), missOf("", { requestId: null })], 5_000);
  const found = (requestId: string, fromMs: number, toMs: number) =>
    misses.within({ requestId, fromMs, toMs }).map(({ atMs }) => atMs);
  assert.deepEqual(found("r1", 900, 1_100), [1_000]);
  assert.deepEqual(found("r1", 1_000, 5_000), [1_000, 5_000]);
  assert.deepEqual(found("r1", 1_001, 4_999), []);
  assert.deepEqual(found("r3", 0, 9_000), []);
  assert.equal(misses.size, 3);
});

test("old ones are forgotten; beyond a thousand the oldest, and that is counted", () => {
  let dropped = 0;
  const misses = new KnownMisses((count) => {
    dropped += count;
  });
  misses.add([at("old", 0), at("r", 1)], 600_000);
  assert.deepEqual([misses.size, dropped], [2, 0]);
  misses.add([], 600_001);
  assert.deepEqual([misses.size, dropped], [1, 0]);
  misses.add(
    Array.from({ length: 1_005 }, (_, n) => at(n < 3 ? "r" : `r${n}`, 600_000)),
    600_001,
  );
  assert.deepEqual([misses.size, dropped], [1_000, 6]);
  assert.deepEqual(misses.within({ requestId: "r", fromMs: 0, toMs: 700_000 }), []);
});

test("what waits for the cassette holds up what is behind it; each that must look looks behind its own turn", () => {
  const waiting: (() => void)[] = [];
  const told: string[] = [];
  const order = new InOrder({ look: (run) => void waiting.push(run) });
  const step = (name: string, mustLook = false): void => order.run(mustLook, () => void told.push(name));
  step("a");
  step("b", true);
  step("c");
  step("d", true);
  step("e");
  assert.deepEqual([told, order.isWaiting, waiting.length], [["a"], true, 1]);
  waiting.shift()?.();
  assert.deepEqual([told, waiting.length], [["a", "b", "c"], 1]);
  waiting.shift()?.();
  assert.deepEqual([told, order.isWaiting], [["a", "b", "c", "d", "e"], false]);
});

test("once flushed nobody waits, and a look that comes late is no other step's", () => {
  const waiting: (() => void)[] = [];
  const told: string[] = [];
  const order = new InOrder({ look: (run) => void waiting.push(run) });
  order.run(true, () => void told.push("a"));
  order.flush();
  order.run(true, () => void told.push("b"));
  waiting.shift()?.();
  assert.deepEqual([told, order.isWaiting], [["a"], true]);
  waiting.shift()?.();
  assert.deepEqual(told, ["a", "b"]);
  for (let n = 0; n < 1_001; n++) order.run(true, () => void told.push("c"));
  assert.equal(told.length, 1_003);
});
