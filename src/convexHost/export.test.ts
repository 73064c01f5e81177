import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Value } from "convex/values";
import { createCommitQueue } from "./commitQueue.ts";
import { dataPathsOf } from "./dataDir.ts";
import { createDiskFiles } from "./diskFiles.ts";
import { exportSnapshot } from "./export.ts";
import { importSnapshot } from "./import.ts";
import { createProcessLock } from "./processLock.ts";
import { createSqliteStore } from "./sqliteStore.ts";
import { collect, makeTempDir, queryOf, schemaOf } from "./testing/tempStore.ts";

const EVERY_VALUE: Record<string, Value> = {
  nothing: null,
  int: -(2n ** 63n),
  float: 1.5,
  negativeZero: -0,
  notANumber: Number.NaN,
  endless: Number.POSITIVE_INFINITY,
  yes: true,
  text: "line\nbreak \u2028 \0 🙂",
  bytes: new Uint8Array([0, 255, 10]).buffer,
  list: [1, [2n], {}],
  nested: { a: { b: null } },
};

/** A data directory with tables in the app and in a nested component, files in both, and a pending job. */
async function makeData(t: TestContext) {
  const root = makeTempDir(t);
  const data = dataPathsOf(path.join(root, "data"));
  mkdirSync(data.dir);
  const clock = () => 1_750_000_000_000;
  const store = createSqliteStore(data.store, { clock });
  store.applySchemas(
    new Map([
      ["", schemaOf({ name: "items", indexes: [{ name: "by_rank", fields: ["rank"] }] })],
      ["mail", schemaOf()],
      ["mail/queue", schemaOf({ name: "items" })],
    ]),
  );
  const queue = createCommitQueue(store, { clock });
  const files = createDiskFiles({ dir: data.files, queue, clock, components: () => ["", "mail", "mail/queue"] });
  const { value: ids } = await queue.run(async (transaction) => {
    const first = transaction.insert("", "items", { rank: 1, ...EVERY_VALUE });
    const second = transaction.insert("", "items", { rank: 2, refersTo: first });
    const nested = transaction.insert("mail/queue", "items", { of: "component" });
    transaction.insert("", "_scheduled_functions", {
      name: "m:x",
      args: [{}],
      scheduledTime: 1,
      state: { kind: "pending" },
    });
    return { first, second, nested };
  }, true);
  const appFile = await files.storeBytes(Buffer.from("hello"), "text/plain");
  const mailFile = await files.storeBytes(Buffer.alloc(100_000, 7), null, "mail");
  store.close();
  return { root, data, ids: { ...ids, appFile, mailFile } };
}

async function open(t: TestContext, dataDir: string) {
  const data = dataPathsOf(dataDir);
  const clock = () => 1_750_000_000_000;
  const store = createSqliteStore(data.store, { clock });
  t.after(() => store.close());
  const queue = createCommitQueue(store, { clock });
  const files = createDiskFiles({ dir: data.files, queue, clock, components: () => ["", "mail", "mail/queue"] });
  const read = async (component: string, table: string) =>
    (await queue.run(async (transaction) => collect(transaction, queryOf(table), component), false)).value;
  return { store, queue, files, read };
}

const linesOf = (file: string) =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("a snapshot holds a line per document with its id and creation time, the table numbers, and the files", async (t) => {
  const { root, data, ids } = await makeData(t);
  const out = path.join(root, "out");
  const result = await exportSnapshot(data.dir, out);
  assert.deepEqual(result, { tables: 2, documents: 3, files: 2, jobsLeftOut: 1 });
  const items = linesOf(path.join(out, "items/documents.jsonl"));
  assert.deepEqual(
    items.map(({ _id }) => _id),
    [ids.first, ids.second],
  );
  assert.ok(items.every(({ _creationTime }) => typeof _creationTime === "number"));
  assert.deepEqual(items[0]?.["int"], { $integer: "AAAAAAAAAIA=" });
  assert.deepEqual(
    linesOf(path.join(out, "_tables/documents.jsonl"))
      .map(({ name }) => name)
      .toSorted(),
    ["_storage", "items"],
  );
  assert.equal(readFileSync(path.join(out, "_storage", ids.appFile), "utf8"), "hello");
  assert.equal(linesOf(path.join(out, "_storage/documents.jsonl"))[0]?.["_id"], ids.appFile);
  assert.ok(existsSync(path.join(out, "_components/mail/_components/queue/items/documents.jsonl")));
  assert.ok(existsSync(path.join(out, "_components/mail/_storage", ids.mailFile)));
  assert.equal(existsSync(path.join(out, "_scheduled_functions")), false);
  assert.deepEqual(readdirSync(root).toSorted(), ["data", "out"]);
});

