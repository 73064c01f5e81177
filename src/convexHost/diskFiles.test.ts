import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { createCommitQueue } from "./commitQueue.ts";
import { createDiskFiles, type DiskFiles } from "./diskFiles.ts";
import { encodeId } from "./ids.ts";
import type { CommitQueue, Transaction } from "./ports.ts";
import { createSqliteStore, type SqliteStore } from "./sqliteStore.ts";
import { TransportError } from "./words.ts";

const clock = () => 1_800_000_000_000;
let dir: string;
let blobs: string;
let store: SqliteStore;
let queue: CommitQueue;
let files: DiskFiles;

function open(): void {
  store = createSqliteStore(path.join(dir, "data.sqlite"), { clock });
  store.applySchemas(new Map(["", "mail"].map((component) => [component, { tables: [], isValidated: false }])));
  queue = createCommitQueue(store, { clock });
  files = createDiskFiles({ dir: blobs, queue, clock, components: () => ["", "mail"], uploadBytesMax: 1_000_000 });
}

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "switchyard-files-"));
  blobs = path.join(dir, "files");
  open();
});
afterEach(async () => {
  await files.settled();
  store.close();
  rmSync(dir, { recursive: true });
});

async function* chunksOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
const text = (words: string) => Buffer.from(words);
const inTransaction = async <T>(body: (transaction: Transaction) => T | Promise<T>) =>
  (await queue.run((transaction) => Promise.resolve(body(transaction)), true)).value;
const remove = (id: string) =>
  inTransaction((transaction) => {
    transaction.remove("", "_storage", id);
    files.unlinkAfterCommit(id);
  });

describe("a stored file", () => {
  test("is on disk under its id, with size, digest and type in its row", async () => {
    const parts = [randomBytes(100_000), randomBytes(1), randomBytes(200_000)];
    const whole = Buffer.concat(parts);
    const sha256 = createHash("sha256").update(whole).digest("hex");
    const id = await files.store(chunksOf(...parts), "image/png");
    const found = await files.find(id);
    assert.deepEqual(found, { path: path.join(blobs, id), size: 300_001, sha256Hex: sha256, contentType: "image/png" });
    assert.deepEqual(readFileSync(path.join(blobs, id)), whole);
    assert.equal(statSync(path.join(blobs, id)).mode & 0o777, 0o600);
    const row = await inTransaction((transaction) => transaction.get("", "_storage", id));
    assert.deepEqual([row?.["sha256"], row?.["size"], row?.["contentType"]], [sha256, 300_001, "image/png"]);
    assert.deepEqual(await files.read(id), { bytes: whole, contentType: "image/png" });
  });

  test("may be empty and have no type", async () => {
    const id = await files.store(chunksOf(), null);
    assert.deepEqual(await files.read(id), { bytes: Buffer.alloc(0), contentType: null });
    const row = await inTransaction((transaction) => transaction.get("", "_storage", id));
    assert.equal(row !== null && "contentType" in row, false);
  });

  test("has its blob on disk before its row is committed", async () => {
    let seen: { rows: number; blobs: number } | null = null;
    const seeing = createDiskFiles({
      dir: blobs,
      clock,
      queue: {
        ...queue,
        run: (body, isWritable) =>
          queue.run(async (transaction) => {
            const value = await body(transaction);
            seen = { rows: transaction.count("", "_storage"), blobs: readdirSync(blobs).length };
            return value;
          }, isWritable),
      },
    });
    const id = await seeing.storeBytes(text("x"), null);
    assert.deepEqual(seen, { rows: 1, blobs: 1 });
    assert.deepEqual(readdirSync(blobs), [id]);
  });

  test("survives a restart", async () => {
    const id = await files.storeBytes(text("kept"), "text/plain");
    store.close();
    open();
    assert.equal(await files.sweepOrphans(), 0);
    assert.equal((await files.read(id))?.bytes.toString(), "kept");
  });
});

describe("storing leaves nothing behind when", () => {
  const nothing = async () => {
    await files.settled();
    assert.deepEqual(readdirSync(blobs), []);
    assert.equal(await inTransaction((transaction) => transaction.count("", "_storage")), 0);
  };

  test("the file is larger than allowed", async () => {
    const half = Buffer.alloc(500_001);
    await assert.rejects(files.store(chunksOf(half, half), null), (error: unknown) => {
      return error instanceof TransportError && error.status === 413 && error.message.includes("1000000");
    });
    await nothing();
  });

  test("the sender goes away", async () => {
    const broken = async function* () {
      yield text("begun");
      throw new Error("connection lost");
    };
    await assert.rejects(files.store(broken(), null), /connection lost/);
    await nothing();
  });

  test("its transaction fails after the blob is in place", async () => {
    const failing = createDiskFiles({
      dir: blobs,
      clock,
      queue: {
        ...queue,
        run: (body, isWritable) =>
          queue.run(async (transaction) => {
            const value = await body(transaction);
            if (isWritable) throw new Error("no commit");
            return value;
          }, isWritable),
      },
    });
    await assert.rejects(failing.storeBytes(text("x"), null), /no commit/);
    await failing.settled();
    await nothing();
  });

  test("the mutation that stored it rolls back", async () => {
    let id = "";
    const failed = inTransaction(async (transaction) => {
      id = await files.storeInside(transaction, "", text("x"), null);
      assert.ok(existsSync(path.join(blobs, id)));
      throw new Error("thrown by the function");
    });
    await assert.rejects(failed, /thrown by the function/);
    await nothing();
    assert.equal(await files.find(id), null);
  });
});

