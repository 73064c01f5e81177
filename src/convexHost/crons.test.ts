import assert from "node:assert/strict";
import { test } from "node:test";
import type { JSONValue } from "convex/values";
import fc from "fast-check";
import { ACTION_SLOTS } from "./actionSlots.ts";
import { type CronEntry, parseCrons, planCrons } from "./cronPlan.ts";
import { makeGate, makeJobBench } from "./testing/jobBench.ts";
import { settle } from "./testing/manualTime.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

function cron(name: string, functionName: string, schedule: JSONValue, args: JSONValue = {}): CronEntry {
  return parseCrons("", JSON.stringify({ [name]: { name: functionName, args: [args], schedule } }))[0]!;
}
const everyMinute = (name: string, functionName: string) => cron(name, functionName, { type: "interval", minutes: 1 });

test("a new interval runs at once and then on its grid", async (t) => {
  const bench = makeJobBench(t, [cron("sweep", "m:sweep", { type: "interval", minutes: 10 }, { max: 5 })]);
  const startMs = bench.time.clock();
  const runs: unknown[] = [];
  bench.functions["m:sweep"] = {
    kind: "mutation",
    run: (args) => void runs.push([bench.time.clock() - startMs, args]),
  };
  await bench.start();
  await bench.time.advance(20 * MINUTE_MS + 1_000);
  assert.deepEqual(
    runs,
    [0, 10, 20].map((minutes) => [minutes * MINUTE_MS, { max: 5 }]),
  );
  assert.equal(bench.counts["crons success"], 3);
});

test("a daily cron waits for its hour, in UTC", async (t) => {
  const bench = makeJobBench(t, [cron("nightly", "m:sweep", { type: "daily", hourUTC: 3, minuteUTC: 30 })]);
  const runs: string[] = [];
  bench.functions["m:sweep"] = {
    kind: "mutation",
    run: () => void runs.push(new Date(bench.time.clock()).toISOString()),
  };
  await bench.start();
  assert.deepEqual(runs, []);
  await bench.time.advance(48 * HOUR_MS);
  assert.deepEqual(runs, ["2025-06-16T03:30:00.000Z", "2025-06-17T03:30:00.000Z"]);
});

test("a run that is due during another is skipped: one run at a time", async (t) => {
  const bench = makeJobBench(t, [everyMinute("poll", "a:poll")]);
  const gate = makeGate();
  bench.functions["a:poll"] = { kind: "action", run: gate.run };
  await bench.start();
  await bench.time.advance(2.5 * MINUTE_MS);
  assert.equal(gate.begun.length, 1);
  gate.open();
  await bench.time.advance(1_000);
  assert.equal(gate.begun.length, 1);
  assert.equal(bench.counts["crons skipped"], 1);
  await bench.time.advance(MINUTE_MS);
  assert.equal(gate.begun.length, 2);
});

test("runs that were missed while down are skipped, and the grid stays", async (t) => {
  const entry = cron("sweep", "m:sweep", { type: "interval", minutes: 10 });
  const bench = makeJobBench(t, [entry]);
  const startMs = bench.time.clock();
  const runs: number[] = [];
  bench.functions["m:sweep"] = { kind: "mutation", run: () => void runs.push(bench.time.clock() - startMs) };
  await bench.start();
  await settle();
  bench.time.jump(35 * MINUTE_MS);
  await bench.restart([entry]);
  assert.deepEqual(runs, [0]);
  assert.equal(bench.counts["crons missed"], 1);
  await bench.time.advance(5 * MINUTE_MS);
  assert.deepEqual(runs, [0, 40 * MINUTE_MS]);
});

