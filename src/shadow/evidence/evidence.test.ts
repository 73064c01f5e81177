import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import type { Verdict } from "../verdict.ts";
import { LogHistogram } from "./logHistogram.ts";
import { MinuteCounters } from "./minuteCounters.ts";
import type { CampaignRow, Checkpoint, FamilyRow, SampleRow } from "./model.ts";
import { openSqliteEvidence } from "./sqliteEvidence.ts";
import { totalsOf } from "./totals.ts";

test("a quantile is within nine per cent, however the observations were spread over histograms", () => {
  const times = fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), fc.nat({ max: 5 }), (all, share, parts) => {
      const histograms = Array.from({ length: parts + 1 }, () => new LogHistogram());
      for (const [at, ms] of all.entries()) histograms[at % histograms.length]?.observe(ms);
      const sum = new LogHistogram();
      for (const { counts } of histograms) sum.add(counts);
      const exact = all.toSorted((one, other) => one - other)[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0;
      const found = sum.quantile(share) ?? 0;
      assert.equal(sum.total, all.length);
      assert.ok(found >= exact * 0.999_999 && found <= exact * 1.19, `${found} for ${exact}`);
    }),
  );
  assert.equal(new LogHistogram().quantile(0.5), null);
});

const IDENTICAL: Verdict = { name: "identical" };
const FULL: Verdict = { name: "not_compared", reason: "queue_full" };
const latencyMs = { control: 10, candidate: 20 };

test("what is counted in minutes adds up to every verdict and reason", () => {
  const [one, other] = ["1", "2"].map((process) => new MinuteCounters(process, () => assert.fail("lost")));
  for (let at = 0; at < 100; at++) {
    const counters = at % 2 === 0 ? one : other;
    counters?.count({ route: `GET /${at % 3}`, verdict: at % 5 === 0 ? FULL : IDENTICAL, latencyMs }, at * 1_000);
  }
  const totals = totalsOf([...(one?.rows() ?? []), ...(other?.rows() ?? [])]);
  assert.equal(totals.length, 3);
  const sum = (pick: (one: (typeof totals)[number]) => number | undefined): number =>
    totals.reduce((all, each) => all + (pick(each) ?? 0), 0);
  assert.equal(
    sum(({ sampled }) => sampled),
    100,
  );
  assert.equal(
    sum(({ verdicts }) => verdicts.identical),
    80,
  );
  assert.equal(
    sum(({ notCompared }) => notCompared.queue_full),
    20,
  );
  assert.equal(
    sum(({ latency }) => new LogHistogram(latency.candidate).total),
    100,
  );
});

test("a minute is kept until it is saved and over for a while, and forgotten after two hours without a store", () => {
  let lost = 0;
  const counters = new MinuteCounters("1", (minutes) => (lost += minutes));
  const count = (minute: number): void =>
    counters.count({ route: "GET /", verdict: IDENTICAL, latencyMs }, minute * 60_000);
  const told = (): string =>
    counters
      .rows()
      .map(({ minute, sampled }) => `${minute}:${sampled}`)
      .join(" ");
  for (const minute of [0, 1]) count(minute);
  assert.equal(told(), "0:1 1:1");
  counters.saved(60_000);
  assert.equal(told(), "", "saved, and nothing came since");
  count(0);
  assert.equal(told(), "0:2", "a late verdict counts on");
  count(0);
  counters.saved(600_000);
  assert.equal(told(), "0:3", "what came between asking and saving is not lost");
  counters.saved(600_000);
  count(0);
  assert.equal(told(), "2:1", "what is forgotten is not begun anew: it would replace what is saved");
  for (let minute = 3; minute <= 130; minute++) count(minute);
  assert.equal(lost, 9);
});

const CAMPAIGN: CampaignRow = {
  id: "c1",
  unit: "tutoring",
  controlBuild: "1.0",
  candidateBuild: "2.0",
  rulesHash: "abc",
  startedMs: 1_000,
};

const FAMILY: FamilyRow = {
  name: "f1",
  route: "GET /",
  template: "$.a",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "null",
  state: "open",
  differing: 3,
  groups: 2,
  confirmedBy: null,
  firstSeenMs: 1,
  lastSeenMs: 2,
  firstBuild: "2.0",
  lastBuild: "2.0",
};

const sample = (place: number, group: string, atMs = 5_000): SampleRow => ({
  family: "f1",
  place,
  group,
  atMs,
  body: { control: "text(3)#abc" },
});

function open(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "evidence-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "evidence.sqlite");
  return { file, store: openSqliteEvidence(file, () => 99_000) };
}

const checkpoint = (more: Partial<Checkpoint> = {}): Checkpoint => ({
  campaign: CAMPAIGN,
  process: "run-1",
  atMs: 6_000,
  minutes: [],
  families: [],
  samples: [],
  ...more,
});

