import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTION_SLOTS } from "./actionSlots.ts";
import { type JobBench, makeGate, makeJobBench } from "./testing/jobBench.ts";
import { settle } from "./testing/manualTime.ts";

const DAY_MS = 86_400_000;

test("a mutation job runs when it is due, and not before", async (t) => {
  const bench = makeJobBench(t);
  const ranAtMs: number[] = [];
  bench.functions["m:add"] = { kind: "mutation", run: () => ranAtMs.push(bench.time.clock()) };
  await bench.start();
  const dueMs = bench.time.clock() + 5_000;
  const id = await bench.schedule("m:add", 5_000);
  await bench.time.advance(4_999);
  assert.deepEqual(ranAtMs, []);
  assert.equal(await bench.state(id), "pending");
  await bench.time.advance(1);
  assert.deepEqual(ranAtMs, [dueMs]);
  assert.equal(await bench.state(id), "success");
  assert.equal((await bench.job(id))?.["completedTime"], dueMs);
  await bench.time.advance(DAY_MS);
  assert.equal(ranAtMs.length, 1);
  assert.equal(bench.counts["jobs mutation success"], 1);
});

test("a job in 40 days does not run now", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:late"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  const id = await bench.schedule("m:late", 40 * DAY_MS);
  await bench.time.advance(10_000);
  assert.equal(await bench.state(id), "pending");
  assert.equal(runs, 0);
  assert.ok(bench.time.delaysMs.every((delayMs) => delayMs <= 2 ** 31 - 1));
  bench.time.jump(40 * DAY_MS);
  await bench.time.advance(61_000);
  assert.equal(runs, 1);
});

test("an earlier job that comes later takes the alarm", async (t) => {
  const bench = makeJobBench(t);
  const order: unknown[] = [];
  bench.functions["m:tell"] = { kind: "mutation", run: (args) => void order.push(args) };
  await bench.start();
  await bench.schedule("m:tell", 50_000, "second");
  await bench.schedule("m:tell", 1_000, "first");
  await bench.time.advance(1_000);
  assert.deepEqual(order, ["first"]);
  await bench.time.advance(49_000);
  assert.deepEqual(order, ["first", "second"]);
});

test("due jobs run in the order of their times, then of their making", async (t) => {
  const bench = makeJobBench(t);
  const order: unknown[] = [];
  bench.functions["m:tell"] = { kind: "mutation", run: (args) => void order.push(args) };
  for (const [name, delayMs] of [
    ["c", 30],
    ["a1", 10],
    ["b", 20],
    ["a2", 10],
    ["a3", 10],
  ] as const) {
    await bench.schedule("m:tell", delayMs, name);
  }
  bench.time.jump(100);
  await bench.start();
  await settle();
  assert.deepEqual(order, ["a1", "a2", "a3", "b", "c"]);
});

test("a mutation's effect and its success commit together; what it threw leaves nothing but the failure", async (t) => {
  const bench = makeJobBench(t);
  bench.functions["m:good"] = {
    kind: "mutation",
    run: (_, transaction) => transaction?.insert("", "notes", { of: "good" }),
  };
  bench.functions["m:bad"] = {
    kind: "mutation",
    run(_, transaction) {
      transaction?.insert("", "notes", { of: "bad" });
      throw new Error("no luck");
    },
  };
  await bench.start();
  const [good, bad] = [await bench.schedule("m:good"), await bench.schedule("m:bad")];
  await settle();
  assert.equal(await bench.state(good), "success");
  assert.deepEqual((await bench.job(bad))?.["state"], { kind: "failed", error: "no luck" });
  assert.deepEqual(
    (await bench.rows("notes")).map((row) => row["of"]),
    ["good"],
  );
  await bench.time.advance(DAY_MS);
  assert.equal(bench.counts["jobs mutation failed"], 1);
});

test("a mutation that throws runs once, also when the scheduler looks again before its failure is written", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:bad"] = {
    kind: "mutation",
    run() {
      runs += 1;
      throw new Error("no luck");
    },
  };
  bench.functions["m:good"] = { kind: "mutation", run: () => null };
  await bench.temp.write((transaction) => {
    for (const name of ["m:bad", "m:good"]) {
      const row = { name, component: "", args: [{}], scheduledTime: 0, state: { kind: "pending" } };
      transaction.insert("", "_scheduled_functions", row);
    }
  });
  await bench.start();
  await settle();
  assert.equal(runs, 1);
  assert.deepEqual(bench.counts, { "jobs mutation success": 1, "jobs mutation failed": 1 });
});