test("an action that was running when the process was killed is not run again for the same time", async (t) => {
  const entry = everyMinute("poll", "a:poll");
  const bench = makeJobBench(t, [entry]);
  const gate = makeGate();
  bench.functions["a:poll"] = { kind: "action", run: gate.run };
  await bench.start();
  await settle();
  assert.equal(gate.begun.length, 1);
  assert.ok(Number((await bench.rows("_crons"))[0]?.["nextRunMs"]) > bench.time.clock());
  await bench.restart([entry]);
  assert.equal(gate.begun.length, 1);
  await bench.time.advance(MINUTE_MS);
  assert.equal(gate.begun.length, 2);
});

test("a mutation's effect and the next run commit together; a throw leaves only the reason, and the cron goes on", async (t) => {
  const bench = makeJobBench(t, [everyMinute("sweep", "m:sweep")]);
  let isBroken = true;
  bench.functions["m:sweep"] = {
    kind: "mutation",
    run(_, transaction) {
      transaction!.insert("", "notes", {});
      if (isBroken) throw new Error("no luck");
    },
  };
  await bench.start();
  await settle();
  assert.equal((await bench.rows("notes")).length, 0);
  assert.equal((await bench.rows("_crons"))[0]?.["lastError"], "no luck");
  isBroken = false;
  await bench.time.advance(MINUTE_MS);
  assert.equal((await bench.rows("notes")).length, 1);
  assert.equal((await bench.rows("_crons"))[0]?.["lastError"], null);
  assert.equal(bench.counts["crons failed"], 1);
});

test("changed and removed entries take effect at the start", async (t) => {
  const bench = makeJobBench(t, [everyMinute("a", "m:old"), everyMinute("b", "m:old"), everyMinute("c", "m:old")]);
  const runs: string[] = [];
  bench.functions["m:old"] = { kind: "mutation", run: () => void runs.push("old") };
  bench.functions["m:new"] = { kind: "mutation", run: () => void runs.push("new") };
  await bench.start();
  await settle();
  assert.deepEqual(runs.splice(0), ["old", "old", "old"]);
  // "a" calls another function at the same times, "b" is gone, "c" has another schedule.
  await bench.restart([everyMinute("a", "m:new"), cron("c", "m:old", { type: "interval", hours: 1 })]);
  await bench.time.advance(59 * MINUTE_MS);
  assert.equal(runs.length, 59);
  assert.ok(runs.splice(0).every((run) => run === "new"));
  await bench.time.advance(MINUTE_MS);
  assert.deepEqual(runs.toSorted(), ["new", "old"]);
  assert.deepEqual(
    (await bench.rows("_crons")).map((row) => row["name"]),
    ["a", "c"],
  );
});

test("a reload changes the entries at once and leaves the run under way alone: still one at a time", async (t) => {
  const bench = makeJobBench(t, [everyMinute("poll", "a:poll"), everyMinute("gone", "m:gone")]);
  const gate = makeGate();
  let goneRuns = 0;
  bench.functions["a:poll"] = { kind: "action", run: gate.run };
  bench.functions["m:gone"] = { kind: "mutation", run: () => void (goneRuns += 1) };
  await bench.start();
  await settle();
  assert.equal(goneRuns, 1);
  await bench.scheduler.reload([cron("poll", "a:poll", { type: "interval", seconds: 10 })]);
  await bench.time.advance(25_000);
  assert.equal(gate.begun.length, 1);
  assert.equal(goneRuns, 1);
  gate.open();
  await bench.time.advance(10_000);
  assert.equal(gate.begun.length, 2);
  assert.equal(bench.counts["jobs action interrupted"], undefined);
});

