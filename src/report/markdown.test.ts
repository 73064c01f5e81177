import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { buildReport } from "./buildReport.ts";
import { toMarkdown } from "./markdown.ts";
import { code, plain } from "./markdownText.ts";
import { anyEvidence, HOSTILE } from "./testing/arbitraries.ts";
import { EVIDENCE } from "./testing/evidence.ts";

const linesOf = (text: string): readonly string[] => text.replace(/\n$/, "").split("\n");

test("any report has at most 60 lines, and a table that holds together", () => {
  fc.assert(
    fc.property(anyEvidence, (input) => {
      const lines = linesOf(toMarkdown(buildReport(input)));
      assert.ok(lines.length <= 60, `${lines.length} lines`);
      for (const line of lines.filter((one) => one.startsWith("|"))) {
        assert.equal(line.replace(/\\./g, "").split("|").length - 1, 8, line);
      }
      for (const line of lines) {
        const outside = line.replace(/(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)/g, "").replace(/\\./g, "");
        assert.doesNotMatch(outside, /[<`]/, line);
      }
    }),
    { numRuns: 200 },
  );
});

test("200 routes fit: the worst are shown, the others counted by state", () => {
  const totals = Array.from({ length: 200 }, (_, at) => ({
    route: `GET /r/${String(at).padStart(3, "0")}`,
    sampled: 5_000,
    verdicts: at === 150 ? { identical: 4_000, different: 1_000 } : { identical: 5_000 },
    notCompared: {},
    latency: { control: {}, candidate: {} },
  }));
  const report = buildReport({ ...EVIDENCE, totals, families: [], facts: { ...EVIDENCE.facts, routes: [] } });
  const lines = linesOf(toMarkdown(report));
  assert.ok(lines.length <= 60);
  assert.match(lines[5] ?? "", /^\| GET \/r\/150 .*\*\*not ready\*\*/);
  assert.ok(lines.includes("And 170 more routes: 170 ready."));
});

test("no figure of parity stands without its coverage", () => {
  const text = toMarkdown(buildReport(EVIDENCE));
  assert.match(linesOf(text)[1] ?? "", /Compared 99\.0 % of 63 358 sampled\.$/);
  for (const line of linesOf(text).filter((one) => one.startsWith("| ") && /\d % \(|below/.test(one))) {
    assert.match(line, /\(\d+\.\d %\)/, line);
  }
});

test("few comparisons have no share, unless they are bad already", () => {
  const of = (different: number): string => {
    const verdicts = { identical: 40, different };
    const totals = [
      { route: "GET /a", sampled: 40 + different, verdicts, notCompared: {}, latency: { control: {}, candidate: {} } },
    ];
    return (
      linesOf(
        toMarkdown(buildReport({ ...EVIDENCE, totals, families: [], facts: { ...EVIDENCE.facts, routes: [] } })),
      )[5] ?? ""
    );
  };
  assert.match(of(0), /\| 40 \(100\.0 %\) \| +– \| +– \| – +\| 0\.5 % \| not enough data \(558 more\) \|$/);
  assert.match(of(20), /\| 33\.33 % \(2\d–4\d\) +\| 0\.5 % \| \*\*not ready\*\* \|$/);
});

test("names are text: they end no cell, start no markup and call nobody", () => {
  assert.equal(
    plain("a|b *c* <d> @team [e](f) snake_case _g_"),
    "a\\|b \\*c\\* \\<d\\> &#64;team \\[e\\](f) snake_case \\_g\\_",
  );
  assert.equal(plain("a\r\n# b"), "a \\# b");
  assert.equal(code("a|b"), "`a|b`");
  assert.equal(code("``a`"), "``` ``a` ```");
  for (const name of HOSTILE) assert.equal(linesOf(plain(name)).length, 1);
  assert.equal(plain("x".repeat(500)).length, 120);
});
