// Jobs after the watchdog has ended the process: one of those that were due may be why.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stateOf } from "./jobRows.ts";
import { type JobBench, makeJobBench } from "./testing/jobBench.ts";
import { settle } from "./testing/manualTime.ts";
import { TransportError } from "./words.ts";

const STUCK = { wasStuck: true };

/** A mutation that was begun carefully when its process ended. */
async function leaveInProgress(bench: JobBench, path: string): Promise<string> {
  const id = await bench.schedule(path);
  await bench.temp.write((transaction) => {
    transaction.patch("", "_scheduled_functions", id, { state: { kind: "inProgress" } });
  });
  return id;
}

test("the jobs that were due when a function got stuck begin one by one, each marked on the disk before", async (t) => {
  const bench = makeJobBench(t);
  const ids: string[] = [];
  const seen: (string | null)[][] = [];
  bench.functions["m:look"] = {
    kind: "mutation",
    run: (_, transaction) => void seen.push(ids.map((id) => stateOf(transaction!, { component: "", id }))),
  };
  for (let at = 0; at < 3; at++) ids.push(await bench.schedule("m:look"));
  await bench.scheduler.start([], STUCK);
  await settle(60);
  assert.deepEqual(seen, [
    ["inProgress", "pending", "pending"],
    ["success", "inProgress", "pending"],
    ["success", "success", "inProgress"],
  ]);
});

test("the job that was begun when a function got stuck has failed, and those behind it run", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:spin"] = { kind: "mutation", run: () => assert.fail("it runs again") };
  bench.functions["m:good"] = { kind: "mutation", run: () => void (runs += 1) };
  const [spinning, good] = [await leaveInProgress(bench, "m:spin"), await bench.schedule("m:good")];
  await bench.scheduler.start([], STUCK);
  await settle(60);
  assert.deepEqual((await bench.job(spinning))?.["state"], { kind: "failed", error: "interrupted" });
  assert.equal(await bench.state(good), "success");
  assert.equal(runs, 1);
});

test("a mutation that was begun when its process was killed for another reason runs: nothing of it was kept", async (t) => {
  const bench = makeJobBench(t);
  let runs = 0;
  bench.functions["m:good"] = { kind: "mutation", run: () => void (runs += 1) };
  const id = await leaveInProgress(bench, "m:good");
  await bench.start();
  await settle();
  assert.equal(await bench.state(id), "success");
  assert.equal(runs, 1);
});

test("a job that comes after the start is not marked, and runs beside others again", async (t) => {
  const bench = makeJobBench(t);
  const states: (string | null)[] = [];
  bench.functions["m:look"] = {
    kind: "mutation",
    run: (_, transaction, job) => void states.push(stateOf(transaction!, job!)),
  };
  await bench.schedule("m:look");
  await bench.scheduler.start([], STUCK);
  await settle(60);
  await bench.schedule("m:look", 1);
  await bench.time.advance(1);
  assert.deepEqual(states, ["inProgress", "pending"]);
});

test("a marked job that meets a full disk, throws or is cancelled ends as any other", async (t) => {
  const bench = makeJobBench(t);
  let tries = 0;
  bench.functions["m:full"] = {
    kind: "mutation",
    run(_, transaction) {
      tries += 1;
      transaction!.insert("", "notes", { tries });
      if (tries === 1) throw new TransportError(503, "CommitFailed", "the disk is full");
    },
  };
  bench.functions["m:bad"] = { kind: "mutation", run: () => Promise.reject(new Error("no luck")) };
  const ids = [await bench.schedule("m:full"), await bench.schedule("m:bad"), await bench.schedule("m:bad")];
  await bench.cancel(ids[2]!);
  await bench.scheduler.start([], STUCK);
  await settle(60);
  await bench.time.advance(5_000);
  const kinds = await Promise.all(ids.map((id) => bench.state(id)));
  assert.deepEqual(kinds, ["success", "failed", "canceled"]);
  assert.equal(tries, 2);
  assert.equal((await bench.rows("notes")).length, 1);
});
