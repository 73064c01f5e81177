import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { FunctionRunnerOptions } from "./functions.ts";
import { startRealHost } from "./testing/realHost.ts";
import type { WorkTimers } from "./transactionWork.ts";

const SCHEMA = `
  import { defineSchema, defineTable } from "convex/server";
  import { v } from "convex/values";
  export default defineSchema({ notes: defineTable({ text: v.string(), by: v.optional(v.id("notes")) }).index("by_text", ["text"]) });`;

const IMPORTS = `
  import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action, makeFunctionReference } from "convex/server";
  import { v, ConvexError } from "convex/values";
  const ref = (name: string): any => makeFunctionReference(name as never);
  declare const globalThis: any;
  declare const Convex: any;
`;

const NOTES = `${IMPORTS}
  export const add = mutation({ args: { text: v.string() }, handler: (ctx, { text }) => ctx.db.insert("notes", { text }) });
  export const texts = query({ args: {}, handler: async (ctx) => (await ctx.db.query("notes").collect()).map((n) => n.text) });
  export const addAndFail = mutation({ args: { text: v.string(), data: v.optional(v.any()) }, handler: async (ctx, { text, data }) => {
    await ctx.db.insert("notes", { text });
    if (data !== undefined) throw new ConvexError(data);
    throw new Error("inner " + text);
  } });
`;

function host(t: TestContext, module: string, options: Partial<FunctionRunnerOptions> = {}) {
  return startRealHost(t, { "schema.ts": SCHEMA, "notes.ts": NOTES, "a.ts": `${IMPORTS}${module}` }, options);
}

/** Timers that ring when the test says so; the clock of own code moves with them and with \`spend\`. */
function manualTimers() {
  let elapsedMs = 0;
  const waiting = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const timers: WorkTimers = {
    elapsedMs: () => elapsedMs,
    set(callback, delayMs) {
      const entry = { atMs: elapsedMs + delayMs, callback };
      waiting.add(entry);
      return () => void waiting.delete(entry);
    },
  };
  return {
    timers,
    get waiting() {
      return waiting.size;
    },
    spend: (ms: number) => void (elapsedMs += ms),
    /** Lets everything run that can, then moves on. */
    async advance(ms: number) {
      for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
      elapsedMs += ms;
      for (const entry of [...waiting].filter(({ atMs }) => atMs <= elapsedMs)) {
        waiting.delete(entry);
        entry.callback();
      }
      for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
    },
  };
}

test("a nested mutation that throws leaves nothing; its caller may catch it and go on", async (t) => {
  const h = await host(
    t,
    `export const outer = mutation({ handler: async (ctx) => {
      await ctx.db.insert("notes", { text: "before" });
      const said = await ctx.runMutation(ref("notes:addAndFail"), { text: "x" }).catch((e: Error) => e.message);
      await ctx.runMutation(ref("notes:add"), { text: "after" });
      return { said, seen: await ctx.runQuery(ref("notes:texts"), {}) };
    } });
    export const both = mutation({ handler: async (ctx) => {
      await ctx.runMutation(ref("notes:add"), { text: "gone" });
      await ctx.runMutation(ref("notes:addAndFail"), { text: "y" });
    } });`,
  );
  const { said, seen } = await h.value("mutation", "a:outer");
  assert.match(said, /^Uncaught Error: inner x\n {4}at handler \(convex\/notes\.ts:\d+:\d+\)$/);
  assert.deepEqual(seen, ["before", "after"]);
  assert.match(
    (await h.failure("mutation", "a:both")).message,
    /Server Error\nUncaught Error: Uncaught Error: inner y\n/,
  );
  assert.deepEqual(await h.value("query", "notes:texts"), ["before", "after"]);
});

