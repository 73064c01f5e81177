// shadow §17, row 20: a report of 10⁶ stored comparisons, as a command or an API call makes it: open, read, build, write.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../../config/index.ts";
import { buildReport, REPORT_WRITERS } from "../../report/index.ts";
import { openSqliteEvidence, readEvidence } from "../../shadow/index.ts";
import { NO_APPLICATION } from "../testing/captured.ts";
import { bodyOf, family, shadowFolder } from "../testing/shadowFolder.ts";
import { readReportInput } from "./reportInput.ts";

const [DAYS, ROUTES, FAMILIES, SAMPLES, ROUNDS] = [9, 40, 200, 12, 40];
const START_MS = 1_700_000_000_000 - (1_700_000_000_000 % 86_400_000);
const MINUTE_MS = 60_000;
const P95_MS = 200;
const VISIBLE_MS = 5_000;
const CAMPAIGN = {
  id: "c1",
  unit: "notes",
  controlBuild: "1.0",
  candidateBuild: "2.0",
  rulesHash: "abc",
  startedMs: START_MS,
};
const CONFIG = {
  units: new Map(),
  arms: { control: { backend: "legacy" }, candidate: { backend: "convex" } },
  shadow: null,
} as unknown as Config;

/** What a command does, and what an answer to a call of the API would be. */
async function read(stateDir: string) {
  const [startMs, startCpu] = [performance.now(), process.threadCpuUsage()];
  const evidence = readEvidence(stateDir);
  const [campaign] = await evidence.campaigns("notes");
  assert.ok(campaign);
  const quiet = { complain: () => {}, talk: () => {} };
  const input = await readReportInput({
    config: CONFIG,
    evidence,
    campaign,
    application: NO_APPLICATION,
    sinceMs: null,
    ...quiet,
  });
  const text = REPORT_WRITERS.json.write(buildReport(input));
  await evidence.close();
  const { user, system } = process.threadCpuUsage(startCpu);
  return { text, tookMs: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
}

const familyAt = (at: number) =>
  family({ route: `GET /things/${at % ROUTES}`, template: `$.items[*].f${at}`, differing: 40, groups: 12 });

function samplesOf(found: ReturnType<typeof family>, atMs: number) {
  const item = { id: "uuid(36)#0123456789ab", title: "text(9)#0123456789ab", n: "integer#0123456789ab" };
  const side = { items: Array.from({ length: 2 }, () => item) };
  return Array.from({ length: SAMPLES }, (_, place) => ({
    family: found.name,
    place,
    group: `group-${place}`,
    atMs: atMs + place,
    body: bodyOf(found, [side, side]),
  }));
}

async function fill(t: TestContext, stateDir: string) {
  const store = openSqliteEvidence(join(stateDir, "shadow-0.sqlite3"));
  t.after(() => store.close());
  const counts = { control: { 20: 1, 30: 1, 40: 1 }, candidate: { 21: 2, 44: 1 } };
  const minutesMax = DAYS * 1_440 - 7;
  let compared = 0;
  const first = Math.floor(START_MS / MINUTE_MS);
  for (let minute = 0; minute < minutesMax; minute += 60) {
    const minutes = [];
    for (let at = minute; at < Math.min(minute + 60, minutesMax); at++) {
      for (let route = 0; route < ROUTES; route++) {
        const verdicts = { identical: 1, equivalent: 1 };
        const known = { process: "run-1", minute: first + at, route: `GET /things/${route}` };
        minutes.push({ ...known, sampled: 3, verdicts, notCompared: { queue_full: 1 } as const, latency: counts });
        compared += 2;
      }
    }
    const atMs = START_MS + minute * MINUTE_MS;
    await store.save({ campaign: CAMPAIGN, process: "run-1", atMs, minutes, families: [], samples: [], groups: null });
  }
  const endMs = START_MS + minutesMax * MINUTE_MS;
  const families = Array.from({ length: FAMILIES }, (_, at) => familyAt(at));
  const samples = families.flatMap((one) => samplesOf(one, endMs - 3_600_000));
  const groups = { waiting: 3, seeded: 5, diverged: 1 };
  await store.save({ campaign: CAMPAIGN, process: "run-1", atMs: endMs, minutes: [], families, samples, groups });
  await store.expire(endMs);
  return { store, compared, endMs };
}

test("shadow §17 row 20: a report of a million comparisons takes 200 ms (p95), changes nothing, and is at most 5 s old", async (t) => {
  const { stateDir } = shadowFolder(t);
  mkdirSync(stateDir, { recursive: true });
  const { store, compared, endMs } = await fill(t, stateDir);
  assert.ok(compared >= 1_000_000, String(compared));
  const before = await read(stateDir);
  const file = join(stateDir, "shadow-0.sqlite3");
  const stored = readFileSync(file);
  const [took, cpu]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const { text, tookMs, cpuMs } = await read(stateDir);
    assert.equal(text, before.text);
    took.push(tookMs);
    cpu.push(cpuMs);
  }
  assert.ok(readFileSync(file).equals(stored), "reading has written nothing");
  const report = JSON.parse(before.text) as { head: { compared: number }; families: { samples: unknown[] }[] };
  assert.deepEqual([report.head.compared, report.families.length], [compared, FAMILIES]);
  assert.ok(report.families.every(({ samples }) => samples.length === SAMPLES));
  const at = (times: readonly number[], share: number): number =>
    times.toSorted((one, other) => one - other)[Math.ceil(share * ROUNDS) - 1] ?? 0;
  t.diagnostic(`${compared} comparisons, ${FAMILIES * SAMPLES} samples, report of ${before.text.length} characters`);
  for (const [name, times] of [
    ["took", took],
    ["of processor time", cpu],
  ] as const) {
    t.diagnostic(`${name}: p50 ${at(times, 0.5).toFixed(0)} ms, p95 ${at(times, 0.95).toFixed(0)} ms`);
  }

  // A process stores every second what it has found since (shadow §14).
  const found: ReturnType<typeof family>[] = [];
  const saving = setInterval(() => {
    const families = found.splice(0);
    void store.save({
      campaign: CAMPAIGN,
      process: "run-1",
      atMs: endMs,
      minutes: [],
      families,
      samples: [],
      groups: null,
    });
  }, 1_000);
  t.after(() => clearInterval(saving));
  const late: number[] = [];
  for (let round = 0; round < 5; round++) {
    await pause(137 * round);
    const template = `$.late${round}`;
    const happenedMs = performance.now();
    found.push(family({ route: "GET /things/0", template, differing: 1_000 }));
    while (!(await read(stateDir)).text.includes(JSON.stringify(template))) await pause(50);
    late.push(performance.now() - happenedMs);
  }
  t.diagnostic(`visible after ${late.map((ms) => ms.toFixed(0)).join(", ")} ms`);
  assert.ok(Math.max(...late) <= VISIBLE_MS, late.join());
  assert.ok(at(took, 0.95) <= P95_MS, `${at(took, 0.95)} ms`);
});
