// A clock that somebody sets back under the scheduler.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CronEntry } from "./cronPlan.ts";
import { makeJobBench } from "./testing/jobBench.ts";
import { settle } from "./testing/manualTime.ts";
import { TransportError } from "./words.ts";

const DAY_MS = 86_400_000;
const cron = (schedule: CronEntry["schedule"]): CronEntry => ({
  component: "",
  name: "sweep",
  functionName: "m:sweep",
  args: {},
  schedule,
});

test("an interval goes on within two minutes of a clock that was set back by a day", async (t) => {
  const bench = makeJobBench(t, [cron({ type: "interval", seconds: 30 })]);
  let runs = 0;
  bench.functions["m:sweep"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  await bench.time.advance(60_000);
  assert.equal(runs, 3);
  bench.time.jump(-DAY_MS / 2);
  await bench.time.advance(150_000);
  assert.ok(runs >= 4, `${runs} runs`);
  const before = runs;
  await bench.time.advance(600_000);
  assert.ok(runs - before >= 5, `${runs - before} runs in ten minutes`);
});

test("a clock that is set back by milliseconds does not make a daily cron run twice", async (t) => {
  const bench = makeJobBench(t, [cron({ type: "daily", hourUTC: 3, minuteUTC: 0 })]);
  let runs = 0;
  bench.functions["m:sweep"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  const sinceThreeMs = (bench.time.clock() - 3 * 3_600_000) % DAY_MS;
  await bench.time.advance(DAY_MS - sinceThreeMs);
  assert.equal(runs, 1);
  bench.time.jump(-5);
  await bench.time.advance(180_000);
  assert.equal(runs, 1);
});

test("a clock that was set back while the host was down is followed too", async (t) => {
  const entries = [cron({ type: "hourly", minuteUTC: 0 })];
  const bench = makeJobBench(t, entries);
  let runs = 0;
  bench.functions["m:sweep"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  await bench.time.advance(DAY_MS);
  assert.equal(runs, 24);
  bench.time.jump(-DAY_MS / 2);
  await bench.restart(entries);
  await bench.time.advance(DAY_MS / 4);
  assert.equal(runs, 30);
});

test("a cron that was first seen under a clock ahead of time begins anew at the next start", async (t) => {
  const entries = [cron({ type: "interval", seconds: 30 })];
  const bench = makeJobBench(t, entries);
  let runs = 0;
  bench.functions["m:sweep"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  await settle();
  assert.equal(runs, 1);
  bench.time.jump(-30 * DAY_MS);
  await bench.restart(entries);
  await bench.time.advance(300_000);
  assert.ok(runs >= 10, `${runs} runs`);
});

test("a rest after trouble ends after a second, whatever the clock says then", async (t) => {
  const bench = makeJobBench(t);
  let tries = 0;
  bench.functions["m:full"] = {
    kind: "mutation",
    run() {
      tries += 1;
      if (tries === 1) throw new TransportError(503, "CommitFailed", "the disk is full");
    },
  };
  await bench.start();
  await bench.time.advance(7_200_000);
  const id = await bench.schedule("m:full", -7_100_000);
  await settle();
  assert.equal(tries, 1);
  bench.time.jump(-3_600_000);
  await bench.time.advance(2_000);
  assert.equal(await bench.state(id), "success");
});
