import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { SEVERITIES } from "../words.ts";
import { FAMILY_STATES } from "./families.ts";
import { mergeFamilies, mergeSamples } from "./mergeEvidence.ts";
import type { CampaignRow, Checkpoint, EvidenceStore, FamilyRow, SampleRow } from "./model.ts";
import { EvidenceProblem, readEvidence, type StoredEvidence } from "./readEvidence.ts";
import { openSqliteEvidence } from "./sqliteEvidence.ts";

const MINUTE_MS = 60_000;
const CAMPAIGN: CampaignRow = {
  id: "c1",
  unit: "orders",
  controlBuild: "1.0",
  candidateBuild: "2.0",
  rulesHash: "abc",
  startedMs: 10 * MINUTE_MS,
};
const FAMILY: FamilyRow = {
  name: "f1",
  route: "GET /",
  template: "$.a",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "text",
  state: "open",
  differing: 3,
  groups: 2,
  confirmedBy: null,
  firstSeenMs: 100,
  lastSeenMs: 200,
  firstBuild: "2.0",
  lastBuild: "2.0",
};

const sample = (place: number, group: string): SampleRow => ({
  family: "f1",
  place,
  group,
  atMs: place,
  body: { place },
});

const checkpoint = (minute: number, sampled: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  campaign: CAMPAIGN,
  process: "p",
  atMs: minute * MINUTE_MS,
  minutes: [
    {
      process: more.process ?? "p",
      minute,
      route: "GET /",
      sampled,
      verdicts: { identical: sampled },
      notCompared: {},
      latency: { control: { 10: sampled }, candidate: {} },
    },
  ],
  families: [],
  samples: [],
  ...more,
});

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-evidence-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A process that goes on writing. */
function writer(t: TestContext, folder: string, at: number): EvidenceStore {
  const store = openSqliteEvidence(join(folder, `shadow-${at}.sqlite3`));
  t.after(() => store.close());
  return store;
}

function reader(t: TestContext, folder: string): StoredEvidence {
  const evidence = readEvidence(folder);
  t.after(() => evidence.close());
  return evidence;
}

const WHOLE = { fromMs: 0, toMs: 1_000 * MINUTE_MS };

test("what several processes have stored adds up, while they run", async (t) => {
  const folder = folderOf(t);
  const [one, other] = [writer(t, folder, 1), writer(t, folder, 10)];
  const later: FamilyRow = {
    ...FAMILY,
    severity: "breaking",
    differing: 4,
    groups: 5,
    confirmedBy: "breaking",
    firstSeenMs: 50,
    firstBuild: "1.9",
    lastSeenMs: 150,
    lastBuild: "1.9",
  };
  await one.save(checkpoint(11, 5, { families: [FAMILY], samples: [0, 1, 2].map((at) => sample(at, `g${at}`)) }));
  const started = { ...CAMPAIGN, startedMs: 9 * MINUTE_MS };
  await other.save(
    checkpoint(12, 7, {
      campaign: started,
      process: "q",
      families: [later],
      samples: [sample(0, "g0"), sample(1, "g0")],
    }),
  );
  const evidence = reader(t, folder);
  assert.deepEqual(await evidence.campaigns("orders"), [{ ...started, untilMs: 13 * MINUTE_MS }]);
  assert.deepEqual(await evidence.campaigns("other"), []);
  const [totals] = await evidence.totals("c1", WHOLE);
  assert.deepEqual([totals?.sampled, totals?.verdicts.identical, totals?.latency.control["10"]], [12, 12, 12]);
  const firstOnly = await evidence.totals("c1", { fromMs: 0, toMs: 12 * MINUTE_MS });
  assert.equal(firstOnly[0]?.sampled, 5);
  const [family] = await evidence.families("c1");
  assert.deepEqual(family, {
    ...later,
    differing: 7,
    groups: 7,
    lastSeenMs: 200,
    lastBuild: "2.0",
  });
  const samples = await evidence.samples("c1", "f1");
  assert.deepEqual(
    samples.map(({ place, group }) => `${place}:${group}`),
    ["0:g0", "1:g0", "2:g1", "3:g2"],
    "a third sample of one group is left out",
  );
});

test("a reader sees one moment, holds up no writer, and leaves everything as it was", async (t) => {
  const folder = folderOf(t);
  const store = writer(t, folder, 0);
  await store.save(checkpoint(11, 5));
  const evidence = readEvidence(folder);
  const before = await evidence.totals("c1", WHOLE);
  await store.save(checkpoint(12, 7));
  assert.deepEqual(await evidence.totals("c1", WHOLE), before, "what comes later is for the next reader");
  const next = readEvidence(folder);
  assert.equal((await next.totals("c1", WHOLE))[0]?.sampled, 12);
  await evidence.close();
  await next.close();
  assert.equal((await store.totals("c1", WHOLE))[0]?.sampled, 12);
  assert.deepEqual(await store.gaps("c1"), [], "a reader is no process that ended");
});

