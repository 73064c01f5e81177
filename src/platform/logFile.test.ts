import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, test } from "node:test";
import { createLogFile } from "./logFile.ts";

const folder = mkdtempSync(join(tmpdir(), "log-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const feed = async (path: string, lines: readonly string[], bytesMax?: number) => {
  const log = createLogFile(path, bytesMax);
  const stream = new PassThrough();
  log.take(stream);
  for (const line of lines) stream.write(`${line}\n`);
  stream.end();
  await new Promise((done) => stream.once("close", done));
  log.close();
  return log;
};

test("lines are kept in order and over a restart", async () => {
  const path = join(folder, "a", "deep.log");
  await feed(path, ["one", "two"]);
  await feed(path, ["three"]);
  assert.equal(readFileSync(path, "utf8"), "one\ntwo\nthree\n");
});

test("at its limit the file is set aside once, and both together stay bounded", async () => {
  const path = join(folder, "b.log");
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index} ${"x".repeat(20)}`);
  await feed(path, lines, 1_000);
  assert.ok(statSync(path).size <= 1_000 && statSync(`${path}.1`).size <= 1_000);
  assert.ok(!existsSync(`${path}.2`));
  const kept = readFileSync(`${path}.1`, "utf8") + readFileSync(path, "utf8");
  assert.ok(lines.join("\n").endsWith(kept.trimEnd()), "the newest lines, unbroken and in order");
});

test("what cannot be written is counted, and the last words are still known", async () => {
  const path = join(folder, "c.log");
  const log = createLogFile(path, 10);
  rmSync(path);
  const stream = new PassThrough();
  log.take(stream);
  stream.write("first line is long\n");
  stream.write("second\n");
  stream.end();
  await new Promise((done) => stream.once("close", done));
  assert.equal(log.lost, 1);
  assert.equal(log.tail(), "first line is long\nsecond");
  log.close();
});
