import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeGoals } from "./goals.ts";
import type { Row, Rows } from "./results.ts";

const row = (ratios: Record<string, number>, absolute = 1): Row => ({ ratios, spread: {}, absolute, unit: "" });

test("a goal is met at its number and missed below it", () => {
  const outcome = (ratio: number) =>
    judgeGoals("rest", { switchyard: row({ "http-proxy": ratio }) }, 2).find((goal) =>
      goal.what.includes("`http-proxy`"),
    );
  assert.deepEqual([outcome(1.6)?.outcome, outcome(1.599)?.outcome], ["met", "missed"]);
});

test("added latency is met below its number", () => {
  const rows: Rows = { "switchyard-latency-p50": row({}, 0.2), "switchyard-latency-p99": row({}, 1.6) };
  const outcomes = judgeGoals("rest", rows, 2).filter(({ id }) => id === "P4");
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ["met", "missed"],
  );
});

test("an absent peer and a machine with too few cores are not measured rather than missed", () => {
  const rows: Rows = { "switchyard-2-workers": row({ switchyard: 1.2 }) };
  const throughput = (cores: number) =>
    judgeGoals("rest", rows, cores).find(({ what }) => what === "`switchyard-2-workers` ÷ `switchyard`")?.outcome;
  assert.deepEqual([throughput(2), throughput(4)], ["not measured", "missed"]);
  assert.ok(judgeGoals("ws", rows, 2).every(({ outcome }) => outcome === "not measured"));
});
