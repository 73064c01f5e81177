import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { EvidenceError } from "./evidenceError.ts";
import { Siblings } from "./siblings.ts";
import { openSqliteEvidence, openSqliteReader } from "./sqliteEvidence.ts";
import { checkpoint, DAY_MS, FAMILY, sample } from "./testing/rows.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 20 * DAY_MS;

function folderOf(t: TestContext): (at: number) => string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-siblings-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return (at) => join(folder, `shadow-${at}.sqlite3`);
}

/** Of a process that ended, last written at that time. */
async function leave(file: string, writtenMs: number): Promise<void> {
  const store = openSqliteEvidence(file);
  await store.save(checkpoint({ atMs: DAY_MS, families: [FAMILY], samples: [sample(0, "ann", DAY_MS)] }));
  await store.close();
  utimesSync(file, writtenMs / 1_000, writtenMs / 1_000);
}

async function samplesIn(file: string): Promise<number> {
  const reader = openSqliteReader(file);
  const { length } = await reader.samples("c1", "f1");
  await reader.close();
  return length;
}

test("what is over its time goes from files of processes that run no more, and from none that was written within an hour", async (t) => {
  const file = folderOf(t);
  for (const at of [0, 1]) await leave(file(at), NOW_MS - 2 * HOUR_MS);
  await leave(file(2), NOW_MS - HOUR_MS / 2);
  const living = openSqliteEvidence(file(3));
  t.after(() => living.close());
  await living.save(checkpoint({ families: [FAMILY], samples: [sample(0, "ann", DAY_MS)] }));
  utimesSync(file(3), 1, 1);
  await new Siblings(file(0)).expire(NOW_MS);
  assert.deepEqual(await Promise.all([0, 1, 2, 3].map((at) => samplesIn(file(at)))), [1, 0, 1, 1]);
  const reader = openSqliteReader(file(1));
  assert.deepEqual(await reader.gaps("c1"), [], "who looks is no run");
  await reader.close();
});

test("files that are damaged, empty or of another version stay as they are; the others get their turn, and damage is told", async (t) => {
  const file = folderOf(t);
  await leave(file(1), NOW_MS);
  truncateSync(file(1), 10_000);
  writeFileSync(file(2), "");
  await leave(file(3), NOW_MS);
  for (const at of [1, 2, 3]) utimesSync(file(at), 1, 1);
  const before = readFileSync(file(1));
  const siblings = new Siblings(file(0));
  await assert.rejects(siblings.expire(NOW_MS), (error) => error instanceof EvidenceError && error.code === "broken");
  assert.deepEqual(readFileSync(file(1)), before);
  assert.equal(readFileSync(file(2)).length, 0);
  assert.equal(await samplesIn(file(3)), 0);
  assert.deepEqual(
    readdirSync(join(file(0), "..")).filter((name) => !/-(?:wal|shm)$/.test(name)),
    [1, 2, 3].map((at) => `shadow-${at}.sqlite3`),
  );
  await siblings.expire(NOW_MS + 1);
});

test("of many files some are looked at a time, until all were", async (t) => {
  const file = folderOf(t);
  for (let at = 1; at <= 20; at++) await leave(file(at), 1);
  const siblings = new Siblings(file(0));
  const left = async (): Promise<number> => {
    let sum = 0;
    for (let at = 1; at <= 20; at++) sum += await samplesIn(file(at));
    return sum;
  };
  await siblings.expire(NOW_MS);
  assert.equal(await left(), 4);
  for (let at = 1; at <= 20; at++) utimesSync(file(at), 1, 1);
  await siblings.expire(NOW_MS + 1);
  assert.equal(await left(), 0);
  siblings.stop();
});