test("the data of a ConvexError comes through nested calls, from queries, mutations and actions", async (t) => {
  const h = await host(
    t,
    `export const deep = mutation({ handler: (ctx) => ctx.runMutation(ref("notes:addAndFail"), { text: "x", data: { code: "X", n: 3n } }) });
     export const deeper = mutation({ handler: (ctx) => ctx.runMutation(ref("a:deep"), {}) });
     export const caught = mutation({ handler: async (ctx) => { try { await ctx.runMutation(ref("a:deeper"), {}); } catch (e) { return [e instanceof ConvexError, e.data]; } } });
     export const act = action({ handler: (ctx) => ctx.runMutation(ref("a:deeper"), {}) });
     export const actAgain = action({ handler: (ctx) => ctx.runAction(ref("a:act"), {}) });`,
  );
  const data = { code: "X", n: { $integer: "AwAAAAAAAAA=" } };
  for (const path of ["a:deep", "a:deeper", "a:act", "a:actAgain"]) {
    assert.deepEqual((await h.failure("any", path)).data, data, path);
  }
  assert.deepEqual(await h.value("mutation", "a:caught"), [true, data]);
  assert.deepEqual(await h.value("query", "notes:texts"), []);
});

test("operations run in the order begun, also under Promise.all and around nested calls", async (t) => {
  const h = await host(
    t,
    `export const all = mutation({ handler: async (ctx) => {
      const results = await Promise.all([
        ctx.db.insert("notes", { text: "1" }),
        ctx.runMutation(ref("a:slow"), { text: "2" }),
        ctx.db.insert("notes", { text: "4" }),
        ctx.runQuery(ref("notes:texts"), {}),
        ctx.runMutation(ref("notes:addAndFail"), { text: "no" }).catch(() => "failed"),
        ctx.db.insert("notes", { text: "5" }),
      ]);
      return [results[3], results[4]];
    } });
    export const slow = mutation({ args: { text: v.string() }, handler: async (ctx, { text }) => {
      await ctx.db.insert("notes", { text });
      for (let n = 0; n < 50; n++) await null;
      await ctx.runMutation(ref("notes:add"), { text: "3" });
    } });`,
  );
  const seen = ["1", "2", "3", "4"];
  assert.deepEqual(await h.value("mutation", "a:all"), [seen, "failed"]);
  assert.deepEqual(await h.value("query", "notes:texts"), [...seen, "5"]);
});

test("operations that a handler began and did not await belong to its transaction", async (t) => {
  const h = await host(
    t,
    `export const forgets = mutation({ handler: async (ctx) => {
      void ctx.db.insert("notes", { text: "1" });
      void ctx.runMutation(ref("a:nested"), {});
      void ctx.db.insert("notes", { text: "3" });
    } });
    export const nested = mutation({ handler: async (ctx) => { await null; await null; void ctx.db.insert("notes", { text: "2" }); } });
    export const forgetsAndFails = mutation({ handler: async (ctx) => {
      void ctx.runMutation(ref("notes:add"), { text: "no" });
      void ctx.db.insert("notes", { text: "no" }).catch(() => {});
      throw new Error("and fails");
    } });
    export const act = action({ handler: async (ctx) => { void ctx.runMutation(ref("notes:add"), { text: "4" }); return "done"; } });`,
  );
  await h.value("mutation", "a:forgets");
  assert.deepEqual(await h.value("query", "notes:texts"), ["1", "2", "3"]);
  assert.match((await h.failure("mutation", "a:forgetsAndFails")).message, /and fails/);
  assert.deepEqual(await h.value("query", "notes:texts"), ["1", "2", "3"]);
  const { ts } = await h.run("action", "a:act");
  const seen = await h.run("query", "notes:texts");
  assert.deepEqual([seen.result, seen.ts], [{ valueJson: '["1","2","3","4"]' }, ts]);
});

