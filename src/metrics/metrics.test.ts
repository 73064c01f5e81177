import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, METRICS, renderMetrics, totalsOf } from "./index.ts";

const LABELS = { unit: "shop", route: "GET /x", arm: "control" } as const;

test("totals sum requests, errors, sockets and buckets over processes and read nothing else", async () => {
  const metrics = createMetrics({ version: "1" });
  metrics.requests.of({ ...LABELS, role: "served", outcome: "ok" }).count += 3;
  metrics.requests.of({ ...LABELS, role: "served", outcome: "timeout" }).count += 2;
  metrics.requests.of({ ...LABELS, role: "served", outcome: "client_error" }).count++;
  metrics.sockets.set({ route: "WS /live", arm: "control" }, 4);
  metrics.requestDuration.of(LABELS).observe(0.02);
  const json = await metrics.json();
  const totals = totalsOf([json, json], (route) => (route === "WS /live" ? "shop" : undefined));
  assert.equal(totals.length, 1);
  const [shop] = totals;
  assert.equal(shop?.requests, 12);
  assert.equal(shop?.errors, 4);
  assert.equal(shop?.sockets, 8);
  const counts = shop?.durationBuckets.map((bucket) => bucket.count) ?? [];
  assert.equal(counts.at(-1), 2, "the last bucket holds all");
  assert.deepEqual(
    counts,
    [...counts].sort((a, b) => a - b),
    "cumulative",
  );
});

test("every name begins with switchyard_, counters end in _total, durations in _seconds", () => {
  for (const row of Object.values(METRICS)) {
    assert.match(row.name, /^switchyard_[a-z_]+$/);
    assert.equal(row.name.endsWith("_total"), row.kind === "counter", row.name);
    if (row.kind === "histogram") assert.ok(row.name.endsWith("_seconds"), row.name);
    assert.ok(row.help.endsWith("."), row.name);
  }
});

test("no label names a subject, a path or an id", () => {
  const names =
    "unit route arm role outcome reason why code direction surface source layer queue type guard version node from fault to result phase verdict kind severity state mode";
  const allowed = new Set(names.split(" "));
  for (const row of Object.values(METRICS))
    for (const label of row.labels) assert.ok(allowed.has(label), `${row.name}: ${label}`);
});

test("two processes give one text: counters add up, facts that all share do not", async () => {
  const metrics = createMetrics({ version: "1" });
  metrics.requests.of({ ...LABELS, role: "served", outcome: "ok" }).count++;
  metrics.exposure.set({ unit: "shop" }, 0.25);
  metrics.armUp.set({ arm: "control" }, 1);
  const json = await metrics.json();
  const text = await renderMetrics([json, json]);
  assert.match(text, /switchyard_requests_total\{[^}]*\} 2\n/);
  assert.match(text, /switchyard_exposure_ratio\{unit="shop"\} 0.25\n/);
  assert.match(text, /switchyard_arm_up\{arm="control"\} 1\n/);
});

test("40 routes in 6 units with both arms and all outcomes stay below 8,000 series", async () => {
  const metrics = createMetrics({ version: "1" });
  for (let route = 0; route < 40; route++) {
    for (const arm of ["control", "candidate"]) {
      const labels = { unit: `u${route % 6}`, route: `GET /r${route}`, arm };
      for (const outcome of ["ok", "client_error", "server_error", "timeout", "aborted"]) {
        metrics.requests.of({ ...labels, role: "served", outcome }).count++;
      }
      metrics.requestDuration.of(labels).observe(0.01);
      for (const code of ["1000", "1001", "1005", "1006", "1012", "1013"]) {
        metrics.socketCloses.inc({ route: labels.route, arm, code });
        metrics.socketArmCloses.inc({ route: labels.route, arm, code });
      }
      for (const direction of ["in", "out"]) metrics.socketFrames.inc({ route: labels.route, arm, direction });
    }
    metrics.proxyOverhead.of({ route: `GET /r${route}` }).observe(0.001);
  }
  const text = await renderMetrics([await metrics.json()]);
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  assert.ok(series <= 8_000, `${series} series`);
});

test("a hot counter gives the library what was counted since it was last read, once", async () => {
  const metrics = createMetrics({ version: "1" });
  const tally = metrics.decisions.of({ unit: "shop", arm: "control", reason: "flag-off" });
  const read = async () =>
    (await renderMetrics([await metrics.json()])).match(/switchyard_decisions_total\{.*\} (\d+)/)?.[1];
  tally.count += 2;
  assert.equal(await read(), "2");
  assert.equal(await read(), "2");
  tally.count++;
  assert.equal(await read(), "3");
});

test("a hot histogram reads like the library's own", async () => {
  const metrics = createMetrics({ version: "1" });
  for (const seconds of [0.0005, 0.02, 0.02, 99]) metrics.requestDuration.of(LABELS).observe(seconds);
  const text = await renderMetrics([await metrics.json(), await metrics.json()]);
  const value = (suffix: string, le?: string): number => {
    const line = text.split("\n").find((one) => {
      const isNamed = one.startsWith(`switchyard_request_duration_seconds_${suffix}{`);
      return isNamed && one.includes('unit="shop"') && (le === undefined || one.includes(`le="${le}"`));
    });
    return Number(line?.slice(line.lastIndexOf(" ") + 1));
  };
  assert.equal(value("bucket", "0.001"), 2);
  assert.equal(value("bucket", "0.025"), 6);
  assert.equal(value("bucket", "30"), 6);
  assert.equal(value("bucket", "+Inf"), 8);
  assert.equal(value("count"), 8);
  assert.ok(Math.abs(value("sum") - 2 * 99.0405) < 1e-9);
});
