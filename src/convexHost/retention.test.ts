import assert from "node:assert/strict";
import { test } from "node:test";
import type { Value } from "convex/values";
import { FINISHED_KEPT_MS } from "./retention.ts";
import { makeJobBench } from "./testing/jobBench.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const jobRow = (kind: string, scheduledTime: number, completedTime: number | null): Value => ({
  name: "m:x",
  component: "",
  kind: "mutation",
  args: [{}],
  scheduledTime,
  state: kind === "failed" ? { kind, error: "e" } : { kind },
  ...(completedTime === null ? {} : { completedTime }),
});

test("finished jobs are kept for seven days, and those that are not finished for as long as they take", async (t) => {
  const bench = makeJobBench(t);
  bench.functions["m:x"] = { kind: "mutation", run: () => null };
  const nowMs = bench.time.clock();
  const oldMs = nowMs - FINISHED_KEPT_MS;
  await bench.temp.write((transaction) => {
    const add = (row: Value) => transaction.insert("", "_scheduled_functions", row);
    for (const kind of ["success", "failed", "canceled"]) {
      add(jobRow(kind, oldMs - 1, oldMs));
      add(jobRow(kind, oldMs - DAY_MS, oldMs + 1));
      add(jobRow(kind, oldMs + 1, nowMs));
    }
    // Cancelled long before it was due.
    add(jobRow("canceled", nowMs + 40 * DAY_MS, oldMs - 1));
    add(jobRow("pending", nowMs + DAY_MS, null));
  });
  await bench.start();
  await bench.time.advance(0);
  const left = await bench.rows("_scheduled_functions");
  assert.equal(left.length, 7);
  assert.ok(left.every((row) => row["completedTime"] === undefined || Number(row["completedTime"]) > oldMs));
});

test("sweeps every hour", async (t) => {
  const bench = makeJobBench(t);
  bench.functions["m:x"] = { kind: "mutation", run: () => null };
  await bench.start();
  const id = await bench.schedule("m:x");
  await bench.time.advance(1_000);
  bench.time.jump(FINISHED_KEPT_MS - 1_000 - HOUR_MS / 2);
  await bench.time.advance(60_000);
  assert.equal(await bench.state(id), "success");
  await bench.time.advance(HOUR_MS);
  assert.equal(await bench.state(id), undefined);
});

test("removes thousands in batches of at most 256, with other transactions between them, and passes over what it keeps", async (t) => {
  const bench = makeJobBench(t);
  const oldMs = bench.time.clock() - FINISHED_KEPT_MS;
  for (const from of [0, 750]) {
    await bench.temp.write((transaction) => {
      for (let at = from; at < from + 750; at++) {
        // Each third ran late and is not old yet.
        transaction.insert(
          "",
          "_scheduled_functions",
          jobRow("success", oldMs - 5_000, at % 3 === 0 ? oldMs + 1 : oldMs),
        );
      }
    });
  }
  const removedPerCommit: number[] = [];
  const { by_due: index } = await bench.temp
    .read((transaction) => {
      const query = transaction.openQuery("", {
        source: { type: "IndexRange", indexName: "_scheduled_functions.by_due", range: [], order: "asc" },
        operators: [],
      });
      transaction.nextOf(query);
      transaction.closeQuery(query);
      return { by_due: transaction.reads[0]!.index };
    })
    .then(({ value }) => value);
  bench.temp.queue.onCommit((_, touched) => removedPerCommit.push(touched.filter((key) => key.index === index).length));
  await bench.start();
  await bench.time.advance(0);
  await bench.time.advance(0);
  assert.equal((await bench.rows("_scheduled_functions")).length, 500);
  const sum = removedPerCommit.reduce((total, count) => total + count, 0);
  assert.equal(sum, 1_000);
  assert.ok(
    removedPerCommit.every((count) => count <= 256),
    String(removedPerCommit),
  );
});

test("outcomes of mutations over sockets go when they expire", async (t) => {
  const bench = makeJobBench(t);
  const nowMs = bench.time.clock();
  await bench.temp.write((transaction) => {
    for (const expiresAtMs of [nowMs - 1, nowMs, nowMs + 1]) {
      transaction.insert("", "_session_requests", { sessionId: "s", requestId: 1, expiresAtMs });
    }
  });
  await bench.start();
  await bench.time.advance(0);
  assert.deepEqual(
    (await bench.rows("_session_requests")).map((row) => row["expiresAtMs"]),
    [nowMs + 1],
  );
});

test("large rows go too, though a transaction may not read 256 of them", async (t) => {
  const bench = makeJobBench(t);
  const expiresAtMs = bench.time.clock() - 1;
  for (let at = 0; at < 40; at++) {
    await bench.temp.write((transaction) =>
      transaction.insert("", "_session_requests", {
        sessionId: "s",
        requestId: at,
        text: "x".repeat(1_000_000),
        expiresAtMs,
      }),
    );
  }
  await bench.start();
  for (let turn = 0; turn < 10; turn++) await bench.time.advance(0);
  assert.equal((await bench.rows("_session_requests")).length, 0);
  assert.doesNotMatch(bench.events.join("\n"), /trouble/);
});
