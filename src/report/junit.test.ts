import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { buildReport } from "./buildReport.ts";
import { toJunit } from "./junit.ts";
import { anyEvidence } from "./testing/arbitraries.ts";
import { EVIDENCE } from "./testing/evidence.ts";
import { type Element, elementsOf, readMarkup } from "./testing/wellFormed.ts";

const named = (source: string, name: string): readonly Element[] =>
  [...elementsOf(readMarkup(source))].filter((one) => one.name === name);

test("any report is well-formed XML that counts its cases right", () => {
  fc.assert(
    fc.property(anyEvidence, (input) => {
      const report = buildReport(input);
      const text = toJunit(report);
      const [suite] = named(text, "testsuite");
      const counts = ["tests", "failures", "skipped"].map((key) => Number(suite?.attributes.get(key)));
      const found = ["testcase", "failure", "skipped"].map((name) => named(text, name).length);
      assert.deepEqual(counts, found);
      assert.equal(counts[0], report.routes.length + 1);
    }),
    { numRuns: 150 },
  );
});

test("a case passes, fails or is skipped as its route is ready, not ready or without enough data", () => {
  fc.assert(
    fc.property(anyEvidence, (input) => {
      const { routes, ...rest } = buildReport(input);
      const [, ...cases] = named(toJunit({ routes, ...rest }), "testcase");
      for (const [at, { state }] of routes.entries()) {
        const inner = cases[at]?.children.find((child) => typeof child !== "string");
        const expected = state === "ready" ? undefined : state === "not ready" ? "failure" : "skipped";
        assert.equal(inner?.name, expected);
      }
    }),
    { numRuns: 100 },
  );
});

test("a failure says the number, its limit, and what it was measured in", () => {
  const [failure] = named(toJunit(buildReport(EVIDENCE)), "failure");
  assert.equal(
    failure?.attributes.get("message"),
    "1 breaking difference open. 1 confirmed difference open. 3.09 % (2.3–4.0) above noise, limit 1.0 %. " +
      "Compared 99.0 % of 1 930 sampled.",
  );
});
