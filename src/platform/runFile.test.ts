import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { AlreadyRunning, claimRun } from "./runFile.ts";

const folder = mkdtempSync(join(tmpdir(), "run-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const GONE = 2 ** 22 + 1; // above every pid the kernel gives out
const sleeper = (mark: string) =>
  spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", mark], { stdio: "ignore" });
const record = (name: string, content: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
};

test("a second demo in the same clone is refused, with the process to stop", async () => {
  const other = sleeper("demo");
  await once(other, "spawn");
  const file = record("second.json", { demo: other.pid, services: {} });
  assert.throws(
    () => claimRun(file, () => {}),
    (error: unknown) => error instanceof AlreadyRunning && error.message.includes(`process ${other.pid}`),
  );
  other.kill("SIGKILL");
  await once(other, "exit");
});

test("services left by a demo that was killed are ended, and only those that are still what they were", async () => {
  const left = sleeper("src/modelStandIn/main.ts");
  const foreign = sleeper("somebody else's");
  await Promise.all([once(left, "spawn"), once(foreign, "spawn")]);
  const file = record("left.json", {
    demo: GONE,
    services: { model: left.pid, candidate: foreign.pid, control: GONE },
  });
  const said: string[] = [];
  claimRun(file, (line) => said.push(line));
  const [, signal] = (await once(left, "exit")) as [number | null, string];
  assert.equal(signal, "SIGKILL");
  assert.equal(said.length, 1);
  assert.match(said[0] ?? "", /^model was left running/);
  assert.equal(foreign.exitCode, null);
  assert.equal(foreign.signalCode, null);
  foreign.kill("SIGKILL");
  await once(foreign, "exit");
});

test("a broken record is no obstacle, and the own one goes when the demo ends", () => {
  const file = join(folder, "own.json");
  writeFileSync(file, "{not json");
  const run = claimRun(file, () => {});
  run.setService("control", 1234);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  run.remove();
  assert.ok(!existsSync(file));
});

test("whoever has the file open while it is written anew reads it whole", () => {
  const file = join(folder, "whole.json");
  const run = claimRun(file, () => {});
  run.setService("model", GONE);
  const open = openSync(file, "r");
  run.setService("control", GONE);
  assert.deepEqual(JSON.parse(readFileSync(open, "utf8")), { demo: process.pid, services: { model: GONE } });
  closeSync(open);
  const now = JSON.parse(readFileSync(file, "utf8")) as { services: object };
  assert.deepEqual(Object.keys(now.services), ["model", "control"]);
  assert.equal(existsSync(`${file}.new`), false);
});
