import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeId, tableNumberOf } from "./ids.ts";
import { createSqliteStore } from "./sqliteStore.ts";
import { collect, makeTempDir, openTempStore, queryOf, schemaOf } from "./testing/tempStore.ts";

test("the file is a write-ahead log that is flushed at every COMMIT", (t) => {
  const { store } = openTempStore(t);
  assert.equal(store.sql("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
  assert.equal(store.sql("PRAGMA synchronous").get()?.["synchronous"], 2);
});

test("a statement is prepared once", (t) => {
  const { store } = openTempStore(t);
  assert.equal(store.sql("SELECT 1"), store.sql("SELECT 1"));
});

test("timestamps and creation times only grow, within a millisecond and with a clock that stands still or goes back", async (t) => {
  const temp = openTempStore(t, [{}]);
  const insert = () => temp.write((transaction) => transaction.get("", "items", transaction.insert("", "items", {})));
  let [lastTs, lastCreation] = [0n, 0];
  for (const step of [0, 0, 5, -60_000, 0, 1, -1, 120_000, 0]) {
    temp.nowMs += step;
    const { ts, value } = await insert();
    // Apart by a whole microsecond too, for who shows no more of them.
    assert.ok(ts / 1_000n > lastTs / 1_000n);
    assert.ok((value?._creationTime ?? 0) > lastCreation);
    [lastTs, lastCreation] = [ts, value?._creationTime ?? 0];
  }
  assert.equal(lastTs / 1_000_000n, BigInt(temp.nowMs));
});

test("timestamps and creation times do not go back over a restart, whatever the clock says then", async (t) => {
  const temp = openTempStore(t, [{}]);
  const before = await temp.write((transaction) => transaction.get("", "items", transaction.insert("", "items", {})));
  temp.nowMs -= 365 * 86_400_000;
  temp.reopen();
  assert.equal(temp.store.ts, before.ts);
  assert.equal(temp.queue.ts, before.ts);
  const after = await temp.write((transaction) => transaction.get("", "items", transaction.insert("", "items", {})));
  assert.ok(after.ts > before.ts);
  assert.ok((after.value?._creationTime ?? 0) > (before.value?._creationTime ?? Number.POSITIVE_INFINITY));
});

test("a new deployment starts at its clock's time", (t) => {
  const temp = openTempStore(t);
  assert.equal(temp.store.ts, BigInt(temp.nowMs) * 1_000_000n);
});

test("documents, ids and tables are there again after a restart", async (t) => {
  const temp = openTempStore(t, [{ indexes: [{ name: "by_n", fields: ["n"] }] }]);
  const { value: id } = await temp.write((transaction) => transaction.insert("", "items", { n: 7 }));
  temp.reopen();
  assert.equal(temp.store.tableOf("", id), "items");
  const { value } = await temp.read((transaction) => collect(transaction, queryOf("items.by_n")));
  assert.deepEqual(
    value.map((document) => [document._id, document["n"]]),
    [[id, 7]],
  );
});

test("closing leaves nothing in the write-ahead log", async (t) => {
  const temp = openTempStore(t, [{}]);
  await temp.write((transaction) => transaction.insert("", "items", {}));
  assert.ok(statSync(`${temp.file}-wal`).size > 0);
  temp.store.close();
  assert.throws(() => statSync(`${temp.file}-wal`), /ENOENT/);
  temp.store.close();
});

test("an id is one only in the component and for the table that it belongs to", async (t) => {
  const temp = openTempStore(t);
  temp.store.applySchemas(
    new Map([
      ["", schemaOf({ name: "items" })],
      ["mail", schemaOf({ name: "items" })],
    ]),
  );
  const { value: mine } = await temp.write((transaction) => transaction.insert("", "items", {}));
  const { value: theirs } = await temp.write((transaction) => transaction.insert("mail", "items", {}));
  assert.notEqual(tableNumberOf(mine), tableNumberOf(theirs));
  assert.equal(temp.store.tableOf("", mine), "items");
  assert.equal(temp.store.tableOf("mail", mine), null);
  assert.equal(temp.store.tableOf("", theirs), null);
  assert.equal(temp.store.tableOf("", "not an id"), null);
  assert.equal(temp.store.tableOf("", encodeId(999_999)), null);
});

test("a table's number is never used again", async (t) => {
  const temp = openTempStore(t, [{ name: "first" }]);
  const { value: first } = await temp.write((transaction) => transaction.insert("", "first", {}));
  temp.store.applySchemas(new Map([["", schemaOf({ name: "second" })]]));
  const { value: second } = await temp.write((transaction) => transaction.insert("", "second", {}));
  temp.store.applySchemas(new Map([["", schemaOf({ name: "first" })]]));
  const { value: again } = await temp.write((transaction) => transaction.insert("", "first", {}));
  assert.notEqual(tableNumberOf(first), tableNumberOf(second));
  assert.equal(tableNumberOf(first), tableNumberOf(again));
});

test("a group that is rolled back takes counters and tables with it", (t) => {
  const { store } = openTempStore(t);
  const before = store.ts;
  store.begin(true);
  store.takeTs(Number(before / 1_000_000n) + 10);
  store.catalog.declare("", "made");
  store.rollback();
  assert.equal(store.ts, before);
  assert.equal(store.catalog.find("", "made"), undefined);
  assert.equal(store.isInTransaction, false);
});

test("schemas are not applied in the middle of a transaction", async (t) => {
  const temp = openTempStore(t);
  await temp.write(() => {
    assert.throws(() => temp.store.applySchemas(new Map()), /between transactions/);
  });
});

test("a file that is none of SQLite's is refused", (t) => {
  const file = join(makeTempDir(t), "data.sqlite3");
  writeFileSync(file, "not a database, but long enough to be taken for one ".repeat(100));
  assert.throws(() => createSqliteStore(file, { clock: Date.now }), /not a database/);
});

test("a file of another format is refused, and left as it is", (t) => {
  const temp = openTempStore(t);
  temp.store.sql("PRAGMA user_version = 99").run();
  assert.throws(() => temp.reopen(), /has format 99, expected 1/);
});

test("a table may bring the number that its ids have already", async (t) => {
  const temp = openTempStore(t);
  temp.store.begin(true);
  temp.store.catalog.declare("", "imported", 20_000);
  temp.store.commit();
  temp.reopen();
  const { value: id } = await temp.write((transaction) => transaction.insert("", "imported", {}));
  assert.equal(tableNumberOf(id), 20_000);
  const { value: next } = await temp.write((transaction) => transaction.insert("", "next", {}));
  assert.equal(tableNumberOf(next), 20_001);
});
