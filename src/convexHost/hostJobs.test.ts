// The scheduler with the real functions, through the official client.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, makeHostBench } from "./testing/hostBench.ts";

const SERVER = `import { mutationGeneric as mutation, queryGeneric as query, internalMutationGeneric as internalMutation,
  internalActionGeneric as internalAction, makeFunctionReference, cronJobs } from "convex/server";
const ref = (name) => makeFunctionReference(name);
`;
const JOBS = `${SERVER}
export const log = internalMutation({ handler: (ctx, args) => ctx.db.insert("log", { args, at: Date.now() }) });
export const logged = query({ handler: async (ctx) => (await ctx.db.query("log").collect()).map(({ args }) => args) });
export const chain = internalAction({ handler: async (ctx, { ms }) => {
  await ctx.runMutation(ref("jobs:log"), { what: "begun" });
  await new Promise((resolve) => setTimeout(resolve, ms));
  await ctx.scheduler.runAfter(0, ref("jobs:log"), { what: "directly" });
  await ctx.runMutation(ref("jobs:scheduleMore"), {});
} });
export const scheduleMore = internalMutation({ handler: (ctx) => ctx.scheduler.runAfter(0, ref("jobs:log"), { what: "through a mutation" }) });
export const start = mutation({ handler: (ctx, { ms }) => ctx.scheduler.runAfter(0, ref("jobs:chain"), { ms }) });
export const cancel = mutation({ handler: (ctx, { id }) => ctx.scheduler.cancel(id) });
export const put = mutation({ handler: (ctx, { delayMs = 0, args }) => ctx.scheduler.runAfter(delayMs, ref("jobs:log"), args) });
export const all = query({ handler: async (ctx) => (await ctx.db.system.query("_scheduled_functions").collect()) });
export const nested = mutation({ handler: async (ctx) => {
  await ctx.runMutation(ref("jobs:putAndThrow"), {}).catch(() => null);
  await ctx.scheduler.runAfter(0, ref("jobs:log"), { what: "outer" });
} });
export const putAndThrow = internalMutation({ handler: async (ctx) => {
  await ctx.scheduler.runAfter(0, ref("jobs:log"), { what: "inner" });
  throw new Error("rolled back");
} });
export const who = internalMutation({ handler: async (ctx) => {
  await ctx.db.insert("log", { args: { what: "identity", is: await ctx.auth.getUserIdentity() } });
} });
export const askWho = mutation({ handler: (ctx) => ctx.scheduler.runAfter(0, ref("jobs:who"), {}) });
export const bad = internalMutation({ handler: async (ctx) => {
  await ctx.db.insert("log", { args: { what: "bad" } });
  throw new Error("no luck today");
} });
export const putBad = mutation({ handler: (ctx) => ctx.scheduler.runAfter(0, ref("jobs:bad"), {}) });
`;

test("jobs through the whole host", async (t) => {
  const bench = await makeHostBench(t, { "jobs.ts": JOBS }, { flags: ["--check-determinism"] });
  const logged = async (): Promise<any[]> => (await bench.query("jobs:logged")) as any[];
  const whats = async () => (await logged()).map(({ what }) => what as string);
  const stateOf = async (id: string) => ((await bench.query("jobs:all")) as any[]).find((row) => row._id === id)?.state;

  await t.test(
    "what a cancelled action schedules after that is cancelled, also through a mutation it runs",
    async () => {
      const id = await bench.mutation("jobs:start", { ms: 400 });
      await eventually(async () => (await whats()).includes("begun"));
      await bench.mutation("jobs:cancel", { id });
      await eventually(async () => ((await bench.query("jobs:all")) as any[]).length === 3);
      const rows = (await bench.query("jobs:all")) as any[];
      assert.deepEqual(
        rows.map((row) => row.state.kind),
        ["canceled", "canceled", "canceled"],
      );
      assert.deepEqual(await whats(), ["begun"]);
    },
  );

  await t.test("rows look as on Convex: nothing but the fields of its own schema", async () => {
    const id = await bench.mutation("jobs:put", { delayMs: 60_000, args: { what: "later" } });
    const row = ((await bench.query("jobs:all")) as any[]).find(({ _id }) => _id === id);
    assert.deepEqual(Object.keys(row).toSorted(), ["_creationTime", "_id", "args", "name", "scheduledTime", "state"]);
    assert.deepEqual(row.args, [{ what: "later" }]);
    assert.ok(Math.abs(row.scheduledTime - Date.now() - 60_000) < 5_000);
    await bench.mutation("jobs:cancel", { id });
  });

  await t.test("a nested mutation that throws takes its job with it", async () => {
    await bench.mutation("jobs:nested");
    await eventually(async () => (await whats()).includes("outer"));
    assert.equal((await whats()).includes("inner"), false);
  });

  await t.test("a job has no identity", async () => {
    await bench.mutation("jobs:askWho");
    const found = await eventually(async () => (await logged()).find(({ what }) => what === "identity"));
    assert.equal(found.is, null);
  });

  await t.test("a mutation that throws is failed with the reason and has left nothing", async () => {
    const id = await bench.mutation("jobs:putBad");
    const state = await eventually(async () => {
      const found = await stateOf(id);
      return found.kind === "pending" ? undefined : found;
    });
    assert.equal(state.kind, "failed");
    assert.match(state.error, /no luck today/);
    assert.equal((await whats()).includes("bad"), false);
  });

  await t.test("arguments may be large and deep, up to the limits of scheduled functions", async () => {
    const text = "x".repeat(3_500_000);
    const size = await bench.mutation("jobs:put", { args: { what: "large", text } }).then(
      () => "taken",
      (error: Error) => error.message,
    );
    assert.equal(size, "taken");
    let deep: unknown = "end";
    for (let at = 0; at < 14; at++) deep = { deep };
    assert.ok(await bench.mutation("jobs:put", { args: { what: "deep", deep } }));
    await assert.rejects(bench.mutation("jobs:put", { args: { text: "x".repeat(4_200_000) } }), /scheduledArgsBytes/);
  });
});
