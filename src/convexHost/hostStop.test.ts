// How a host ends, and what the next one makes of how it ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { action, eventually, makeHostBench, mutation } from "./testing/hostBench.ts";

const SERVER = `import { actionGeneric as action, mutationGeneric as mutation, queryGeneric as query,
  internalMutationGeneric as internalMutation, makeFunctionReference } from "convex/server";
const ref = (name) => makeFunctionReference(name);
`;
const FUNCTIONS = {
  "work.ts": `${SERVER}
export const put = internalMutation({ handler: (ctx, { what }) => ctx.db.insert("log", { what }) });
export const logged = query({ handler: async (ctx) => (await ctx.db.query("log").collect()).map(({ what }) => what) });
export const slowly = action({ handler: async (ctx, { ms }) => {
  await ctx.runMutation(ref("work:put"), { what: "begun" });
  await new Promise((resolve) => setTimeout(resolve, ms));
  await ctx.runMutation(ref("work:put"), { what: "ended" });
} });
export const spin = internalMutation({ handler: async () => { for (;;); } });
export const spinNow = mutation({ handler: async (ctx, { n }) => {
  if (n === 0) return "fine";
  await ctx.db.insert("log", { what: "spun" });
  for (;;);
} });
export const schedule = mutation({ handler: async (ctx) => [
  await ctx.scheduler.runAfter(0, ref("work:put"), { what: "before" }),
  await ctx.scheduler.runAfter(0, ref("work:spin"), {}),
  await ctx.scheduler.runAfter(0, ref("work:put"), { what: "after" }),
] });
export const jobs = query({ handler: async (ctx) =>
  (await ctx.db.system.query("_scheduled_functions").collect()).map(({ state }) => state) });
`,
};

test("an action that came over a socket has its time at SIGTERM, as one over HTTP has", async (t) => {
  const bench = await makeHostBench(t, FUNCTIONS);
  const client = bench.connect();
  const called = client.action(action("work:slowly"), { ms: 1_500 });
  const failed = assert.rejects(called, /Connection lost/);
  await eventually(async () => (await bench.query("work:logged")).includes("begun"));
  assert.deepEqual(await bench.stop(), { code: 0, signal: null });
  await bench.start();
  assert.deepEqual(await bench.query("work:logged"), ["begun", "ended"]);
  await failed;
});

test("a call that outlives the time for the drain is left behind: the host ends with 0 within 12 s", async (t) => {
  const bench = await makeHostBench(t, FUNCTIONS);
  const called = bench.action("work:slowly", { ms: 60_000 });
  const failed = assert.rejects(called);
  await eventually(async () => (await bench.query("work:logged")).includes("begun"));
  const sinceMs = performance.now();
  assert.deepEqual(await bench.stop(), { code: 0, signal: null });
  const tookMs = performance.now() - sinceMs;
  assert.ok(tookMs > 9_000 && tookMs < 12_000, `${tookMs} ms`);
  await failed;
});

test("a job that never yields ends the process twice, then it has failed, and the jobs beside it run once", async (t) => {
  const bench = await makeHostBench(t, FUNCTIONS);
  await bench.mutation("work:schedule").catch(() => undefined);
  for (let ends = 0; ends < 2; ends++) {
    assert.deepEqual(await bench.process.ended, { code: null, signal: "SIGKILL" });
    const { message } = await (await bench.start()).event("host.endedByWatchdog");
    assert.match(String(message), /did not yield/);
  }
  const states = await eventually(async () => {
    const found = (await bench.query("work:jobs")) as { kind: string }[];
    return found.every(({ kind }) => kind !== "pending" && kind !== "inProgress") && found;
  });
  assert.deepEqual(states, [{ kind: "success" }, { kind: "failed", error: "interrupted" }, { kind: "success" }]);
  assert.deepEqual(await bench.query("work:logged"), ["before", "after"]);
});

test("a mutation that never yields ends one process, not each that the client repeats it to", async (t) => {
  const bench = await makeHostBench(t, FUNCTIONS);
  const client = bench.connect();
  const refused = assert.rejects(client.mutation(mutation("work:spinNow"), { n: 1 }), /DidNotYield: work:spinNow/);
  assert.deepEqual(await bench.process.ended, { code: null, signal: "SIGKILL" });
  await bench.start();
  await refused;
  assert.deepEqual(await client.mutation(mutation("work:spinNow"), { n: 0 }), "fine");
  assert.deepEqual(await bench.query("work:logged"), []);
});
