import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CommitFailed, createCommitQueue } from "./commitQueue.ts";
import { LIMITS } from "./limits.ts";
import { createSqliteStore } from "./sqliteStore.ts";
import { collect, makeTempDir, openTempStore, queryOf, type TempStore } from "./testing/tempStore.ts";
import { TransportError } from "./words.ts";

const byN = { indexes: [{ name: "by_n", fields: ["n"] }] };
const worker = fileURLToPath(new URL("./testing/commitWorker.ts", import.meta.url));
const insert = (temp: TempStore, n: number) => temp.write((transaction) => transaction.insert("", "items", { n }));
const ns = async (temp: TempStore) => {
  const { value } = await temp.read((transaction) => collect(transaction, queryOf("items.by_n")));
  return value.map((document) => document["n"]);
};

/** What is on the disk, as another connection sees it. */
function openOther(temp: TempStore) {
  const other = new DatabaseSync(temp.file, { readOnly: true });
  const find = other.prepare("SELECT count(*) AS n FROM documents WHERE id = ?");
  return { isStored: (id: string) => find.get(id)?.["n"] === 1, close: () => other.close() };
}

test("a hundred increments at once make a hundred", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { value: id } = await insert(temp, 0);
  await Promise.all(
    Array.from({ length: 100 }, () =>
      temp.write(async (transaction) => {
        const n = Number(transaction.get("", "items", id)?.["n"]);
        await sleep(0);
        transaction.patch("", "items", id, { n: n + 1 });
      }),
    ),
  );
  assert.deepEqual(await ns(temp), [100]);
});

test("those that wait share a COMMIT, at most 256 of them, in the order they came", async (t) => {
  const temp = openTempStore(t, [byN]);
  const commits: { ts: bigint; ids: number }[] = [];
  temp.queue.onCommit((ts, touched) => commits.push({ ts, ids: touched.filter(({ index }) => index === 0).length }));
  const committed = await Promise.all(Array.from({ length: 600 }, (_, n) => insert(temp, n)));
  const sizes = commits.map(({ ids }) => ids);
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    600,
  );
  // A busy machine may begin before all have come.
  assert.ok(sizes.length <= 6 && sizes.every((size) => size <= 256), String(sizes));
  const times = committed.map(({ ts }) => ts);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => (a < b ? -1 : 1)),
  );
  assert.equal(new Set(times).size, 600);
  assert.deepEqual(
    commits.map(({ ts }) => ts),
    sizes.map((_, at) => times[sizes.slice(0, at + 1).reduce((sum, size) => sum + size, 0) - 1]),
  );
  assert.equal(temp.queue.ts, times[599]);
});

