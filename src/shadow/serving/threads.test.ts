import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { createManualClock, type ManualClock } from "../../kernel/index.ts";
import type { FromCompare, FromMirror, ToCompare, ToMirror } from "../threads/messages.ts";
import { Threads, type ThreadsOptions } from "./threads.ts";

const ENTRY = new URL("./testing/fakeThread.ts", import.meta.url);
const DATA = { file: "", process: "p", printKey: new Uint8Array(1), storeUrl: null, bodies: null };
/** Not in the table: of the test's own program. */
const say = (type: string) => ({ type }) as unknown as ToMirror & ToCompare;

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let look = 0; look < 500; look++) {
    if (holds()) return;
    await pause(10);
  }
  throw new Error(`it did not happen: ${what}`);
}

function open(t: TestContext, more: Partial<ThreadsOptions> = {}) {
  const clock: ManualClock = createManualClock();
  const told: string[] = [];
  const note = (message: FromMirror | FromCompare): void =>
    void told.push(message.type === "event" ? message.event : message.type);
  const threads = new Threads({
    clock,
    entry: ENTRY,
    data: DATA,
    onMirror: note,
    onCompare: note,
    onStarted: (thread) => told.push(`started ${thread}`),
    onDied: (thread) => told.push(`died ${thread}`),
    ...more,
  });
  t.after(async () => {
    const stopped = threads.stop(1_000);
    for (let step = 0; step < 20; step++) {
      await pause(10);
      clock.advance(100);
    }
    await stopped;
  });
  const count = (what: string): number => told.filter((one) => one === what).length;
  return { threads, clock, told, count };
}

test("shadow I13: a thread that dies is started again after a second, then after two, with a new line to the other", async (t) => {
  const { threads, clock, count } = open(t);
  threads.start();
  await until(() => count("mirror peer") === 1 && count("compare peer") === 1, "both have a line");
  for (const [round, delayMs] of [1_000, 2_000, 4_000].entries()) {
    threads.toCompare(say("die"));
    await until(() => count("died compare") === round + 1, "the death is told");
    assert.equal(threads.areRunning, false);
    assert.equal(count("died mirror"), 0);
    clock.advance(delayMs - 1);
    assert.equal(count("started compare"), round + 1, "not before its time");
    clock.advance(1);
    assert.equal(threads.areRunning, true);
    await until(() => count("compare peer") === round + 2 && count("mirror peer") === round + 2, "a new line");
    threads.toMirror(say("shout"));
    await until(() => count("compare heard from mirror") === round + 1, "it carries");
  }
});

test("shadow I13: after a minute of life the first wait is a second again, and no wait is above thirty", async (t) => {
  const { threads, clock, count } = open(t);
  threads.start();
  let deaths = 0;
  const die = async (): Promise<void> => {
    threads.toMirror(say("die"));
    deaths += 1;
    await until(() => count("died mirror") === deaths, "the death is told");
  };
  for (const delayMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    await die();
    clock.advance(delayMs - 1);
    assert.equal(threads.areRunning, false, String(delayMs));
    clock.advance(1);
    assert.equal(threads.areRunning, true, String(delayMs));
  }
  clock.advance(60_001);
  await die();
  clock.advance(1_000);
  assert.equal(threads.areRunning, true);
});

test("shadow A2: a thread that has died once is still waited for when it stops", async (t) => {
  const { threads, clock, count } = open(t);
  threads.start();
  threads.toCompare(say("die"));
  await until(() => count("died compare") === 1, "the death is told");
  clock.advance(1_000);
  await until(() => count("compare peer") === 1, "it is back");
  const startedMs = performance.now();
  await threads.stop(5_000);
  // Each takes 50 ms to store what it has: one that is not waited for is cut in the middle.
  assert.ok(performance.now() - startedMs >= 90, "both had their time");
  assert.equal(clock.pending, 0, "and no timer runs on");
});

test("shadow A2: the stop ends within its time, whatever the threads do, and nothing is started behind it", async (t) => {
  const stuck = new URL(`data:text/javascript,${encodeURIComponent("setInterval(() => {}, 1000)")}`);
  const { threads, clock, count } = open(t, { entry: stuck });
  threads.start();
  const ends: string[] = [];
  void threads.stop(5_000).then(() => ends.push("stopped"));
  for (let ms = 0; ms < 5_000; ms += 100) {
    clock.advance(100);
    await pause(5);
  }
  await until(() => ends.length === 1, "it has ended");
  clock.advance(60_000);
  assert.deepEqual([count("started mirror"), count("started compare"), count("died mirror")], [1, 1, 0]);
});

test("what cannot be started is tried again, and ends nothing of the serving process", async (t) => {
  const { threads, clock, count } = open(t, { entry: new URL("https://example.org/no.ts") });
  assert.doesNotThrow(() => threads.start());
  assert.equal(threads.areRunning, false);
  assert.doesNotThrow(() => clock.advance(10_000));
  assert.equal(count("started mirror"), 0);
});