test("what is imported is the same: values of every kind, ids, creation times, files, component by component", async (t) => {
  const { root, data, ids } = await makeData(t);
  const before = await open(t, data.dir);
  const expected = await Promise.all([
    before.read("", "items"),
    before.read("mail/queue", "items"),
    before.read("mail", "_storage"),
  ]);
  before.store.close();
  await exportSnapshot(data.dir, path.join(root, "out"));
  const copy = path.join(root, "copy");
  assert.deepEqual(await importSnapshot(path.join(root, "out"), copy), { tables: 2, documents: 3, files: 2 });
  const after = await open(t, copy);
  const found = await Promise.all([
    after.read("", "items"),
    after.read("mail/queue", "items"),
    after.read("mail", "_storage"),
  ]);
  assert.deepEqual(found, expected);
  assert.equal(after.store.tableOf("", ids.first), "items");
  assert.equal(after.store.tableOf("mail/queue", ids.nested), "items");
  assert.equal(after.store.tableOf("", ids.nested), null);
  assert.equal(String((await after.files.read(ids.appFile))?.bytes), "hello");
  assert.equal((await after.files.read(ids.mailFile))?.bytes.length, 100_000);
  assert.equal(await after.files.sweepOrphans(), 0);
});

test("after an import the directory works: schemas apply, new documents are newer and have ids of their own", async (t) => {
  const { root, data, ids } = await makeData(t);
  await exportSnapshot(data.dir, path.join(root, "out"));
  await importSnapshot(path.join(root, "out"), path.join(root, "copy"));
  const { store, queue } = await open(t, path.join(root, "copy"));
  store.applySchemas(new Map([["", schemaOf({ name: "items", indexes: [{ name: "by_rank", fields: ["rank"] }] })]]));
  const { value: found } = await queue.run(async (transaction) => {
    transaction.insert("", "items", { rank: 3 });
    transaction.insert("", "notes", {});
    transaction.insert("", "_scheduled_functions", {
      name: "m:x",
      args: [{}],
      scheduledTime: 1,
      state: { kind: "pending" },
    });
    return collect(transaction, queryOf("items.by_rank", { range: [["Gte", "rank", 2]] }));
  }, true);
  assert.equal(found[0]?._id, ids.second);
  assert.ok(found[1]!._creationTime > found[0]._creationTime);
  const numbers = store.catalog.all().map((table) => table.number);
  assert.equal(new Set(numbers).size, numbers.length);
});

test("a snapshot as Convex's own tool unpacks it is read: extensions, schema files, no line for _storage, base64 digests", async (t) => {
  const { root, data, ids } = await makeData(t);
  const out = path.join(root, "out");
  await exportSnapshot(data.dir, out);
  rmSync(path.join(out, "_components"), { recursive: true });
  writeFileSync(path.join(out, "items/generated_schema.jsonl"), '"uniform"\n');
  const tables = linesOf(path.join(out, "_tables/documents.jsonl")).filter(({ name }) => name !== "_storage");
  writeFileSync(path.join(out, "_tables/documents.jsonl"), `${JSON.stringify(tables[0])}\n\n`);
  const [row] = linesOf(path.join(out, "_storage/documents.jsonl"));
  const sha256 = createHash("sha256").update("hello").digest("base64");
  writeFileSync(path.join(out, "_storage/documents.jsonl"), JSON.stringify({ ...row, sha256, internalId: "x" }));
  writeFileSync(path.join(out, "_storage", `${ids.appFile}.txt`), "hello");
  rmSync(path.join(out, "_storage", ids.appFile));
  assert.deepEqual(await importSnapshot(out, path.join(root, "copy")), { tables: 1, documents: 2, files: 1 });
  const { files } = await open(t, path.join(root, "copy"));
  assert.equal(String((await files.read(ids.appFile))?.bytes), "hello");
});