test("a reload with a cron that names nothing changes nothing", async (t) => {
  const bench = makeJobBench(t, [everyMinute("a", "m:x")]);
  let runs = 0;
  bench.functions["m:x"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  await settle();
  await assert.rejects(bench.scheduler.reload([everyMinute("b", "m:none")]), /"b" names m:none/);
  await bench.time.advance(60_000);
  assert.equal(runs, 2);
});

test("a cron whose function is missing or a query refuses the start, by name", async (t) => {
  const missing = makeJobBench(t, [everyMinute("sweep", "m:gone")]);
  await assert.rejects(missing.start(), /"sweep" names m:gone, which does not exist; expected a mutation or an action/);
  const query = makeJobBench(t, [everyMinute("sweep", "q:read")]);
  query.functions["q:read"] = { kind: "query", run: () => null };
  await assert.rejects(query.start(), /"sweep" names q:read, which is a query/);
});

test("crons and jobs share the places for actions; a cron that finds none runs when one is free", async (t) => {
  const bench = makeJobBench(t, [cron("poll", "a:poll", { type: "interval", minutes: 5 })]);
  const gate = makeGate();
  let polls = 0;
  bench.functions["a:wait"] = { kind: "action", run: gate.run };
  bench.functions["a:poll"] = { kind: "action", run: () => void (polls += 1) };
  await bench.start();
  await settle();
  assert.equal(polls, 1);
  for (let at = 0; at < ACTION_SLOTS; at++) await bench.schedule("a:wait");
  await bench.time.advance(6 * MINUTE_MS);
  assert.equal(gate.begun.length, ACTION_SLOTS);
  assert.equal(polls, 1);
  gate.open();
  await settle();
  assert.equal(polls, 2);
});

test("a stop waits for the run under way and begins no other", async (t) => {
  const bench = makeJobBench(t, [everyMinute("poll", "a:poll")]);
  const gate = makeGate();
  bench.functions["a:poll"] = { kind: "action", run: gate.run };
  await bench.start();
  await settle();
  let isStopped = false;
  const stopped = bench.scheduler.stop().then(() => (isStopped = true));
  await settle();
  assert.equal(isStopped, false);
  gate.open();
  await stopped;
  await bench.time.advance(10 * MINUTE_MS);
  assert.equal(gate.begun.length, 1);
});

test("reading the entries names the one that is wrong", () => {
  const read = (entry: JSONValue) => () => parseCrons("mail", JSON.stringify({ "send it": entry }));
  assert.throws(read({ name: "m:x" }), /cron "send it" of component "mail": expected \{ name, args, schedule \}/);
  assert.throws(
    read({ name: "m:x", args: [{}], schedule: { type: "interval" } }),
    /cron "send it" of component "mail": a cron's interval/,
  );
  const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`c${at}`, {}]));
  assert.throws(() => parseCrons("", JSON.stringify(many)), /at most 1000 crons, got 1001/);
});

test("after a start every cron has one row whose next run lies ahead, or is the first of a new interval", () => {
  const schedules = [
    { type: "interval", minutes: 7 },
    { type: "hourly", minuteUTC: 5 },
    { type: "cron", cron: "*/15 * * * *" },
  ] as const;
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
  const pick = fc.array(fc.constantFrom(...schedules), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      names,
      pick,
      names,
      pick,
      fc.integer({ min: 0, max: 10 * HOUR_MS }),
      (before, s1, after, s2, downMs) => {
        const entriesOf = (list: readonly string[], picked: readonly JSONValue[]) =>
          list.map((name, at) => cron(name, "m:x", picked[at]!));
        const startMs = 1_750_000_000_000;
        const first = planCrons([], entriesOf(before, s1), startMs);
        assert.deepEqual(first.insert, first.rows);
        const second = planCrons(first.rows, entriesOf(after, s2), startMs + downMs);
        assert.deepEqual(
          second.rows.map((row) => row.name),
          after,
        );
        assert.deepEqual(second.remove.toSorted(), before.filter((name) => !after.includes(name)).toSorted());
        assert.deepEqual(
          second.insert.map((row) => row.name).toSorted(),
          after.filter((name) => !before.includes(name)).toSorted(),
        );
        for (const row of second.rows) {
          const isNewInterval = second.insert.includes(row) && row.scheduleJson.includes("interval");
          assert.ok(isNewInterval ? row.nextRunMs === startMs + downMs : row.nextRunMs > startMs + downMs);
        }
      },
    ),
  );
});