const minutesOf = (process: string, atMs: number, calls: number) => {
  const counters = new MinuteCounters(process, () => {});
  for (let at = 0; at < calls; at++) counters.count({ route: "GET /", verdict: IDENTICAL, latencyMs }, atMs);
  return counters.rows();
};

const EVER = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

test("saving a minute again replaces it, processes add up, a window is exact to the minute", async (t) => {
  const { store } = open(t);
  await store.save(checkpoint({ minutes: minutesOf("run-1", 60_000, 3) }));
  await store.save(checkpoint({ minutes: minutesOf("run-1", 60_000, 5) }));
  await store.save(checkpoint({ process: "run-2", minutes: minutesOf("run-2", 120_000, 7) }));
  const sampled = async (fromMs: number, toMs: number) => (await store.totals("c1", { fromMs, toMs }))[0]?.sampled;
  assert.equal(await sampled(0, 1e9), 12);
  assert.equal(await sampled(0, 120_000), 5);
  assert.equal(await sampled(120_000, 180_000), 7);
  assert.deepEqual(await store.totals("other", EVER), []);
  await store.close();
});

test("families and samples are read as they were last saved; a person's samples can be removed", async (t) => {
  const { file, store } = open(t);
  await store.save(checkpoint({ families: [FAMILY], samples: [sample(0, "ann"), sample(1, "bob")] }));
  await store.save(checkpoint({ families: [{ ...FAMILY, differing: 9 }], samples: [sample(1, "eve")] }));
  assert.deepEqual(await store.families("c1"), [{ ...FAMILY, differing: 9 }]);
  assert.deepEqual(await store.samples("c1", "f1"), [sample(0, "ann"), sample(1, "eve")]);
  assert.equal(await store.removeGroup("ann"), 1);
  assert.deepEqual(await store.samples("c1", "f1"), [sample(1, "eve")]);
  assert.deepEqual(await store.campaigns("tutoring"), [CAMPAIGN]);
  assert.deepEqual(await store.campaigns("other"), []);
  assert.ok((await store.bytes()) > 0);
  await store.close();
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("shadow A2: a run that never ended leaves a gap from its last checkpoint on, an orderly one none", async (t) => {
  const { file, store } = open(t);
  await store.save(checkpoint({ process: "run-1", atMs: 10_000 }));
  const next = openSqliteEvidence(file, () => 25_000);
  await next.save(checkpoint({ process: "run-2", atMs: 20_000 }));
  await next.save(checkpoint({ process: "run-2", atMs: 21_000 }));
  assert.deepEqual(await next.gaps("c1"), [{ process: "run-1", fromMs: 10_000, toMs: 20_000 }]);
  await next.close();
  const last = openSqliteEvidence(file, () => 31_000);
  await last.save(checkpoint({ process: "run-3", atMs: 30_000 }));
  assert.equal((await last.gaps("c1")).length, 1);
  await last.close();
  await store.close();
});

test("shadow A2: several campaigns in one file end with their process, each", async (t) => {
  const { file, store } = open(t);
  const other = { ...CAMPAIGN, id: "c2", unit: "realtime" };
  for (const campaign of [CAMPAIGN, other, CAMPAIGN]) await store.save(checkpoint({ campaign, process: "run-1" }));
  await store.close();
  const next = openSqliteEvidence(file, () => 25_000);
  for (const campaign of [CAMPAIGN, other]) {
    await next.save(checkpoint({ campaign, process: "run-2", atMs: 20_000 }));
    assert.deepEqual(await next.gaps(campaign.id), []);
  }
  await next.close();
});

test("shadow §14: samples go after 7 days, minutes become hours after 30, hours go after 400", async (t) => {
  const { store } = open(t);
  const day = 86_400_000;
  const minutes = [0, 60_000, 3_600_000].flatMap((atMs) => minutesOf("run-1", atMs, 2));
  await store.save(
    checkpoint({ minutes, families: [FAMILY], samples: [sample(0, "ann", 0), sample(1, "ann", 5 * day)] }),
  );
  await store.expire(8 * day);
  assert.deepEqual(await store.samples("c1", "f1"), [sample(1, "ann", 5 * day)]);
  const sampled = async (toMs: number) => (await store.totals("c1", { fromMs: 0, toMs }))[0]?.sampled ?? 0;
  assert.equal(await sampled(60_000), 2);
  await store.expire(31 * day);
  await store.expire(31 * day);
  assert.equal(await sampled(60_000), 4, "the whole hour");
  assert.equal(await sampled(2 * 3_600_000), 6);
  await store.expire(402 * day);
  assert.equal(await sampled(2 * 3_600_000), 0);
  await store.close();
});

test("a file of another version is refused, and stays as it was", async (t) => {
  const { file, store } = open(t);
  await store.close();
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(file);
  db.exec("PRAGMA user_version = 99");
  db.close();
  assert.throws(() => openSqliteEvidence(file), /has format 99, expected 1/);
  assert.ok(existsSync(file));
});
