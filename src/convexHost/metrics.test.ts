import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "./metrics.ts";

/** Reads the text as a scraper does: sample lines, each metric announced before its samples. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Set<string>();
  assert.ok(text.endsWith("\n"));
  for (const line of text.slice(0, -1).split("\n")) {
    const type = /^# TYPE (\S+) (counter|gauge)$/.exec(line);
    if (type !== null) types.add(type[1]!);
    if (line.startsWith("#")) continue;
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$/.exec(line);
    assert.ok(sample, `not a sample: ${line}`);
    assert.ok(types.has(sample[1]!), `no TYPE before ${line}`);
    samples.set(`${sample[1]!}${sample[2] ?? ""}`, Number(sample[3]));
  }
  return samples;
}

test("counts by label and shows counters without labels from zero on", () => {
  const metrics = createMetrics();
  metrics.count("jobs", { kind: "mutation", result: "success" });
  metrics.count("jobs", { kind: "mutation", result: "success" });
  metrics.count("jobs", { kind: "action", result: "failed" });
  const samples = parse(metrics.render());
  assert.equal(samples.get('embedded_host_jobs_total{kind="mutation",result="success"}'), 2);
  assert.equal(samples.get('embedded_host_jobs_total{kind="action",result="failed"}'), 1);
  assert.equal(samples.get("embedded_host_commits_total"), 0);
});

test("reads gauges at the time of asking", () => {
  let connections = 3;
  const metrics = createMetrics({ connections: () => connections });
  assert.equal(parse(metrics.render()).get("embedded_host_connections"), 3);
  connections = 4;
  assert.equal(parse(metrics.render()).get("embedded_host_connections"), 4);
  assert.equal(parse(metrics.render()).has("embedded_host_ready"), false);
});

test("a label value cannot break out of its line", () => {
  const metrics = createMetrics();
  metrics.count("crons", { result: 'a"b\\c\nembedded_host_commits_total 99' });
  const samples = parse(metrics.render());
  assert.equal(samples.get("embedded_host_commits_total"), 0);
  assert.equal(samples.get('embedded_host_crons_total{result="a\\"b\\\\c\\nembedded_host_commits_total 99"}'), 1);
});

test("refuses labels that the counter does not have", () => {
  assert.throws(() => createMetrics().count("jobs", { kind: "action" }), /expected labels kind, result, got kind/);
  assert.throws(() => createMetrics().count("commits", { kind: "action" }), /expected labels none/);
});

test("keeps a bounded number of label values and counts what it drops", () => {
  const metrics = createMetrics();
  for (let at = 0; at < 250; at++) metrics.count("crons", { result: `r${at}` });
  const samples = parse(metrics.render());
  assert.equal([...samples.keys()].filter((key) => key.startsWith("embedded_host_crons_total")).length, 200);
  assert.equal(samples.get("embedded_host_series_dropped_total"), 50);
});