test("zipped, it is a zip with the folders at its top", {
  skip: !existsSync("/usr/bin/zip") && "no zip here",
}, async (t) => {
  const { root, data } = await makeData(t);
  const out = path.join(root, "out");
  await exportSnapshot(data.dir, out);
  execFileSync("zip", ["-qr", "../snapshot.zip", "."], { cwd: out });
  const names = execFileSync("unzip", ["-Z1", "snapshot.zip"], { cwd: root, encoding: "utf8" }).split("\n");
  assert.ok(names.includes("items/documents.jsonl") && names.includes("_tables/documents.jsonl"));
});

test("an import tells file and line of what is wrong, and leaves nothing", async (t) => {
  const { root, data, ids } = await makeData(t);
  const out = path.join(root, "out");
  await exportSnapshot(data.dir, out);
  const items = path.join(out, "items/documents.jsonl");
  const good = readFileSync(items, "utf8");
  const copy = path.join(root, "copy");
  const refuses = async (expected: RegExp): Promise<void> => {
    await assert.rejects(importSnapshot(out, copy), expected);
    assert.equal(existsSync(copy), false);
    assert.deepEqual(readdirSync(root).toSorted(), ["data", "out"]);
  };
  writeFileSync(items, `${good}{"_id":`);
  await refuses(/items\/documents\.jsonl:3: .*JSON/);
  writeFileSync(items, `${good}{"_id":"${ids.appFile}","_creationTime":1}`);
  await refuses(/items\/documents\.jsonl:3: _id: expected an id of table \d+, got "\w+", which is of table \d+/);
  writeFileSync(items, `${good}${good}`);
  await refuses(/items\/documents\.jsonl:3: .*UNIQUE/);
  writeFileSync(items, `${good}{"_id":"${ids.first}","_creationTime":"now"}`);
  await refuses(/:3: _creationTime: expected epoch ms/);
  writeFileSync(items, good);
  mkdirSync(path.join(out, "strangers"));
  await refuses(/strangers: expected only tables that/);
  rmSync(path.join(out, "strangers"), { recursive: true });
  writeFileSync(path.join(out, "_storage", ids.appFile), "hallo");
  await refuses(/_storage\/documents\.jsonl:1: .*its SHA-256 is not/);
  rmSync(path.join(out, "_storage", ids.appFile));
  await refuses(/_storage\/documents\.jsonl:1: expected a file/);
});

test("imports only into an empty directory, exports only to one", async (t) => {
  const { root, data } = await makeData(t);
  const out = path.join(root, "out");
  await exportSnapshot(data.dir, out);
  await assert.rejects(importSnapshot(out, data.dir), /expected an empty directory, or none/);
  await assert.rejects(exportSnapshot(data.dir, out), /expected an empty directory, or none/);
  mkdirSync(path.join(root, "empty"));
  await importSnapshot(out, path.join(root, "empty"));
  assert.ok(statSync(path.join(root, "empty", "data.sqlite3")).size > 0);
  assert.equal(statSync(path.join(root, "empty")).mode & 0o777, 0o700);
});

test("does not export what a running host works on, nor what is no data directory", async (t) => {
  const { root, data } = await makeData(t);
  const lock = createProcessLock(data.dir);
  await assert.rejects(exportSnapshot(data.dir, path.join(root, "out")), /in use by another process/);
  lock.release();
  await assert.rejects(exportSnapshot(root, path.join(root, "out")), /expected the data directory of an embedded host/);
  assert.equal(existsSync(path.join(root, "out")), false);
});

test("two components with the same table number cannot both be told from ids, so they are refused", async (t) => {
  const { root, data } = await makeData(t);
  const out = path.join(root, "out");
  await exportSnapshot(data.dir, out);
  const child = path.join(out, "_components/mail/_components/queue/_tables/documents.jsonl");
  const items = linesOf(path.join(out, "_tables/documents.jsonl")).find(({ name }) => name === "items");
  writeFileSync(child, JSON.stringify(items));
  await assert.rejects(
    importSnapshot(out, path.join(root, "copy")),
    /tables items and mail\/queue\/items both have the number/,
  );
});