test("an operation in the wrong kind of function, after its function or outside of all is an error that names both", async (t) => {
  const h = await host(
    t,
    `const raw = (op: string, args = {}) => Convex.asyncSyscall(op, JSON.stringify(args)).catch((e: Error) => { throw new Error(e.message); });
    export const write = query({ handler: () => raw("1.0/insert", { table: "notes", value: { text: "x" } }) });
    export const act = mutation({ handler: () => raw("1.0/actions/query", { name: "notes:texts", args: {} }) });
    export const read = action({ handler: () => raw("1.0/get", { id: "x" }) });
    export const readSync = action({ handler: async () => { try { Convex.syscall("1.0/getSnapshotTs", "{}"); } catch (e) { return [e instanceof Error, e.message]; } } });
    export const callMutation = query({ handler: () => raw("1.0/runUdf", { udfType: "mutation", name: "notes:add", args: {} }) });
    export const unknown = query({ handler: () => raw("1.0/nonsense") });
    export const inherited = query({ handler: () => raw("toString") });
    export const asAsync = query({ handler: () => raw("1.0/getSnapshotTs") });
    export const sign = mutation({ handler: (ctx) => (ctx.auth as any).signJwt({}) });
    export const leak = mutation({ handler: async (ctx) => { globalThis.leaked = ctx; } });
    export const useLeak = query({ handler: async () => globalThis.leaked.db.insert("notes", { text: "x" }) });
    export const later = action({ handler: async (ctx) => { globalThis.later = new Promise<void>((done) => { globalThis.wake = done; }).then(() => ctx.runQuery(ref("notes:texts"), {})).then(() => "ran", (e) => e.message); } });
    export const heard = action({ handler: async () => { globalThis.wake(); return await globalThis.later; } });`,
  );
  const failures: [string, RegExp][] = [
    ["a:write", /Operation 1\.0\/insert in a:write, which is a query: it is available in mutations/],
    ["a:act", /Operation 1\.0\/actions\/query in a:act, which is a mutation: it is available in actions, HTTP actions/],
    ["a:read", /Operation 1\.0\/get in a:read, which is an action: it is available in queries, mutations/],
    ["a:callMutation", /a:callMutation is a query: it can call queries only/],
    ["a:unknown", /Operation 1\.0\/nonsense \(asyncSyscall\) is not known to the embedded host/],
    ["a:inherited", /Operation toString \(asyncSyscall\) is not known/],
    ["a:asAsync", /Operation 1\.0\/getSnapshotTs \(asyncSyscall\) is not known/],
    ["a:sign", /auth\.signJwt\(\) is not offered by the embedded host/],
  ];
  for (const [path, expected] of failures) assert.match((await h.failure("any", path)).message, expected);
  const [isError, message] = await h.value("action", "a:readSync");
  assert.equal(isError, true);
  assert.match(message, /1\.0\/getSnapshotTs in a:readSync, which is an action/);
  // What a leaked ctx does belongs to the function that runs, with that one's rights.
  await h.value("mutation", "a:leak");
  assert.match((await h.failure("query", "a:useLeak")).message, /1\.0\/insert in a:useLeak, which is a query/);
  await h.value("action", "a:later");
  assert.match(await h.value("action", "a:heard"), /^Operation 1\.0\/actions\/query after a:later had ended/);
  await assert.rejects(
    host(t, 'Convex.syscall("1.0/getSnapshotTs", "{}");'),
    /outside of a function: not while modules load/,
  );
});

test("a handler that awaits what never comes fails after 1 s, leaves nothing, and those behind it go on", async (t) => {
  const time = manualTimers();
  const h = await host(
    t,
    `export const hangs = mutation({ handler: async (ctx) => { await ctx.db.insert("notes", { text: "no" }); await new Promise((wake) => { globalThis.wake = wake; }); await ctx.db.insert("notes", { text: "never" }); } });
     export const nests = mutation({ handler: async (ctx) => { await ctx.db.insert("notes", { text: "no" }); await ctx.runMutation(ref("a:hangs"), {}).catch(() => {}); } });
     export const queries = query({ handler: () => new Promise(() => {}) });
     export const wake = mutation({ handler: async (ctx) => { globalThis.wake(); for (let n = 0; n < 99; n++) await null; await ctx.db.insert("notes", { text: "mine" }); } });`,
    { timers: time.timers, isDeterminismChecked: false },
  );
  for (const path of ["a:hangs", "a:nests", "a:queries"]) {
    const hung = h.failure("any", path);
    const behind = h.value("query", "notes:texts");
    await time.advance(999);
    assert.equal(await Promise.race([hung, Promise.resolve("waits")]), "waits", path);
    await time.advance(1);
    assert.match((await hung).message, new RegExp(`${path} has not settled 1000 ms after its last operation`));
    assert.deepEqual(await behind, []);
    assert.equal(time.waiting, 0);
  }
  // Waking later, the dead handler can do nothing in the transaction of another.
  await h.value("mutation", "a:wake");
  assert.deepEqual(await h.value("query", "notes:texts"), ["mine"]);
});

