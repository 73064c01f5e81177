import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport, exitCodeOf, REPORT_FORMATS, REPORT_WRITERS } from "./index.ts";
import { EVIDENCE } from "./testing/evidence.ts";
import { assertGolden } from "./testing/golden.ts";

const REPORT = buildReport(EVIDENCE);

/** Under names that the formatter leaves alone. */
const FILES = {
  md: "report.golden.md",
  html: "report.golden.html",
  json: "report.golden.json.txt",
  junit: "report.golden.xml",
} as const;

for (const format of REPORT_FORMATS) {
  test(`the report of a day is as agreed, as ${format}`, () => {
    assertGolden(FILES[format], REPORT_WRITERS[format].write(REPORT));
  });
}

test("only a ready report ends with 0", () => {
  const of = (state: "ready" | "not ready" | "not enough data"): number =>
    exitCodeOf({ ...REPORT, head: { ...REPORT.head, readiness: { ...REPORT.head.readiness, state } } });
  assert.deepEqual([of("ready"), of("not ready"), of("not enough data")], [0, 1, 1]);
});
