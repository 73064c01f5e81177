import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readMachine } from "./machine.ts";
import { mergeReport, mergeResults, type Results, type Rows, writeResults } from "./results.ts";

const rows = (absolute: number): Rows => ({
  switchyard: { ratios: { nginx: 0.5 }, spread: { nginx: [0.4, 0.6] }, absolute, unit: "requests/s" },
});
const results = (parts: Record<string, Rows>): Results => ({ machine: readMachine(), commit: "abc", parts });

test("a part that ran replaces its rows and leaves those of the others", () => {
  const earlier = results({ rest: rows(1), ws: rows(2) });
  assert.deepEqual(mergeResults(earlier, results({ ws: rows(3) })).parts, { rest: rows(1), ws: rows(3) });
});

test("what is no results file is replaced", () => {
  for (const earlier of [null, 7, "text", [], { parts: [] }, { parts: null }]) {
    assert.deepEqual(mergeResults(earlier, results({ ws: rows(3) })).parts, { ws: rows(3) });
  }
});

test("a section of the report is replaced where it stands", () => {
  const both = mergeReport("", [
    { part: "rest", text: "first rest" },
    { part: "ws", text: "first ws" },
  ]);
  const again = mergeReport(both, [{ part: "rest", text: "second rest" }]);
  assert.ok(again.includes("second rest") && again.includes("first ws") && !again.includes("first rest"));
  assert.ok(again.indexOf("second rest") < again.indexOf("first ws"));
  assert.equal(mergeReport(again, [{ part: "rest", text: "second rest" }]), again);
});

test("both files are written whole and merged with what stands there, even when that is broken", () => {
  const dir = mkdtempSync(join(tmpdir(), "bench-results-"));
  try {
    writeFileSync(join(dir, "latest.json"), "{ broken");
    writeResults(dir, results({ rest: rows(1) }), [{ part: "rest", text: "rest text" }]);
    writeResults(dir, results({ ws: rows(2) }), [{ part: "ws", text: "ws text" }]);
    assert.deepEqual(readdirSync(dir).sort(), ["latest.json", "latest.md"]);
    const written = JSON.parse(readFileSync(join(dir, "latest.json"), "utf8")) as Results;
    assert.deepEqual(written.parts, { rest: rows(1), ws: rows(2) });
    assert.match(readFileSync(join(dir, "latest.md"), "utf8"), /rest text[^]*ws text/);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
