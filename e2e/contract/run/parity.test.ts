import assert from "node:assert/strict";
import { test } from "node:test";
import type { Result } from "../harness/index.ts";
import { readOptions } from "./options.ts";
import { renderParity } from "./parity.ts";

const result = (sentence: string, target: Result["target"], outcome: Result["outcome"], reason?: string): Result => ({
  id: "R3",
  sentence,
  target,
  outcome,
  ...(reason === undefined ? {} : { reason }),
});

const RESULTS = [
  result("b | c", "candidate", "fail", "why"),
  result("b | c", "control-sqlite", "pass"),
  result("a", "proxy-candidate", "not yet", "later"),
  result("a", "control-sqlite", "n/a", "elsewhere"),
];

test("a row shows pass, fail, not yet, not applicable and not run in the order of the columns", () => {
  const lines = renderParity([{ file: "rest.test.ts", results: RESULTS }]).split("\n");
  const rows = lines.filter((line) => line.startsWith("| R3 |"));
  assert.deepEqual(rows, [
    "| R3 | a | – | not run | not run | not run | not yet |",
    "| R3 | b \\| c | pass | not run | **fail** | not run | not run |",
  ]);
  assert.ok(lines.includes("- proxy → candidate: R3, later"));
});

test("the text does not depend on the order in which results came in", () => {
  const files = [
    { file: "b.test.ts", results: RESULTS },
    { file: "a.test.ts", results: RESULTS },
  ];
  const turned = files.toReversed().map(({ file, results }) => ({ file, results: results.toReversed() }));
  assert.equal(renderParity(turned), renderParity(files));
});

test("what later releases bring is listed", () => {
  const rendered = renderParity([]);
  for (const words of ["| R9 |", "| R36, R37 |", "/api/ws", "a logout seen by the other arm", "planner"]) {
    assert.ok(rendered.includes(words), words);
  }
});

test("targets may be named by group, an unknown one is refused with the names that exist", () => {
  assert.deepEqual(readOptions(["--targets", "control,candidate"]).targets, [
    "control-sqlite",
    "control-postgres",
    "candidate",
  ]);
  assert.equal(readOptions([]).targets.length, 5);
  assert.throws(() => readOptions(["--targets", "legacy"]), /"legacy" is none of control, proxy/);
  assert.throws(() => readOptions(["--jobs", "0"]), /whole number/);
});

test("services that are already running need the secret of their tokens by the name of a variable", () => {
  assert.throws(
    () => readOptions(["--control-url", "http://127.0.0.1:1", "--secret-env", "NO_SUCH_VARIABLE"]),
    /NO_SUCH_VARIABLE/,
  );
});
