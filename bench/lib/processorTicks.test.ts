import assert from "node:assert/strict";
import { test } from "node:test";
import { processorTicks, readProcessorTicks, stolenShare } from "./processorTicks.ts";

test("ticks of all processors, with what was stolen of them; guests' time is in the user's already", () => {
  const text = "cpu  100 20 30 800 10 5 15 20 40 2\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n";
  assert.deepEqual(readProcessorTicks(text), { all: 1_000, stolen: 20 });
});

test("the share of a time, and of none", () => {
  assert.equal(stolenShare({ all: 1_000, stolen: 20 }, { all: 1_400, stolen: 24 }), 0.01);
  assert.equal(stolenShare({ all: 5, stolen: 1 }, { all: 5, stolen: 1 }), 0);
});

test("of this machine they only grow", () => {
  const [first, second] = [processorTicks(), processorTicks()];
  assert.ok(second.all >= first.all && second.stolen >= first.stolen);
});
