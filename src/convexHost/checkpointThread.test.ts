import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { startCheckpoints } from "./checkpointThread.ts";

const eventually = async (holds: () => boolean): Promise<void> => {
  const untilMs = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < untilMs, "it did not happen within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

test("what is written goes into the file beside the writer, which never does it itself", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "checkpoints-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "data.sqlite3");
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
  db.exec("CREATE TABLE rows(text TEXT)");
  const thread = startCheckpoints(file, (reason) => assert.fail(reason), 10);
  const text = "x".repeat(1_000);
  for (let i = 0; i < 500; i++) db.prepare("INSERT INTO rows VALUES(?)").run(text);
  await eventually(() => statSync(file).size > 500_000);
  // The log is taken from its start again, once all of it is in the file.
  const before = statSync(`${file}-wal`).size;
  for (let turn = 0; turn < 20; turn++) {
    for (let i = 0; i < 50; i++) db.prepare("INSERT INTO rows VALUES(?)").run(text);
    const size = statSync(file).size;
    await eventually(() => statSync(file).size > size);
  }
  assert.ok(statSync(`${file}-wal`).size < before * 2, "the log does not grow for ever");
  await thread.stop();
  assert.equal((db.prepare("SELECT count(*) AS count FROM rows").get() as { count: number }).count, 1_500);
  db.close();
});

test("a thread that cannot work says so and takes nothing down", async () => {
  const reason = await new Promise<string>((resolve) => startCheckpoints("/nowhere/data.sqlite3", resolve));
  assert.match(reason, /unable to open/);
});
