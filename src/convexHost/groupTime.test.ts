import assert from "node:assert/strict";
import { test } from "node:test";
import { openTempStore } from "./testing/tempStore.ts";

test("transactions that take long between them leave the event loop a turn, and are still answered in their order", async (t) => {
  const { queue } = openTempStore(t);
  let turns = 0;
  const beat = setInterval(() => (turns += 1), 1);
  t.after(() => clearInterval(beat));
  const seen: [number, number][] = [];
  const work = Array.from({ length: 6 }, (_, at) =>
    queue.run(async () => {
      const untilMs = performance.now() + 60;
      while (performance.now() < untilMs);
      seen.push([at, turns]);
    }, false),
  );
  await Promise.all(work);
  assert.deepEqual(
    seen.map(([at]) => at),
    [0, 1, 2, 3, 4, 5],
  );
  assert.ok(new Set(seen.map(([, turn]) => turn)).size >= 3, JSON.stringify(seen));
});
