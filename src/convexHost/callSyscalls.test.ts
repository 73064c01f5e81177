import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { JobRef } from "./functions.ts";
import { type RealHost, startRealHost } from "./testing/realHost.ts";
import type { StoredDocument } from "./words.ts";

const JOBS = `
  import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action, internalMutationGeneric as internalMutation, makeFunctionReference, defineSchema } from "convex/server";
  import { v, ConvexError } from "convex/values";
  const ref = (name: string): any => makeFunctionReference(name as never);
  export const note = internalMutation({ args: { text: v.string() }, handler: async (ctx, { text }) => { await ctx.db.insert("notes", { text, who: (await ctx.auth.getUserIdentity())?.subject ?? null, job: (await (ctx as any).meta.getRequestMetadata()).scheduledFunctionId }); return text; } });
  export const noteAndFail = mutation({ args: { text: v.string() }, handler: async (ctx, { text }) => { await ctx.db.insert("notes", { text }); throw new ConvexError("after " + text); } });
  export const notes = query({ handler: async (ctx) => (await ctx.db.query("notes").collect()).map(({ text, who, job }: any) => ({ text, who, job })) });
  export const act = action({ args: { text: v.string() }, handler: async (ctx, { text }) => { await ctx.runMutation(ref("a:note"), { text }); if (text === "bad") throw new Error("bad act"); return text; } });
  export const after = mutation({ args: { ms: v.number(), name: v.string() }, handler: (ctx, { ms, name }) => ctx.scheduler.runAfter(ms, ref(name), { text: "later" }) });
  export const at = mutation({ args: { ms: v.number() }, handler: (ctx, { ms }) => ctx.scheduler.runAt(new Date(ms), ref("a:note"), { text: "at" }) });
  export const cancel = mutation({ args: { id: v.string() }, handler: (ctx, { id }) => ctx.scheduler.cancel(id as never) });
  export const scheduleAndFail = mutation({ handler: async (ctx) => { await ctx.scheduler.runAfter(0, ref("a:note"), { text: "no" }); throw new Error("no"); } });
  export const outer = mutation({ handler: async (ctx) => { await ctx.runMutation(ref("a:scheduleAndFail"), {}).catch(() => {}); return await ctx.scheduler.runAfter(0, ref("a:note"), { text: "yes" }); } });
  export const big = mutation({ handler: (ctx) => ctx.scheduler.runAfter(0, ref("a:note"), { text: "x".repeat(5 * 2 ** 20) }) });
  export const many = mutation({ handler: async (ctx) => { for (let n = 0; n < 1001; n++) await ctx.scheduler.runAfter(0, ref("a:note"), { text: "x" }); } });
  export const fromAction = action({ args: {}, handler: async (ctx) => { const id = await ctx.scheduler.runAfter(1000, ref("a:act"), { text: "x" }); const gone = await ctx.scheduler.runAfter(1000, ref("a:act"), { text: "y" }); await ctx.scheduler.cancel(gone); return [id, gone]; } });
  export const chain = action({ args: { self: v.string() }, handler: async (ctx, { self }) => { const first = await ctx.scheduler.runAfter(0, ref("a:note"), { text: "1" }); await ctx.scheduler.cancel(self as never); const second = await ctx.scheduler.runAfter(0, ref("a:note"), { text: "2" }); const third = await ctx.runMutation(ref("a:after"), { ms: 0, name: "a:note" }); return [first, second, third]; } });
  export const handles = query({ handler: async () => createFunctionHandle(ref("a:note")) });
  export const viaHandle = mutation({ args: { handle: v.string() }, handler: (ctx, { handle }) => ctx.runMutation(handle as never, { text: "handled" } as never) });
  import { createFunctionHandle } from "convex/server";
`;

const start = (t: TestContext) => startRealHost(t, { "a.ts": JOBS });

async function jobOf(h: RealHost, id: string, component = ""): Promise<StoredDocument | null> {
  return (await h.queue.run(async (transaction) => transaction.get(component, "_scheduled_functions", id), false))
    .value;
}

async function stateOf(h: RealHost, id: string): Promise<string | undefined> {
  return ((await jobOf(h, id))?.["state"] as { kind: string } | undefined)?.kind;
}

/** Runs a mutation job as the scheduler does: its new state commits with what it did. */
function runMutationJob(h: RealHost, job: JobRef, path: string, args: Record<string, string>) {
  return h.queue.run(async (transaction) => {
    const value = await h.functions.runJob({ component: "", path }, args, { kind: "mutation", transaction, job });
    transaction.patch("", "_scheduled_functions", job.id, { state: { kind: "success" } });
    return value;
  }, true);
}

test("scheduling writes the job's row: name, arguments, due time in ms, pending", async (t) => {
  const h = await start(t);
  const id = await h.value("mutation", "a:after", { ms: 1_500.5, name: "a:note" });
  const { _id, _creationTime, ...row } = (await jobOf(h, id)) ?? assert.fail("no row");
  assert.deepEqual(row, {
    name: "a:note",
    args: [{ text: "later" }],
    scheduledTime: h.nowMs + 1_500.5,
    state: { kind: "pending" },
  });
  const at = await h.value("mutation", "a:at", { ms: 1_800_000_000_001 });
  assert.equal((await jobOf(h, at))?.["scheduledTime"], 1_800_000_000_001);
});

