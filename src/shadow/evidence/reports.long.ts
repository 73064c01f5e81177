// shadow §17, row 20: what a report asks of the store after 30 days of 40 routes, minute by minute, and 10⁶ comparisons and more.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { FamilyPart, MinuteRow, SampleRow, Window } from "./model.ts";
import { Families } from "./families.ts";
import { LogHistogram } from "./logHistogram.ts";
import { openSqliteEvidence, openSqliteReader } from "./sqliteEvidence.ts";
import { seeded } from "../testing/seeded.ts";
import { CAMPAIGN, checkpoint } from "./testing/rows.ts";

const [DAYS, ROUTES, FAMILIES, ROUNDS] = [30, 40, 200, 40];
const START_MINUTE = 1_000 * 1_440;
const P95_MS = 200;

test("shadow §17 row 20: totals, families and samples of 30 days are read in 200 ms (p95)", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "evidence-reports-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "evidence.sqlite");
  const store = openSqliteEvidence(file);
  const nowMinute = START_MINUTE + DAYS * 1_440 - 7;
  let sampled = 0;
  for (let minute = START_MINUTE; minute < nowMinute; minute += 60) {
    const minutes: MinuteRow[] = [];
    for (let at = minute; at < Math.min(minute + 60, nowMinute); at++) {
      for (let route = 0; route < ROUTES; route++) minutes.push(minuteRow(at, route));
    }
    sampled += minutes.reduce((sum, row) => sum + row.sampled, 0);
    await store.save(checkpoint({ atMs: minute * 60_000, minutes }));
  }
  const { families, samples } = familiesAndSamples(nowMinute * 60_000);
  for (const process of ["run-1", "run-2", "run-3"]) {
    await store.save(checkpoint({ process, atMs: nowMinute * 60_000, families, samples }));
  }
  const begunMs = performance.now();
  await store.expire(nowMinute * 60_000);
  const summedMs = performance.now() - begunMs;
  assert.ok(sampled >= 1_000_000);

  const reader = openSqliteReader(file);
  const read = async (window: Window) => {
    const startMs = performance.now();
    const totals = await reader.totals(CAMPAIGN.id, window);
    const found = await reader.families(CAMPAIGN.id);
    for (const { name } of found) await reader.samples(CAMPAIGN.id, name);
    return { totals, found, tookMs: performance.now() - startMs };
  };
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // To the minute at both ends: the worst there is.
    const fromMs = (START_MINUTE + round * 7) * 60_000;
    const { tookMs, totals, found } = await read({ fromMs, toMs: nowMinute * 60_000 });
    took.push(tookMs);
    assert.equal(found.length, FAMILIES);
    const expected = sampled - round * 7 * ROUTES * 3 * (sampled / ((nowMinute - START_MINUTE) * ROUTES * 3));
    assert.equal(
      totals.reduce((sum, one) => sum + one.sampled, 0),
      Math.round(expected),
    );
  }
  const p95 = took.toSorted((one, other) => one - other)[Math.ceil(0.95 * ROUNDS) - 1] ?? 0;
  t.diagnostic(
    `${sampled} comparisons, ${await store.bytes()} bytes, summed in ${Math.round(summedMs)} ms, p95 ${p95.toFixed(0)} ms`,
  );
  assert.ok(p95 <= P95_MS, `${p95} ms`);
  await reader.close();
  await store.close();
});

function minuteRow(minute: number, route: number): MinuteRow {
  const [control, candidate] = [new LogHistogram(), new LogHistogram()];
  for (const ms of [3, 9, 40]) {
    control.observe(ms * (1 + (minute % 7)) + route);
    candidate.observe(ms * (1 + (minute % 11)) + route);
  }
  return {
    process: "run-1",
    minute,
    route: `GET /things/${route}/{id}`,
    sampled: 3,
    verdicts: { identical: 1, equivalent: 1 },
    notCompared: { queue_full: 1 },
    latency: { control: control.counts, candidate: candidate.counts },
  };
}

function familiesAndSamples(atMs: number): { families: readonly FamilyPart[]; samples: readonly SampleRow[] } {
  const families = new Families<unknown>({ random: seeded(5), onDrop: () => assert.fail("dropped") });
  const body = { control: { status: 200, body: { items: Array.from({ length: 20 }, () => "text(9)#0123456789ab") } } };
  const samples: SampleRow[] = [];
  for (let at = 0; at < FAMILIES; at++) {
    const route = `GET /things/${at % ROUTES}/{id}`;
    const difference = {
      template: `$.${at}`,
      path: "",
      kind: "value",
      severity: "value",
      control: "a",
      candidate: "b",
    } as const;
    for (let group = 0; group < 40; group++) {
      const seen = { route, difference, acceptedBy: null, group: `g${group}`, build: "b", atMs };
      const [family] = families.see(route, [seen], "b", seen.atMs);
      const kept = family?.offerSample(`g${group}`, () => body);
      if (family && kept) samples.push({ family: family.name, place: kept.place, group: kept.group, atMs, body });
    }
  }
  return { families: families.unsaved().rows, samples };
}