test("waiting for real work between operations is no hanging, as long as something happens within 1 s", async (t) => {
  const h = await host(
    t,
    `export const digest = mutation({ handler: async (ctx) => {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x"));
      return await ctx.db.insert("notes", { text: [...new Uint8Array(digest)].slice(0, 2).join() });
    } });`,
  );
  await h.value("mutation", "a:digest");
  assert.deepEqual(await h.value("query", "notes:texts"), ["45,113"]);
});

test("own code of more than 1 s fails at the next operation or at the end; nested calls count, the host's work does not", async (t) => {
  const time = manualTimers();
  const h = await host(
    t,
    `const spend = (ms: number) => console.log("spend", ms);
     export const long = mutation({ handler: async (ctx) => { spend(600); await ctx.db.insert("notes", { text: "a" }); spend(401); await ctx.db.insert("notes", { text: "b" }); } });
     export const atEnd = query({ handler: async () => { spend(1001); return 1; } });
     export const nested = query({ handler: async (ctx) => { spend(500); await ctx.runQuery(ref("a:half"), {}); await ctx.runQuery(ref("a:half"), {}); } });
     export const half = query({ handler: async () => { spend(300); } });
     export const fine = query({ handler: async (ctx) => { spend(500); await ctx.db.query("notes").first(); spend(500); } });
     export const act = action({ handler: async () => { spend(5000); return "acts"; } });`,
    {
      timers: time.timers,
      isDeterminismChecked: false,
      log: (event, { line }) => {
        if (event === "function.log") time.spend(Number(/'spend' (\d+)/.exec(JSON.stringify(line))?.[1]));
      },
    },
  );
  for (const path of ["a:long", "a:atEnd", "a:nested"]) {
    assert.match(
      (await h.failure("any", path)).message,
      /Limit "transactionCodeMs" exceeded: 1,\d+, at most 1,000 allowed/,
      path,
    );
  }
  assert.equal(await h.value("query", "a:fine"), null);
  assert.equal(await h.value("action", "a:act"), "acts");
  assert.deepEqual(await h.value("query", "notes:texts"), []);
});

test("an action ends after 10 minutes, and its timers and operations with it", async (t) => {
  const time = manualTimers();
  const h = await host(
    t,
    `export const forever = action({ handler: async (ctx) => { globalThis.ticks = 0; setInterval(() => { globalThis.ticks += 1; }, 1); await new Promise(() => {}); } });
     export const ticks = query({ handler: async () => globalThis.ticks });
     export const ends = action({ handler: async () => { setTimeout(() => { globalThis.fired = true; }, 5); return 1; } });
     export const fired = query({ handler: async () => globalThis.fired === true });
     export const throws = action({ handler: async () => { setTimeout(() => { throw new Error("in a timer"); }, 1); await new Promise((done) => setTimeout(done, 20)); return "goes on"; } });`,
    { timers: time.timers },
  );
  const failed = h.failure("action", "a:forever");
  await time.advance(599_999);
  await time.advance(1);
  assert.match((await failed).message, /a:forever has run for 600000 ms, the most an action may/);
  const ticks = await h.value("query", "a:ticks");
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(await h.value("query", "a:ticks"), ticks);
  await h.value("action", "a:ends");
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(await h.value("query", "a:fired"), false);
  const { result, logLines } = await h.run("action", "a:throws");
  assert.deepEqual(result, { valueJson: '"goes on"' });
  assert.match(logLines[0] ?? "", /^\[ERROR\] Error: in a timer/);
});

test("calls nest 64 deep and no deeper", async (t) => {
  const h = await host(
    t,
    `export const down = mutation({ args: { n: v.number() }, handler: async (ctx, { n }): Promise<number> => (n === 0 ? 0 : 1 + (await ctx.runMutation(ref("a:down"), { n: n - 1 }))) });`,
  );
  assert.equal(await h.value("mutation", "a:down", { n: 64 }), 64);
  assert.match((await h.failure("mutation", "a:down", { n: 65 })).message, /call each other more than 64 deep/);
});

