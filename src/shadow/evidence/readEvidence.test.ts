import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import type { CampaignRow, Checkpoint, EvidenceStore, FamilyPart, SampleRow } from "./model.ts";
import { EvidenceProblem, readEvidence, type StoredEvidence } from "./readEvidence.ts";
import { openSqliteEvidence } from "./sqliteEvidence.ts";
import { memoryOf, rowOf } from "./testing/rows.ts";

const MINUTE_MS = 60_000;
const CAMPAIGN: CampaignRow = {
  id: "c1",
  unit: "orders",
  controlBuild: "1.0",
  candidateBuild: "2.0",
  rulesHash: "abc",
  startedMs: 10 * MINUTE_MS,
};
const FAMILY: FamilyPart = {
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
  isCarried: false,
  fixed: null,
  memory: memoryOf("ann", "bob"),
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
  groups: null,
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
  const later: FamilyPart = {
    ...FAMILY,
    severity: "breaking",
    differing: 4,
    groups: 5,
    confirmedBy: "breaking",
    firstSeenMs: 50,
    firstBuild: "1.9",
    lastSeenMs: 150,
    lastBuild: "1.9",
    memory: memoryOf("1", "2", "3", "4", "5"),
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
    ...rowOf(later),
    differing: 7,
    groups: 7,
    lastSeenMs: 200,
    lastBuild: "2.0",
  });
  const samples = await evidence.samples("c1", "f1");
  assert.deepEqual(
    samples.map(({ process, place, group }) => `${process}${place}:${group}`),
    ["p0:g0", "q0:g0", "p1:g1", "p2:g2"],
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
  assert.match(
    problemOf(folder).join(" "),
    /^unreadable …\/shadow-2\.sqlite3 cannot be read: the file of evidence is damaged/,
  );
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

test("what the last process says of a family holds, whatever older files say, and a group counts once", async (t) => {
  const folder = folderOf(t);
  const [before, now] = [writer(t, folder, 1), writer(t, folder, 2)];
  await before.save(checkpoint(11, 1, { families: [FAMILY] }));
  const accepted: FamilyPart = {
    ...FAMILY,
    state: "accepted",
    differing: 1,
    lastSeenMs: 300,
    memory: memoryOf("bob", "eve"),
  };
  await now.save(checkpoint(12, 1, { process: "q", families: [accepted] }));
  const [family] = await reader(t, folder).families("c1");
  assert.deepEqual([family?.state, family?.differing, family?.groups], ["accepted", 4, 3]);
});

test("of many samples twelve are kept, of more from who was offered more, and two of a group", async (t) => {
  const folder = folderOf(t);
  for (const [at, name] of ["a", "b", "c"].entries()) {
    const samples = Array.from({ length: 12 }, (_, place) => sample(place, place < 3 ? "loud" : `${name}${place}`));
    const memory = { ...memoryOf(), offered: name === "c" ? 1_000 : 12 };
    const families = [{ ...FAMILY, memory }];
    await writer(t, folder, at).save(checkpoint(11, 1, { process: name, families, samples }));
  }
  const kept = await reader(t, folder).samples("c1", "f1");
  assert.deepEqual([...(await reader(t, folder).allSamples("c1"))], [["f1", kept]]);
  assert.deepEqual([...(await reader(t, folder).allSamples("c2"))], []);
  assert.equal(kept.length, 12);
  assert.ok(kept.filter(({ group }) => group === "loud").length <= 2);
  assert.ok(kept.filter(({ process }) => process === "c").length >= 10);
});

test("hours that were summed do not make the evidence longer than its last minute, until they are all there is", async (t) => {
  const folder = folderOf(t);
  const store = writer(t, folder, 0);
  const untilMs = async (): Promise<number | undefined> => {
    const evidence = readEvidence(folder);
    const [campaign] = await evidence.campaigns();
    await evidence.close();
    return campaign?.untilMs;
  };
  await store.save(checkpoint(61, 5));
  await store.expire(200 * MINUTE_MS);
  assert.equal(await untilMs(), 62 * MINUTE_MS);
  await store.expire(40 * 86_400_000);
  assert.equal(await untilMs(), 120 * MINUTE_MS);
});

test("damage that shows only when it is read is told with the file's name", async (t) => {
  const folder = folderOf(t);
  const store = openSqliteEvidence(join(folder, "shadow-0.sqlite3"));
  const samples = Array.from({ length: 12 }, (_, at) => ({ ...sample(at, `g${at}`), body: "x".repeat(50_000) }));
  await store.save(checkpoint(11, 5, { families: [FAMILY], samples }));
  await store.close();
  const file = join(folder, "shadow-0.sqlite3");
  const whole = readFileSync(file);
  writeFileSync(file, whole.fill(0xff, 4_096));
  const evidence = reader(t, folder);
  await assert.rejects(evidence.samples("c1", "f1"), (error) => {
    return error instanceof EvidenceProblem && /shadow-0\.sqlite3 cannot be read: .*damaged/.test(error.message);
  });
});