test("between two groups the loop has its turn", async (t) => {
  const temp = openTempStore(t, [byN]);
  let turns = 0;
  const count = () => {
    turns += 1;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const seen: number[] = [];
  temp.queue.onCommit(() => seen.push(turns));
  await Promise.all(Array.from({ length: 600 }, (_, n) => insert(temp, n)));
  clearImmediate(timer);
  assert.equal(new Set(seen).size, 3);
});

test("every answer comes after the COMMIT of what it saw: of mutations, queries and failures", async (t) => {
  const temp = openTempStore(t, [byN]);
  const other = openOther(temp);
  t.after(() => other.close());
  let id = "";
  const told: string[] = [];
  temp.queue.onCommit(() => told.push(`commit ${other.isStored(id)}`));
  const writing = temp.write((transaction) => {
    id = transaction.insert("", "items", { n: 1 });
    assert.ok(!other.isStored(id));
  });
  const reading = temp.read((transaction) => {
    assert.equal(transaction.get("", "items", id)?.["n"], 1);
    assert.ok(!other.isStored(id));
  });
  const failing = temp.write((transaction) => {
    throw new Error(`saw ${Number(transaction.get("", "items", id)?.["n"])}`);
  });
  await Promise.all([
    writing.then(() => told.push(`written ${other.isStored(id)}`)),
    reading.then(() => told.push(`read ${other.isStored(id)}`)),
    failing.catch((error: Error) => told.push(`${error.message} ${other.isStored(id)}`)),
  ]);
  assert.deepEqual(told, ["commit true", "written true", "read true", "saw 1 true"]);
  assert.equal((await reading).ts, (await writing).ts);
});

test("a transaction that throws leaves nothing, and the others of its group stay", async (t) => {
  const temp = openTempStore(t, [byN]);
  const touched: number[] = [];
  temp.queue.onCommit((_, keys) => touched.push(keys.length));
  const outcomes = await Promise.allSettled([
    insert(temp, 1),
    temp.write((transaction) => {
      transaction.insert("", "items", { n: 2 });
      transaction.insert("", "made", {});
      throw new Error("changed my mind");
    }),
    insert(temp, 3),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.match(String((outcomes[1] as PromiseRejectedResult).reason), /changed my mind/);
  assert.deepEqual(await ns(temp), [1, 3]);
  assert.equal(temp.store.catalog.find("", "made"), undefined);
  // Each insert: its id, and a key in each of the three indexes.
  assert.deepEqual(touched, [8]);
});

test("a query alone commits nothing, and its timestamp is the newest commit's", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { ts } = await insert(temp, 1);
  let commits = 0;
  temp.queue.onCommit(() => (commits += 1));
  temp.nowMs += 10_000;
  const other = new DatabaseSync(temp.file, { readOnly: true });
  t.after(() => other.close());
  // Another number after each commit of another connection.
  const version = () => other.prepare("PRAGMA data_version").get()?.["data_version"];
  const before = version();
  const read = await temp.read((transaction) => transaction.snapshotTs);
  assert.deepEqual([read.ts, read.value, commits, version()], [ts, ts, 0, before]);
  await insert(temp, 2);
  assert.notEqual(version(), before);
});

/** Makes the COMMIT of the group it runs in fail, as SQLite itself refuses it. */
function breakCommit(temp: TempStore): void {
  temp.store.sql("CREATE TABLE IF NOT EXISTS parents(id INTEGER PRIMARY KEY)").run();
  temp.store
    .sql("CREATE TABLE IF NOT EXISTS children(p INTEGER REFERENCES parents(id) DEFERRABLE INITIALLY DEFERRED)")
    .run();
  temp.store.sql("INSERT INTO children VALUES(7)").run();
}

test("a failed COMMIT fails all of its group by name, counters go back, and the next group goes on", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { ts } = await insert(temp, 0);
  const listened: bigint[] = [];
  temp.queue.onCommit((at) => listened.push(at));
  temp.nowMs += 1_000;
  const outcomes = await Promise.allSettled([
    insert(temp, 1),
    temp.write((transaction) => {
      transaction.insert("", "made", {});
      breakCommit(temp);
    }),
    temp.read((transaction) => transaction.count("", "items")),
    temp.write(() => Promise.reject(new Error("own failure"))),
  ]);
  for (const outcome of outcomes) {
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof CommitFailed, outcome.status);
    assert.match(outcome.reason.message, /nothing of this call is stored: FOREIGN KEY constraint failed/);
    assert.ok(outcome.reason.cause instanceof Error);
  }
  assert.deepEqual(listened, []);
  assert.deepEqual([temp.store.ts, temp.queue.ts], [ts, ts]);
  assert.equal(temp.store.catalog.find("", "made"), undefined);
  assert.match(temp.queue.notReady() ?? "", /takes no writes: FOREIGN KEY/);
  assert.deepEqual(await ns(temp), [0]);
  assert.match(temp.queue.notReady() ?? "", /takes no writes/, "a query says nothing about writing");
  const next = await insert(temp, 2);
  assert.ok(next.ts > ts);
  assert.equal(temp.queue.notReady(), null);
  assert.deepEqual(await ns(temp), [0, 2]);
});

test("readiness looks by itself, once a second, whether writing works again", async (t) => {
  const temp = openTempStore(t, [byN]);
  await assert.rejects(
    temp.write(() => breakCommit(temp)),
    CommitFailed,
  );
  assert.notEqual(temp.queue.notReady(), null);
  temp.nowMs += 999;
  assert.notEqual(temp.queue.notReady(), null);
  temp.nowMs += 1;
  assert.equal(temp.queue.notReady(), null);
});

test("where SQLite gives up the whole group, those before are told, and those behind run", async (t) => {
  const temp = openTempStore(t, [byN]);
  const outcomes = await Promise.allSettled([
    insert(temp, 1),
    temp.write((transaction) => {
      transaction.insert("", "items", { n: 2 });
      temp.store.sql("ROLLBACK").run();
    }),
    insert(temp, 3),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === "rejected" ? (outcome.reason as Error).name : outcome.status)),
    ["CommitFailed", "CommitFailed", "fulfilled"],
  );
  assert.deepEqual(await ns(temp), [3]);
});

test("a full disk fails the call whose write it refused, even if that caught the error, and readiness says so", async (t) => {
  const temp = openTempStore(t, [byN]);
  await insert(temp, 0);
  const pages = Number(temp.store.sql("PRAGMA page_count").get()?.["page_count"]);
  temp.store.sql(`PRAGMA max_page_count = ${pages + 4}`).get();
  const outcomes = await Promise.allSettled([
    temp.write((transaction) => {
      try {
        transaction.insert("", "items", { n: 1, text: "x".repeat(500_000) });
      } catch (error) {
        assert.match(String(error), /full/);
      }
    }),
  ]);
  assert.equal((outcomes[0] as PromiseRejectedResult).reason?.name, "CommitFailed");
  assert.match(temp.queue.notReady() ?? "", /database or disk is full/);
  assert.deepEqual(await ns(temp), [0]);
  temp.store.sql("PRAGMA max_page_count = 1000000").get();
  temp.nowMs += 1_000;
  assert.equal(temp.queue.notReady(), null);
  await temp.write((transaction) => transaction.insert("", "items", { n: 1, text: "x".repeat(500_000) }));
  assert.deepEqual(await ns(temp), [0, 1]);
});

