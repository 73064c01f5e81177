import assert from "node:assert/strict";
import { test } from "node:test";
import { readMachine } from "../lib/machine.ts";
import { timeRow } from "./measurement.ts";
import { convexReport } from "./report.ts";

test("each time stands in the report with its goal, its ratio and the spread of the rounds", () => {
  const rows = { "http-query-p50": timeRow([0.5, 0.65, 1.3], { goal: [0.65, 0.65, 0.65] }) };
  const text = convexReport({
    part: "convex",
    result: { rows, notes: ["a note"] },
    machine: readMachine(),
    commit: "abc",
    rounds: 3,
    seconds: 4,
    at: new Date(0),
  });
  assert.match(text, /\| P10\.4 \| `http-query-p50`, ms \| ≤ 0\.65 \| 0\.65 \| met \|/);
  assert.match(text, /\| `http-query-p50` \| 0\.65 ms \| goal ÷ it 1\.00 \(0\.50 – 1\.30\) \|/);
  assert.match(text, /\| P10\.5 \| .* \| – \| not measured \|/);
});
