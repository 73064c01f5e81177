import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSessionQueues } from "./sessionQueue.ts";

test("work of one session runs in arrival order and never overlaps, whatever it takes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ session: fc.nat(2), ticks: fc.nat(4) }), { maxLength: 20 }),
      async (items) => {
        const queues = createSessionQueues();
        const running = new Set<number>();
        const done: number[][] = [[], [], []];
        const work = (session: number, ticks: number, n: number) => async () => {
          assert.ok(!running.has(session));
          running.add(session);
          for (let i = 0; i < ticks; i += 1) await Promise.resolve();
          running.delete(session);
          done[session]?.push(n);
        };
        await Promise.all(items.map(({ session, ticks }, n) => queues.run(String(session), work(session, ticks, n))));
        for (const list of done)
          assert.deepEqual(
            list,
            [...list].sort((a, b) => a - b),
          );
      },
    ),
  );
});

test("a call whose turn does not come in time is refused and never runs", async () => {
  const queues = createSessionQueues(5);
  const gate = Promise.withResolvers<void>();
  queues.enqueue("s", () => gate.promise);
  let hasRun = false;
  const late = queues.run("s", async () => {
    hasRun = true;
  });
  await assert.rejects(late, { status: 503, code: "SESSION_BUSY" });
  gate.resolve();
  await queues.run("s", async () => undefined);
  assert.equal(hasRun, false);
});

test("a failing call does not stop the queue", async () => {
  const queues = createSessionQueues();
  await assert.rejects(
    queues.run("s", () => Promise.reject(new Error("lost"))),
    /lost/,
  );
  assert.equal(await queues.run("s", async () => 1), 1);
});

test("draining waits for what runs and drops what waits", async () => {
  const queues = createSessionQueues();
  const gate = Promise.withResolvers<void>();
  const ran: string[] = [];
  queues.enqueue("s", async () => {
    await gate.promise;
    ran.push("running");
  });
  queues.enqueue("s", async () => void ran.push("waiting"));
  const drained = queues.drain();
  gate.resolve();
  await drained;
  assert.deepEqual(ran, ["running"]);
});

test("the turn of several free sessions at once keeps all of them, and what comes waits for its end", async () => {
  const queues = createSessionQueues();
  assert.ok(queues.isFree("a"));
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const steps: string[] = [];
  const both = queues.runInAll(["a", "b"], async () => {
    steps.push("both");
    await gate;
    steps.push("done");
    return 1;
  });
  assert.deepEqual([queues.isFree("a"), queues.isFree("b"), queues.isFree("c")], [false, false, true]);
  const behind = ["a", "b"].map((id) => queues.run(id, async () => void steps.push(id)));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(steps, ["both"]);
  open();
  assert.equal(await both, 1);
  await Promise.all(behind);
  assert.deepEqual(steps.slice(0, 2), ["both", "done"]);
  await assert.rejects(queues.runInAll(["a"], () => Promise.reject(new Error("no"))));
  await queues.drain();
  assert.ok(queues.isFree("a"));
});