test("a mutation may store a file in its own transaction", async () => {
  const id = await inTransaction((transaction) => files.storeInside(transaction, "", text("mine"), "text/plain"));
  await files.settled();
  assert.equal((await files.read(id))?.bytes.toString(), "mine");
  await inTransaction(async (transaction) => {
    assert.equal((await files.readInside(transaction, "", id))?.bytes.toString(), "mine");
    transaction.remove("", "_storage", id);
    assert.equal(await files.readInside(transaction, "", id), null);
    assert.equal(await files.readInside(transaction, "", "../secret"), null);
  });
});

describe("a deleted file", () => {
  test("goes after the COMMIT that removed its row, not before", async () => {
    const id = await files.storeBytes(text("x"), null);
    await inTransaction((transaction) => {
      transaction.remove("", "_storage", id);
      files.unlinkAfterCommit(id);
      assert.ok(existsSync(path.join(blobs, id)));
    });
    await files.settled();
    assert.equal(existsSync(path.join(blobs, id)), false);
    assert.equal(await files.find(id), null);
  });

  test("stays when the mutation rolls back, or a nested one did", async () => {
    const id = await files.storeBytes(text("x"), null);
    await assert.rejects(
      inTransaction((transaction) => {
        transaction.remove("", "_storage", id);
        files.unlinkAfterCommit(id);
        throw new Error("thrown by the function");
      }),
    );
    await inTransaction((transaction) => {
      const nested = transaction.begin();
      transaction.remove("", "_storage", id);
      files.unlinkAfterCommit(id);
      nested.rollback();
    });
    await files.settled();
    assert.equal((await files.read(id))?.bytes.toString(), "x");
  });

  test("may be told of after the COMMIT as well, and of many at once", async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => files.storeBytes(text(`${n}`), null)));
    const kept = ids.pop();
    await inTransaction((transaction) => {
      for (const id of ids) transaction.remove("", "_storage", id);
    });
    for (const id of ids) files.unlinkAfterCommit(id);
    await files.settled();
    assert.deepEqual(readdirSync(blobs), [kept]);
  });

  test("whose blob is gone already is no error", async () => {
    const id = await files.storeBytes(text("x"), null);
    rmSync(path.join(blobs, id));
    assert.equal(await files.read(id), null);
    await remove(id);
    await files.settled();
    assert.equal(await files.find(id), null);
  });
});

describe("what is no id", () => {
  test("never becomes a path", async () => {
    writeFileSync(path.join(dir, "secret"), "secret");
    mkdirSync(path.join(blobs, "folder"));
    for (const id of [
      "../secret",
      "..%2fsecret",
      "folder",
      "",
      ".",
      "/etc/passwd",
      encodeId(10_001),
      `${encodeId(1)}/..`,
    ]) {
      assert.equal(await files.find(id), null, id);
      assert.equal(await files.read(id), null, id);
      files.unlinkAfterCommit(id);
    }
    await files.settled();
    assert.ok(existsSync(path.join(dir, "secret")));
    assert.ok(existsSync(path.join(blobs, "folder")));
  });

  test("of a file may be one of a document", async () => {
    const job = { name: "m:f", args: [], scheduledTime: 1, state: { kind: "pending" } };
    const id = await inTransaction((transaction) => transaction.insert("", "_scheduled_functions", job));
    assert.equal(await files.find(id), null);
  });
});

test("components store and read files of their own, the server finds all of them", async () => {
  const stored = await files.storeBytes(text("x"), null, "mail");
  const inside = await inTransaction((transaction) => files.storeInside(transaction, "mail", text("y"), null));
  for (const id of [stored, inside]) {
    assert.equal((await files.find(id))?.size, 1);
    assert.equal((await files.read(id, "mail"))?.bytes.length, 1);
    const content = await inTransaction((transaction) => files.readInside(transaction, "mail", id));
    assert.equal(content?.bytes.length, 1);
  }
});

test("the sweep at start removes drafts and blobs without a row, and nothing else", async () => {
  const kept = await files.storeBytes(text("kept"), null);
  const orphan = await files.storeBytes(text("orphan"), null);
  await inTransaction((transaction) => transaction.remove("", "_storage", orphan));
  writeFileSync(path.join(blobs, "0123.part"), "half");
  writeFileSync(path.join(blobs, "README"), "not ours");
  for (let n = 0; n < 600; n++) writeFileSync(path.join(blobs, encodeId(10_001)), "");
  assert.equal(await files.sweepOrphans(), 602);
  assert.deepEqual(readdirSync(blobs).sort(), [kept, "README"].sort());
  assert.equal((await files.read(kept))?.bytes.toString(), "kept");
});

test("upload tokens are good once", () => {
  const token = files.issueUploadToken();
  assert.deepEqual([files.takeUploadToken(token), files.takeUploadToken(token)], [true, false]);
});
