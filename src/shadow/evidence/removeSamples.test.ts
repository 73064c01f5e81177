// Files without a compare thread (shadow P5, §14), as it leaves them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { createGroupPrint } from "./fingerprint.ts";
import { removeSamples, type SampleRemovalAsked } from "./removeSamples.ts";
import { openSqliteEvidence, openSqliteReader } from "./sqliteEvidence.ts";
import { CAMPAIGN, checkpoint, FAMILY, sample } from "./testing/rows.ts";

const KEY = new Uint8Array(32).fill(3);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-forget-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const fileOf = (folder: string, at: number): string => join(folder, `shadow-${at}.sqlite3`);
const printOf = (subject: string, campaign = CAMPAIGN.id): string => createGroupPrint(KEY, campaign)(subject);

async function leave(file: string, campaign: string, subjects: readonly string[]): Promise<void> {
  const store = openSqliteEvidence(file);
  const samples = subjects.map((subject, place) => sample(place, printOf(subject, campaign)));
  await store.save(checkpoint({ campaign: { ...CAMPAIGN, id: campaign }, families: [FAMILY], samples }));
  await store.close();
}

async function samplesIn(file: string, campaign: string): Promise<number> {
  const reader = openSqliteReader(file);
  const { length } = await reader.samples(campaign, "f1");
  await reader.close();
  return length;
}

const ask = (stateDir: string, more: Partial<SampleRemovalAsked> = {}) =>
  removeSamples({
    stateDir,
    except: new Set(),
    storeUrl: null,
    printKey: KEY,
    subject: "ann",
    isLate: () => false,
    ...more,
  });

test("a subject is found in all files and campaigns, others stay, and asking again finds nothing", async (t) => {
  const folder = folderOf(t);
  await leave(fileOf(folder, 0), "c1", ["ann", "bob"]);
  await leave(fileOf(folder, 1), "c1", ["ann", "ann"]);
  await leave(fileOf(folder, 2), "c2", ["bob", "ann"]);
  await leave(fileOf(folder, 9), "c3", ["ann"]);
  const removed = await ask(folder, { except: new Set(["shadow-9.sqlite3"]) });
  assert.deepEqual(removed, { samples: 4, campaigns: ["c1", "c2"], left: [] });
  assert.equal(await samplesIn(fileOf(folder, 0), "c1"), 1);
  assert.equal(await samplesIn(fileOf(folder, 1), "c1"), 0);
  assert.equal(await samplesIn(fileOf(folder, 2), "c2"), 1);
  assert.equal(await samplesIn(fileOf(folder, 9), "c3"), 1, "its writer does it");
  assert.deepEqual(await ask(folder), { samples: 1, campaigns: ["c3"], left: [] });
  assert.deepEqual(await ask(folder), { samples: 0, campaigns: [], left: [] });
});

test("where nothing was ever stored nothing is removed, and nothing is made", async (t) => {
  const nowhere = join(folderOf(t), "none");
  assert.deepEqual(await ask(nowhere), { samples: 0, campaigns: [], left: [] });
});

test("files that are held, damaged, of another version or not looked at in time are named; empty ones are not", async (t) => {
  const folder = folderOf(t);
  for (let at = 1; at <= 4; at++) await leave(fileOf(folder, at), "c1", ["ann"]);
  truncateSync(fileOf(folder, 1), 10_000);
  const newer = new DatabaseSync(fileOf(folder, 2));
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  const holder = new DatabaseSync(fileOf(folder, 3));
  holder.exec("BEGIN IMMEDIATE");
  writeFileSync(fileOf(folder, 5), "");
  const aside = "shadow-0.sqlite3.broken-2026-01-01T00-00-00-000Z";
  writeFileSync(join(folder, aside), "?");
  const first = await ask(folder);
  holder.exec("ROLLBACK");
  holder.close();
  const broken = [
    { where: "shadow-1.sqlite3", why: "broken" },
    { where: "shadow-2.sqlite3", why: "format" },
  ];
  const moved = { where: aside, why: "broken" };
  assert.deepEqual(first, {
    samples: 1,
    campaigns: ["c1"],
    left: [...broken, { where: "shadow-3.sqlite3", why: "busy" }, moved],
  });
  assert.deepEqual(await ask(folder), { samples: 1, campaigns: ["c1"], left: [...broken, moved] });
  const late = await ask(folder, { isLate: () => true });
  assert.deepEqual(
    late.left.slice(0, -1).map(({ why }) => why),
    ["late", "late", "late", "late", "late"],
  );
});