test("a file that cannot be read fails the call, even if that caught the error", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { value: id } = await insert(temp, 0);
  const broken = temp.write((transaction) => {
    const changed = transaction.insert("", "items", { n: 1 });
    temp.store.sql("ALTER TABLE documents RENAME TO elsewhere").run();
    assert.throws(() => transaction.get("", "items", id), /no such table/);
    temp.store.sql("ALTER TABLE elsewhere RENAME TO documents").run();
    assert.throws(() => transaction.get("", "items", changed), /no such table/, "it stays failed");
  });
  await assert.rejects(broken, CommitFailed);
  assert.deepEqual(await ns(temp), [0]);
});

test("a file that another process writes to fails the call, not the process", async (t) => {
  const temp = openTempStore(t, [byN]);
  temp.store.sql("PRAGMA busy_timeout = 0").get();
  const other = new DatabaseSync(temp.file);
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(insert(temp, 1), (error) => error instanceof CommitFailed && /locked/.test(error.message));
  assert.deepEqual(await ns(temp), []);
  other.exec("ROLLBACK");
  await insert(temp, 2);
  assert.deepEqual(await ns(temp), [2]);
});

test("more than 5,000 waiting calls are refused at once", async (t) => {
  const temp = openTempStore(t, [byN]);
  const waiting = Array.from({ length: LIMITS.waitingCalls }, () => temp.read(() => 1));
  const isRefusal = (error: unknown) =>
    error instanceof TransportError && error.status === 503 && error.code === "TooManyConcurrentRequests";
  await assert.rejects(
    temp.read(() => 1),
    isRefusal,
  );
  await Promise.all(waiting);
  assert.equal((await temp.read(() => 2)).value, 2);
});

test("a store that is closed fails those that wait", async (t) => {
  const temp = openTempStore(t, [byN]);
  const outcomes = await Promise.allSettled([
    temp.write((transaction) => {
      transaction.insert("", "items", { n: 1 });
      temp.store.close();
    }),
    insert(temp, 2),
  ]);
  for (const outcome of outcomes) assert.ok(outcome.status === "rejected" && outcome.reason instanceof CommitFailed);
  const store = createSqliteStore(temp.file, { clock: Date.now });
  t.after(() => store.close());
  assert.equal(store.sql("SELECT count(*) AS n FROM documents").get()?.["n"], 0);
});

test("a listener that throws is heard of, and harms neither callers nor other listeners", async (t) => {
  const temp = openTempStore(t, [byN]);
  let told = 0;
  const stop = temp.queue.onCommit(() => {
    throw new Error("listener");
  });
  temp.queue.onCommit(() => (told += 1));
  const heard = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  await insert(temp, 1);
  assert.match(String(await heard), /listener/);
  stop();
  await insert(temp, 2);
  assert.equal(told, 2);
});

test("a system that refuses to write the log fails the whole group, and reading goes on", async (t) => {
  const file = join(makeTempDir(t), "data.sqlite3");
  createSqliteStore(file, { clock: Date.now }).close();
  // Blocks of 512 or 1,024 bytes, as the shell has it: enough for the file and the small write, not for the large one.
  const command = 'ulimit -f 700 && exec "$@"';
  const child = spawn("sh", ["-c", command, "sh", process.execPath, worker, "under a limit", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 0);
  const lines = Buffer.concat(output).toString().trim().split("\n");
  assert.deepEqual(lines, ["CommitFailed", "CommitFailed", "not ready", "1 readable"]);
});

test("a SIGKILL in the middle of the load loses nothing that was acknowledged, and leaves nothing half done", async (t) => {
  const file = join(makeTempDir(t), "data.sqlite3");
  const acknowledged: string[] = [];
  for (const afterMs of [150, 30, 90, 10]) {
    const child = spawn(process.execPath, [worker, "until killed", file], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const closed = once(child, "close");
    await Promise.race([once(child.stdout, "data"), closed]);
    await sleep(afterMs);
    child.kill("SIGKILL");
    await closed;
    // The last line may be cut.
    acknowledged.push(...output.split("\n").slice(0, -1));
    const store = createSqliteStore(file, { clock: Date.now });
    const queue = createCommitQueue(store, { clock: Date.now });
    const names = new Set(
      store
        .sql("SELECT json FROM documents")
        .all()
        .map((row) => (JSON.parse(String(row["json"])) as { name?: string }).name),
    );
    for (const name of acknowledged) assert.ok(names.has(name), `${name} was acknowledged`);
    const { value } = await queue.run(async (transaction) => {
      const [counter] = collect(transaction, queryOf("counters"));
      return [counter?.["count"], transaction.count("", "items")];
    }, false);
    assert.equal(value[0], value[1]);
    assert.equal(store.sql("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    store.close();
  }
  assert.ok(acknowledged.length > 100, `${acknowledged.length} writes were acknowledged`);
});