test("a build that comes back is the newest campaign again, though it began earlier", async (t) => {
  const folder = folderOf(t);
  const store = writer(t, folder, 0);
  const newer = { ...CAMPAIGN, id: "c2", candidateBuild: "2.1", startedMs: 20 * MINUTE_MS };
  const ids = async (): Promise<string> => {
    const evidence = readEvidence(folder);
    const campaigns = await evidence.campaigns();
    await evidence.close();
    return campaigns.map(({ id }) => id).join(" ");
  };
  await store.save(checkpoint(20, 5));
  await store.save({ ...checkpoint(20, 1), campaign: { ...newer, startedMs: 20 * MINUTE_MS + 1 }, minutes: [] });
  assert.equal(await ids(), "c2 c1", "it has begun, though nothing was compared yet");
  await store.save(checkpoint(30, 5));
  assert.equal(await ids(), "c1 c2");
});

test("a gap is part of the time that the evidence speaks of", async (t) => {
  const folder = folderOf(t);
  const store = openSqliteEvidence(join(folder, "shadow-0.sqlite3"));
  await store.save(checkpoint(11, 5));
  const again = writer(t, folder, 0);
  await again.save({ ...checkpoint(40, 0), process: "next", minutes: [] });
  const evidence = reader(t, folder);
  assert.deepEqual(await evidence.gaps("c1"), [{ process: "p", fromMs: 11 * MINUTE_MS, toMs: 40 * MINUTE_MS }]);
  assert.equal((await evidence.campaigns())[0]?.untilMs, 40 * MINUTE_MS);
  await store.close();
});

test("what cannot be read says which file and why; a file that nothing was written to yet is none", async (t) => {
  const folder = folderOf(t);
  const problemOf = (place: string): readonly [string, string] => {
    try {
      readEvidence(place);
    } catch (error) {
      assert.ok(error instanceof EvidenceProblem);
      return [error.kind, error.message.replace(folder, "…")];
    }
    return ["none", ""];
  };
  assert.deepEqual(problemOf(join(folder, "nowhere")), ["missing", "There is no evidence of the shadow in …/nowhere."]);
  assert.deepEqual(problemOf(folder), ["missing", "There is no evidence of the shadow in …."]);
  new DatabaseSync(join(folder, "shadow-0.sqlite3")).close();
  writer(t, folder, 1);
  assert.deepEqual(await reader(t, folder).campaigns(), []);
  writeFileSync(
    join(folder, "shadow-2.sqlite3"),
    "no database, but long enough to be asked about its header".repeat(4),
  );
  assert.match(problemOf(folder).join(" "), /^unreadable …\/shadow-2\.sqlite3 cannot be read: file is not a database/);
  rmSync(join(folder, "shadow-2.sqlite3"));
  const strange = new DatabaseSync(join(folder, "shadow-3.sqlite3"));
  strange.exec("PRAGMA user_version = 99");
  strange.close();
  assert.match(problemOf(folder).join(" "), /shadow-3\.sqlite3 is not of this version of switchyard/);
});

test("of very many files the newest processes' are read, and the others are counted", (t) => {
  const folder = folderOf(t);
  for (let at = 1; at <= 258; at++) writeFileSync(join(folder, `shadow-${at}.sqlite3`), "");
  const evidence = reader(t, folder);
  assert.deepEqual([evidence.files.length, evidence.filesLeftOut], [256, 2]);
  assert.equal(evidence.files.at(-1), join(folder, "shadow-258.sqlite3"));
});

const families = fc.array(
  fc.record({
    name: fc.constantFrom("a", "b", "c"),
    severity: fc.constantFrom(...SEVERITIES),
    state: fc.constantFrom(...FAMILY_STATES),
    differing: fc.nat({ max: 1_000 }),
    groups: fc.nat({ max: 100 }),
    firstSeenMs: fc.nat(),
    lastSeenMs: fc.nat(),
  }),
  { maxLength: 20 },
);

test("the order of the files changes no figure of a family, and none is lost", () => {
  fc.assert(
    fc.property(families, (found) => {
      const rows = found.map((one): FamilyRow => ({ ...FAMILY, ...one }));
      const merged = mergeFamilies(rows);
      assert.deepEqual(merged, mergeFamilies(rows.toReversed()));
      const sum = (all: readonly FamilyRow[]): number => all.reduce((total, { differing }) => total + differing, 0);
      assert.equal(sum(merged), sum(rows));
      for (const one of merged) {
        const own = rows.filter(({ name }) => name === one.name);
        assert.equal(
          one.state === "fixed",
          own.every(({ state }) => state === "fixed"),
        );
      }
    }),
  );
});

test("of many samples twelve are kept, from every process, and two of a group", () => {
  const rows = (name: string): SampleRow[] => Array.from({ length: 12 }, (_, at) => sample(at, `${name}${at % 8}`));
  const kept = mergeSamples([rows("a"), rows("b"), rows("c")]);
  assert.deepEqual(
    kept.map(({ place }) => place),
    Array.from({ length: 12 }, (_, at) => at),
  );
  assert.equal(new Set(kept.map(({ group }) => group[0])).size, 3);
  fc.assert(
    fc.property(fc.array(fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f", "g"), { maxLength: 12 })), (files) => {
      const all = mergeSamples(files.map((groups) => groups.map((group, at) => sample(at, group))));
      assert.ok(all.length <= 12);
      for (const group of new Set(all.map((one) => one.group)))
        assert.ok(all.filter((one) => one.group === group).length <= 2);
    }),
  );
});