test("a job that vanished with a rollback never runs", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:never"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  const planned = bench.temp.write((transaction) => {
    const row = {
      name: "m:never",
      component: "",
      kind: "mutation",
      args: [{}],
      scheduledTime: 0,
      state: { kind: "pending" },
    };
    transaction.insert("", "_scheduled_functions", row);
    throw new Error("changed my mind");
  });
  await assert.rejects(planned, /changed my mind/);
  await bench.time.advance(1_000);
  assert.equal(runs, 0);
});

test("an action is in progress on the disk before it begins, and found there after a kill it has failed and does not run again", async (t) => {
  const bench = makeJobBench(t);
  const gate = makeGate();
  bench.functions["a:call"] = { kind: "action", run: gate.run };
  await bench.start();
  const id = await bench.schedule("a:call");
  await settle();
  assert.equal(gate.begun.length, 1);
  assert.equal(await bench.state(id), "inProgress");
  await bench.restart();
  assert.deepEqual((await bench.job(id))?.["state"], { kind: "failed", error: "interrupted" });
  await bench.time.advance(DAY_MS);
  assert.equal(gate.begun.length, 1);
  assert.equal(bench.counts["jobs action interrupted"], 1);
});

test("all that were interrupted are settled, however many", async (t) => {
  const bench = makeJobBench(t);
  await bench.temp.write((transaction) => {
    for (let at = 0; at < 600; at++) {
      const row = {
        name: "a:call",
        component: "",
        kind: "action",
        args: [{}],
        scheduledTime: at,
        state: { kind: "inProgress" },
      };
      transaction.insert("", "_scheduled_functions", row);
    }
  });
  await bench.start();
  const states = (await bench.rows("_scheduled_functions")).map((row) => (row["state"] as { error?: string }).error);
  assert.equal(states.length, 600);
  assert.ok(states.every((error) => error === "interrupted"));
});

test("a pending job that a kill left behind runs after the start", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:add"] = { kind: "mutation", run: () => void (runs += 1) };
  const id = await bench.schedule("m:add", 5_000);
  bench.time.jump(3_600_000);
  await bench.restart();
  assert.equal(runs, 1);
  assert.equal(await bench.state(id), "success");
});

test("an action's throw and a function that is gone or a query are failures with a reason", async (t) => {
  const bench = makeJobBench(t);
  bench.functions["a:bad"] = { kind: "action", run: () => Promise.reject(new Error("no answer")) };
  bench.functions["q:read"] = { kind: "query", run: () => null };
  await bench.start();
  const ids = [await bench.schedule("a:bad"), await bench.schedule("m:gone"), await bench.schedule("q:read")];
  await settle();
  const rows = await Promise.all(ids.map((id) => bench.job(id)));
  const errors = rows.map((row) => (row!["state"] as { error: string }).error);
  assert.deepEqual(errors, [
    "no answer",
    "Expected m:gone to be a mutation or an action; there is none",
    "Expected q:read to be a mutation or an action; it is a query",
  ]);
});

test("eight actions run at once, the others wait for their turn, and mutations behind them do not", async (t) => {
  const bench = makeJobBench(t);
  const gate = makeGate();
  let mutations = 0;
  bench.functions["a:wait"] = { kind: "action", run: gate.run };
  bench.functions["m:add"] = { kind: "mutation", run: () => void (mutations += 1) };
  await bench.start();
  for (let at = 0; at < 20; at++) await bench.schedule("a:wait", 0, at);
  await bench.schedule("m:add");
  await settle();
  assert.equal(gate.begun.length, ACTION_SLOTS);
  assert.equal(mutations, 1);
  gate.open();
  await settle();
  assert.equal(gate.begun.length, ACTION_SLOTS + 1);
  gate.open(new Error("one fails"));
  await settle();
  assert.equal(gate.begun.length, ACTION_SLOTS + 2);
  while (gate.waiting > 0) {
    gate.open();
    await settle();
  }
  assert.deepEqual(
    gate.begun,
    Array.from({ length: 20 }, (_, at) => at),
  );
});

