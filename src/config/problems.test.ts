import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigProblem, formatProblems } from "./problems.ts";

const problem = (line: number, more: Partial<ConfigProblem> = {}): ConfigProblem => ({
  severity: "error",
  line,
  col: 1,
  path: `key${line}`,
  what: "unknown key",
  ...more,
});

test("formats problems in columns, with long texts and what to do below", () => {
  const shown = formatProblems("switchyard.config.yaml", [
    problem(14, {
      col: 5,
      path: "rollouts.tutoring.guards[0].window",
      what: "30s is shorter than 4 × the scrape interval (15s)",
      fix: "Prometheus would return no data. Use 1m or more.",
    }),
    problem(7, { col: 3, path: "shadow.sampel", didYouMean: "sample" }),
    problem(9, {
      col: 21,
      path: "rollouts.tutoring.stages[3]",
      what: "150 is more than 100",
      expected: "exposure is a percentage, ascending to 100",
    }),
  ]);
  assert.equal(
    shown,
    [
      "switchyard.config.yaml: 3 problems                                                     exit 3",
      '  7:3    shadow.sampel                        unknown key                did you mean "sample"?',
      "  9:21   rollouts.tutoring.stages[3]          150 is more than 100       exposure is a percentage, ascending to 100",
      "  14:5   rollouts.tutoring.guards[0].window   30s is shorter than 4 × the scrape interval (15s)",
      "                                              Prometheus would return no data. Use 1m or more.",
    ].join("\n"),
  );
});

test("puts warnings before errors and variables after lines", () => {
  const shown = formatProblems("c.yaml", [
    problem(0, { col: 0, variable: "SWITCHYARD__WORKERS", path: "workers" }),
    problem(3),
    problem(9, { severity: "warning", what: "certificates are not checked" }),
  ]);
  assert.equal(
    shown,
    [
      "c.yaml: 2 problems, 1 warning                                                          exit 3",
      "  9:1                   key9      warning: certificates are not checked",
      "  3:1                   key3      unknown key",
      "  SWITCHYARD__WORKERS   workers   unknown key",
    ].join("\n"),
  );
});

test("shows twenty at most, errors first of all, and counts the rest", () => {
  const warnings = [1, 2, 3].map((line) => problem(line, { severity: "warning" }));
  const errors = Array.from({ length: 24 }, (_, i) => problem(10 + i));
  const lines = formatProblems("c.yaml", [...warnings, ...errors]).split("\n");
  assert.equal(lines.length, 22);
  assert.equal(lines.at(-1), "  and 7 more");
  assert.doesNotMatch(lines.join("\n"), /warning: /);
});

test("a file with warnings alone has no exit code", () => {
  const lines = formatProblems("c.yaml", [problem(1, { severity: "warning" })]).split("\n");
  assert.equal(lines[0], "c.yaml: 1 warning");
});
