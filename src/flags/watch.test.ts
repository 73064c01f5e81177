import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { reasonOf, watchKillFile } from "./killFile.ts";
import { watchFile } from "./watch.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function until(what: string, isTrue: () => boolean): Promise<void> {
  const end = Date.now() + 2_000;
  while (!isTrue()) {
    if (Date.now() > end) assert.fail(`not in time: ${what}`);
    await turn();
  }
}

test("where the folder gives no events, the check a second finds the file KILL", async (t) => {
  const parent = await mkdtemp(join(tmpdir(), "watch-"));
  t.after(() => rm(parent, { recursive: true, force: true }));
  // A folder that does not exist yet cannot be watched: only the clock can find what appears in it.
  const folder = join(parent, "later");
  const clock = createManualClock();
  const found: string[] = [];
  const onProblem = (problem: string | null) => assert.equal(problem, null);
  const watch = watchKillFile({
    file: join(folder, "KILL"),
    clock,
    onFound: (reason) => found.push(reason),
    onProblem,
  });
  t.after(() => watch.stop());
  await mkdir(folder);
  await writeFile(join(folder, "KILL"), "now");
  clock.advance(999);
  await turn();
  assert.deepEqual(found, []);
  clock.advance(1);
  await until("found", () => found.length > 0);
  assert.deepEqual(found, ["now"]);
});

test("checks never overlap, and one asked for during another is run after it", async () => {
  const clock = createManualClock();
  let running = 0;
  let runs = 0;
  let most = 0;
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const watch = watchFile("/nowhere/at/all", clock, async () => {
    runs++;
    most = Math.max(most, ++running);
    await gate;
    running--;
  });
  const checks = [watch.check(), watch.check(), watch.check()];
  clock.advance(1_000);
  open();
  await Promise.all(checks);
  assert.deepEqual([runs, most], [2, 1]);
  await watch.stop();
  await watch.check();
  await until("no timer left", () => clock.pending === 0);
  assert.equal(runs, 2, "a stopped watch checks no more");
});

test("what was typed into the file KILL becomes one line of bounded length", () => {
  assert.equal(reasonOf(" fire\r\n\u0007again \n"), "fire again");
  assert.equal(reasonOf("\n"), "the file KILL is in the state folder");
  assert.equal(reasonOf("x".repeat(9_000)).length, 500);
});