test("hundreds of due mutations all run, once each", async (t) => {
  const bench = makeJobBench(t);
  const ran: unknown[] = [];
  bench.functions["m:tell"] = { kind: "mutation", run: (args) => void ran.push(args) };
  await bench.temp.write((transaction) => {
    for (let at = 0; at < 900; at++) {
      const row = {
        name: "m:tell",
        component: "",
        kind: "mutation",
        args: [at],
        scheduledTime: at,
        state: { kind: "pending" },
      };
      transaction.insert("", "_scheduled_functions", row);
    }
  });
  await bench.start();
  for (let turn = 0; turn < 50 && ran.length < 900; turn++) await settle();
  assert.deepEqual(
    ran,
    Array.from({ length: 900 }, (_, at) => at),
  );
  await settle();
  assert.deepEqual(bench.counts, { "jobs mutation success": 900 });
});

test("a cancelled job never runs", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:add"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  const id = await bench.schedule("m:add", 1_000);
  await bench.cancel(id);
  await bench.time.advance(60_000);
  assert.equal(runs, 0);
  assert.equal(await bench.state(id), "canceled");
});

test("a running action that is cancelled finishes and stays cancelled", async (t) => {
  const bench = makeJobBench(t);
  const gate = makeGate();
  bench.functions["a:wait"] = { kind: "action", run: gate.run };
  await bench.start();
  const id = await bench.schedule("a:wait");
  await settle();
  await bench.cancel(id);
  gate.open();
  await settle();
  assert.equal(await bench.state(id), "canceled");
  assert.equal(bench.counts["jobs action canceled"], 1);
});

test("a mutation that cancels its own job keeps its effect and is cancelled", async (t) => {
  const bench = makeJobBench(t);
  bench.functions["m:self"] = {
    kind: "mutation",
    run(_, transaction, job) {
      transaction!.insert("", "notes", {});
      const canceled = { state: { kind: "canceled" }, completedTime: transaction!.nowMs };
      transaction!.patch("", "_scheduled_functions", job!.id, canceled);
    },
  };
  await bench.start();
  const id = await bench.schedule("m:self");
  await settle();
  assert.equal(await bench.state(id), "canceled");
  assert.equal((await bench.rows("notes")).length, 1);
});

test("a job that is cancelled between being found and its turn in the queue does not run", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:add"] = { kind: "mutation", run: () => void (runs += 1) };
  bench.functions["a:call"] = { kind: "action", run: () => void (runs += 1) };
  await bench.start();
  for (const path of ["m:add", "a:call"]) {
    const id = await bench.schedule(path);
    // In the queue behind the look that finds the job; the cancellation in it comes before what the look starts.
    await bench.temp.write(() => void bench.cancel(id));
    await settle();
    assert.equal(runs, 0, path);
    assert.equal(await bench.state(id), "canceled");
  }
});

test("a stop between being found and being started leaves a job pending", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:add"] = { kind: "mutation", run: () => void (runs += 1) };
  await bench.start();
  await settle();
  const id = await bench.schedule("m:add");
  await bench.scheduler.stop();
  await settle();
  assert.equal(runs, 0);
  assert.equal(await bench.state(id), "pending");
});

/** The file may not grow any more, as when the disk is full. Returns how to make room again. */
function fillDisk(bench: JobBench): () => void {
  const { sql } = bench.temp.store;
  const { page_count: pages } = sql("PRAGMA page_count").get() as { page_count: number };
  sql(`PRAGMA max_page_count = ${pages}`).get();
  return () => void sql("PRAGMA max_page_count = 1000000").get();
}

test("a mutation that meets a full disk stays pending, runs again, and takes effect once", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:big"] = {
    kind: "mutation",
    run(_, transaction) {
      runs += 1;
      transaction!.insert("", "notes", { text: "x".repeat(900_000) });
    },
  };
  await bench.start();
  const id = await bench.schedule("m:big", 1_000);
  const makeRoom = fillDisk(bench);
  await bench.time.advance(3_500);
  assert.equal(await bench.state(id), "pending");
  assert.ok(runs >= 2 && runs <= 4, `tries once a second, not ${runs} times`);
  assert.match(bench.events.join("\n"), /scheduler\.trouble .*full/);
  makeRoom();
  await bench.time.advance(2_000);
  assert.equal(await bench.state(id), "success");
  assert.equal((await bench.rows("notes")).length, 1);
  assert.equal(bench.counts["jobs mutation success"], 1);
});