test("a job vanishes with the rollback of the call that scheduled it, also of a nested one", async (t) => {
  const h = await start(t);
  await h.failure("mutation", "a:scheduleAndFail");
  const id = await h.value("mutation", "a:outer");
  const { value } = await h.queue.run(async (transaction) => transaction.count("", "_scheduled_functions"), false);
  assert.equal(value, 1);
  assert.deepEqual((await jobOf(h, id))?.["args"], [{ text: "yes" }]);
});

test("only mutations and actions that exist can be scheduled, with at most 4 MiB, and 1,000 by one mutation", async (t) => {
  const h = await start(t);
  assert.match(
    (await h.failure("mutation", "a:after", { ms: 0, name: "a:notes" })).message,
    /a:notes is a function of kind "query", expected "mutation" or "action"/,
  );
  assert.match(
    (await h.failure("mutation", "a:after", { ms: 0, name: "a:none" })).message,
    /There is no function a:none/,
  );
  assert.match((await h.failure("mutation", "a:big")).message, /Limit "scheduledArgsBytes" exceeded/);
  assert.match(
    (await h.failure("mutation", "a:many")).message,
    /Limit "functionsScheduled" exceeded: 1,001, at most 1,000/,
  );
});

test("a pending job is cancelled; cancelling again, or what is gone, changes nothing", async (t) => {
  const h = await start(t);
  const id = await h.value("mutation", "a:after", { ms: 1_000, name: "a:note" });
  await h.value("mutation", "a:cancel", { id });
  const cancelled = await jobOf(h, id);
  assert.deepEqual([cancelled?.["state"], cancelled?.["completedTime"]], [{ kind: "canceled" }, h.nowMs]);
  h.nowMs += 1_000;
  await h.value("mutation", "a:cancel", { id });
  assert.equal((await jobOf(h, id))?.["completedTime"], h.nowMs - 1_000);
});

test("an action schedules and cancels in transactions of their own", async (t) => {
  const h = await start(t);
  const [id, gone] = await h.value("action", "a:fromAction");
  assert.deepEqual([await stateOf(h, id), await stateOf(h, gone)], ["pending", "canceled"]);
});

test("what a cancelled job schedules afterwards is cancelled, also through the mutations that it calls", async (t) => {
  const h = await start(t);
  const self = await h.value("mutation", "a:after", { ms: 0, name: "a:act" });
  await h.queue.run(
    async (transaction) => transaction.patch("", "_scheduled_functions", self, { state: { kind: "inProgress" } }),
    true,
  );
  const run = { kind: "action", transaction: null, job: { component: "", id: self } } as const;
  const ids = JSON.parse(await h.functions.runJob({ component: "", path: "a:chain" }, { self }, run)) as string[];
  assert.deepEqual(await Promise.all(ids.map((id) => stateOf(h, id))), ["pending", "canceled", "canceled"]);
  assert.equal(await stateOf(h, self), "canceled");
});

test("a mutation job's effect and its new state commit together, without an identity; it knows its row", async (t) => {
  const h = await start(t);
  const id = await h.value("mutation", "a:after", { ms: 0, name: "a:note" });
  const heard: bigint[] = [];
  h.functions.onCommit((ts) => heard.push(ts));
  const { value, ts } = await runMutationJob(h, { component: "", id }, "a:note", { text: "x" });
  assert.equal(value, '"x"');
  assert.deepEqual(heard, [ts]);
  assert.equal(await stateOf(h, id), "success");
  assert.deepEqual(await h.value("query", "a:notes"), [{ text: "x", who: null, job: id }]);
});

test("a job that fails is told to the scheduler, and has left nothing in its transaction", async (t) => {
  const h = await start(t);
  const id = await h.value("mutation", "a:after", { ms: 0, name: "a:note" });
  const address = { component: "", path: "a:noteAndFail" };
  const { value } = await h.queue.run(async (transaction) => {
    const run = { kind: "mutation", transaction, job: { component: "", id } } as const;
    const error = await h.functions.runJob(address, { text: "x" }, run).catch((caught: Error) => caught);
    transaction.patch("", "_scheduled_functions", id, { state: { kind: "failed", error: (error as Error).message } });
    return error;
  }, true);
  assert.ok(value instanceof Error);
  assert.match(value.message, /^Uncaught ConvexError: after x\n {4}at handler/);
  assert.deepEqual([await stateOf(h, id), await h.value("query", "a:notes")], ["failed", []]);
  const action = { kind: "action", transaction: null, job: null } as const;
  await assert.rejects(
    h.functions.runJob({ component: "", path: "a:act" }, { text: "bad" }, action),
    /Uncaught Error: bad act/,
  );
  await assert.rejects(h.functions.runJob({ component: "", path: "a:note" }, {}, action), /There is no action a:note/);
});

test("the scheduler can ask what a function is, and where an entry of crons.ts leads", async (t) => {
  const { functions } = await start(t);
  assert.equal(functions.kindOf({ component: "", path: "a:note" }), "mutation");
  assert.equal(functions.kindOf({ component: "", path: "a:gone" }), null);
  assert.deepEqual(functions.resolve("a.js:note", ""), { component: "", path: "a:note" });
  assert.throws(() => functions.resolve("a:gone", ""), /There is no function a:gone/);
});

test("a handle names a function, internal ones too, and can be called where it is handed to", async (t) => {
  const h = await start(t);
  const handle = await h.value("query", "a:handles");
  assert.equal(handle, "function://;a:note");
  assert.equal(await h.value("mutation", "a:viaHandle", { handle }), "handled");
  assert.match(
    (await h.failure("mutation", "a:viaHandle", { handle: "function://;a:none" })).message,
    /There is no function a:none/,
  );
});