test("transactionLimits lower the limits of a nested call, and metrics tell what is left", async (t) => {
  const h = await host(
    t,
    `const write = (n: number) => ({ n });
     export const many = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => { for (let k = 0; k < n; k++) await ctx.db.insert("notes", { text: "x" }); return (await (ctx as any).meta.getTransactionMetrics()).documentsWritten; } });
     export const outer = mutation({ handler: async (ctx) => {
       await ctx.db.insert("notes", { text: "mine" });
       const fits = await ctx.runMutation(ref("a:many"), write(3), { transactionLimits: { documentsWritten: 3 } } as never);
       const over = await ctx.runMutation(ref("a:many"), write(4), { transactionLimits: { documentsWritten: 3 } } as never).catch((e: Error) => e.message);
       const odd = await ctx.runMutation(ref("a:many"), write(1), { transactionLimits: { nonsense: 3 } } as never).catch((e: Error) => e.message);
       return { fits, over, odd, after: (await (ctx as any).meta.getTransactionMetrics()).documentsWritten };
     } });
     export const reads = query({ handler: (ctx) => ctx.runQuery(ref("notes:texts"), {}, { transactionLimits: { documentsRead: 3 } } as never) });`,
    { isDeterminismChecked: false },
  );
  const { fits, over, odd, after } = await h.value("mutation", "a:outer");
  assert.deepEqual(fits, { used: 4, remaining: 0 });
  assert.match(over, /Limit "documentsWritten" exceeded: 4, at most 3 allowed/);
  assert.match(odd, /transactionLimits: no limit "nonsense"/);
  assert.deepEqual(after, { used: 4, remaining: 15_996 });
  assert.equal((await h.value("query", "notes:texts")).length, 4);
  assert.match((await h.failure("query", "a:reads")).message, /Limit "documentsRead" exceeded: 4, at most 3 allowed/);
});

test("a stale snapshot sees the state at the start of its parent, and never its parent's writes", async (t) => {
  const h = await host(
    t,
    `export const outer = mutation({ handler: async (ctx) => {
       await ctx.db.insert("notes", { text: "mine" });
       const stale = await ctx.runQuery(ref("a:twoDeep"), {}, { useStaleSnapshot: true } as never);
       return { stale, fresh: await ctx.runQuery(ref("a:twoDeep"), {}) };
     } });
     export const twoDeep = query({ handler: (ctx) => ctx.runQuery(ref("notes:texts"), {}) });`,
  );
  await h.value("mutation", "notes:add", { text: "before" });
  assert.deepEqual(await h.value("mutation", "a:outer"), { stale: ["before"], fresh: ["before", "mine"] });
});

test("system tables are read with db.system only, and written by the host only", async (t) => {
  const h = await host(
    t,
    `const said = (p: Promise<unknown>) => p.then(() => "done", (e: Error) => e.message);
     export const all = mutation({ handler: async (ctx) => {
       const job = await ctx.scheduler.runAfter(0, ref("notes:add"), { text: "x" });
       const db: any = ctx.db;
       return [
         (await db.system.get(job)).state.kind, (await db.system.query("_scheduled_functions").collect()).length, await db.system.query("_storage").count(),
         await said(db.get(job)), await said(db.patch(job, { name: "y" })), await said(db.delete(job)), await said(db.replace(job, {})),
         await said(db.system.query("_session_requests").collect()), await said(db.system.get(await db.insert("notes", { text: "n" }))),
         db.system.normalizeId("_scheduled_functions", job) === job, db.normalizeId("notes", job),
       ];
     } });`,
  );
  const [kind, jobs, files, get, patch, remove, replace, hidden, user, own, other] = await h.value("mutation", "a:all");
  assert.deepEqual([kind, jobs, files, own, other], ["pending", 1, 0, true, null]);
  assert.match(get, /System tables can only be read with db\.system\.get\(\)/);
  for (const message of [patch, remove, replace])
    assert.match(message, /System tables \(prefixed with "_"\) are read-only/);
  assert.match(hidden, /There is no system table "_session_requests"/);
  assert.match(user, /User tables can only be read with db\.get\(\)/);
});