test("how an action ended is written when the disk has room again, and it does not run twice", async (t) => {
  const bench = makeJobBench(t);
  const gate = makeGate();
  bench.functions["a:wait"] = { kind: "action", run: gate.run };
  await bench.start();
  const id = await bench.schedule("a:wait");
  await settle();
  const makeRoom = fillDisk(bench);
  const reason = "x".repeat(30_000);
  gate.open(new Error(reason));
  await bench.time.advance(2_500);
  assert.equal(await bench.state(id), "inProgress");
  makeRoom();
  await bench.time.advance(2_000);
  assert.deepEqual((await bench.job(id))?.["state"], { kind: "failed", error: reason });
  assert.equal(gate.begun.length, 1);
});

test("jobs with large arguments run too, though a transaction may not read them all", async (t) => {
  const bench = makeJobBench(t);
  const ran: number[] = [];
  bench.functions["m:tell"] = { kind: "mutation", run: (args) => void ran.push((args as { at: number }).at) };
  for (let at = 0; at < 40; at++) await bench.schedule("m:tell", 0, { at, text: "x".repeat(1_000_000) });
  await bench.start();
  for (let turn = 0; turn < 50 && ran.length < 40; turn++) await settle();
  assert.deepEqual(
    ran,
    Array.from({ length: 40 }, (_, at) => at),
  );
  assert.doesNotMatch(bench.events.join("\n"), /trouble/);
});

test("a job that its own limits do not let succeed fails instead of being tried for ever", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:greedy"] = {
    kind: "mutation",
    run(_, transaction) {
      runs += 1;
      transaction!.insert("", "notes", { text: "x".repeat(500_000) });
      for (let at = 0; at < 15; at++) transaction!.insert("", "notes", { text: "x".repeat(1_048_000) });
    },
  };
  await bench.start();
  const id = await bench.schedule("m:greedy", 0, { text: "x".repeat(1_000_000) });
  await bench.time.advance(10_000);
  const state = (await bench.job(id))?.["state"] as { kind: string; error: string };
  assert.equal(state.kind, "failed");
  assert.match(state.error, /bytesWritten/);
  assert.equal(runs, 1);
  assert.equal((await bench.rows("notes")).length, 0);
});

test("jobs of components run among those of the app", async (t) => {
  const bench = makeJobBench(t, [], ["", "mail"]);
  const ran: string[] = [];
  bench.functions["m:tell"] = {
    kind: "mutation",
    run: (args, _, job) => void ran.push(`${job!.component}:${JSON.stringify(args)}`),
  };
  await bench.start();
  for (const [component, delayMs] of [
    ["mail", 30],
    ["", 20],
    ["mail", 10],
  ] as const) {
    await bench.temp.write((transaction) => {
      const scheduledTime = transaction.nowMs + delayMs;
      const row = {
        name: "m:tell",
        component,
        kind: "mutation",
        args: [delayMs],
        scheduledTime,
        state: { kind: "pending" },
      };
      transaction.insert(component, "_scheduled_functions", row);
    });
  }
  await bench.time.advance(100);
  assert.deepEqual(ran, ["mail:10", ":20", "mail:30"]);
});

test("a stop starts nothing more and waits for what is under way", async (t) => {
  const bench = makeJobBench(t);
  const gate = makeGate();
  bench.functions["a:wait"] = { kind: "action", run: gate.run };
  await bench.start();
  const running = await bench.schedule("a:wait");
  await settle();
  let isStopped = false;
  const stopped = bench.scheduler.stop().then(() => (isStopped = true));
  const later = await bench.schedule("a:wait");
  await settle();
  assert.equal(isStopped, false);
  gate.open();
  await stopped;
  assert.equal(await bench.state(running), "success");
  await bench.time.advance(60_000);
  assert.equal(await bench.state(later), "pending");
  assert.equal(gate.begun.length, 1);
  assert.equal(bench.time.waiting, 0);
});
