import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { EvidenceError, type EvidenceErrorCode } from "./evidenceError.ts";
import { SqliteDatabase } from "./sqliteDatabase.ts";
import { openSqliteEvidence, openSqliteReader } from "./sqliteEvidence.ts";
import { CAMPAIGN, checkpoint, DAY_MS, FAMILY, minutesOf, sample } from "./testing/rows.ts";
import { storeContract } from "./testing/storeContract.ts";

function newFile(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "evidence-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, "evidence.sqlite");
}

storeContract(
  "SQLite",
  (t) => {
    const file = newFile(t);
    return Promise.resolve({
      open: (options = {}) => openSqliteEvidence(file, options),
      reader: () => openSqliteReader(file),
      tamper: (sql) => {
        const db = new DatabaseSync(file);
        db.exec(sql);
        db.close();
        return Promise.resolve();
      },
    });
  },
  60,
);

const withCode =
  (code: EvidenceErrorCode) =>
  (error: unknown): boolean =>
    error instanceof EvidenceError && error.code === code;

test("a file of another version is refused, and stays as it was", async (t) => {
  const file = newFile(t);
  await openSqliteEvidence(file).close();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const db = new DatabaseSync(file);
  db.exec("PRAGMA user_version = 99");
  db.close();
  assert.throws(() => openSqliteEvidence(file), withCode("format"));
  assert.throws(() => openSqliteEvidence(file), /has format 99, expected 3/);
  assert.deepEqual(readdirSync(join(file, "..")), ["evidence.sqlite"]);
});

test("a full file rejects by name, keeps what it had, and goes on when room was made", async (t) => {
  const file = newFile(t);
  const store = openSqliteEvidence(file, { bytesMax: 400_000 });
  const large = (place: number) => ({ ...sample(place, `g${place}`), body: "x".repeat(20_000) });
  let saved = 0;
  const fill = async (): Promise<void> => {
    for (; ; saved++) await store.save(checkpoint({ families: [FAMILY], samples: [large(saved)] }));
  };
  await assert.rejects(fill(), withCode("full"));
  assert.ok(saved > 3);
  await assert.rejects(store.save(checkpoint({ samples: [large(saved)] })), withCode("full"));
  assert.equal((await store.resume({ id: "c1", unit: "tutoring" })).seats.get("f1")?.length, Math.min(saved, 12));
  await store.expire(8 * DAY_MS);
  await store.save(checkpoint({ samples: [large(saved)] }));
  assert.equal((await store.samples("c1", "f1")).length, 1);
  await store.close();
});

test("a damaged file is moved aside when it is opened, a new one begins, and the caller is told", async (t) => {
  const file = newFile(t);
  const store = openSqliteEvidence(file);
  await store.save(checkpoint({ families: [FAMILY], minutes: minutesOf("run-1", 60_000, 3) }));
  await store.close();
  const told: string[] = [];
  const onMovedAside = (aside: string): void => void told.push(aside);
  const whole = statSync(file).size;
  for (const [at, damage] of [
    () => truncateSync(file, whole / 2),
    () => truncateSync(file, whole / 2 + 100),
    () => writeFileSync(file, "this is no database, however long one looks at it".repeat(100)),
    () => truncateSync(file, 10),
    () => writeFileSync(file, "x".repeat(40_000), { flag: "r+" }),
  ].entries()) {
    damage();
    const next = openSqliteEvidence(file, { onMovedAside, now: () => at * 1_000 });
    assert.equal(told.length, at + 1);
    assert.ok(existsSync(told[at] ?? ""));
    await next.save(checkpoint({ families: [FAMILY] }));
    assert.equal((await next.families("c1")).length, 1);
    await next.close();
  }
  assert.match(told[0] ?? "", /evidence\.sqlite\.broken-1970-01-01T00-00-00-000Z$/);
  assert.equal(readdirSync(join(file, "..")).filter((name) => name.includes("broken")).length, 3, "the newest");
});

test("damage that shows later rejects once, and the next save begins a new file with a gap of what is lost", async (t) => {
  const file = newFile(t);
  const told: string[] = [];
  const onMovedAside = (aside: string): void => void told.push(aside);
  const store = openSqliteEvidence(file, { onMovedAside, now: () => 50_000 });
  const samples = Array.from({ length: 12 }, (_, at) => ({ ...sample(at, `g${at}`), body: "x".repeat(50_000) }));
  await store.save(checkpoint({ families: [FAMILY], samples }));
  await store.expire(10_000);
  truncateSync(file, 8_192);
  await assert.rejects(store.samples("c1", "f1"), withCode("broken"));
  await store.save(checkpoint({ atMs: 51_000, families: [FAMILY] }));
  assert.equal(told.length, 1);
  assert.equal((await store.families("c1")).length, 1);
  assert.deepEqual(await store.gaps("c1"), [{ process: "", fromMs: CAMPAIGN.startedMs, toMs: 50_000 }]);
  await store.close();
});

test("a file that is held by another rejects by name, and so does one that may only be read", async (t) => {
  const file = newFile(t);
  const store = openSqliteEvidence(file);
  await store.save(checkpoint());
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(store.save(checkpoint()), withCode("busy"));
  other.exec("ROLLBACK");
  other.close();
  await store.save(checkpoint());
  const options = { file, isReader: true, bytesMax: 1e9, now: () => 0, onMovedAside: () => {} };
  const reader = new SqliteDatabase(options);
  const write = reader.write("rows", (sql) => sql.run("DELETE FROM gaps"));
  await assert.rejects(write, withCode("read_only"));
  await reader.close();
  await store.close();
  await assert.rejects(store.save(checkpoint()), withCode("lost"));
  assert.throws(() => openSqliteReader(`${file}.none`), withCode("lost"));
  assert.throws(() => openSqliteEvidence(join(file, "none", "evidence.sqlite")), EvidenceError);
});

test("shadow P5: what was removed on request is in the file no more, nor in its log", async (t) => {
  const file = newFile(t);
  const key = new Uint8Array(32).fill(7);
  const store = openSqliteEvidence(file, { bodies: { key } });
  const told = (place: number, group: string) => {
    return { ...sample(place, group), body: `MARK-${group}-`.repeat(place < 50 ? 20 : 2_000) };
  };
  const samples = Array.from({ length: 60 }, (_, place) => told(place, place % 3 === 0 ? "ann" : "bob"));
  await store.save(checkpoint({ families: [FAMILY], samples }));
  const holds = (text: string): boolean =>
    ["", "-wal"].some((part) => existsSync(file + part) && readFileSync(file + part).includes(text));
  assert.ok(holds("MARK-ann") && holds("MARK-bob"));
  assert.equal((await store.removeGroup(() => "ann")).samples, 20);
  assert.deepEqual([holds("MARK-ann"), holds("MARK-bob")], [false, true]);
  await store.close();
});
