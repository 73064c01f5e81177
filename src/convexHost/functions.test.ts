import assert from "node:assert/strict";
import { createCallGuard } from "./callGuard.ts";
import { test, type TestContext } from "node:test";
import { jsonToConvex } from "convex/values";
import { CommitFailed } from "./commitQueue.ts";
import type { FunctionRunnerOptions } from "./functions.ts";
import { ADMIN, startRealHost } from "./testing/realHost.ts";
import { type Caller, NOBODY, TransportError } from "./words.ts";

const SCHEMA = `
  import { defineSchema, defineTable } from "convex/server";
  import { v } from "convex/values";
  export default defineSchema({
    notes: defineTable({ text: v.string(), at: v.optional(v.number()) }).index("by_text", ["text"]),
  });`;

const IMPORTS = `
  import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action, internalMutationGeneric as internalMutation, internalQueryGeneric as internalQuery, makeFunctionReference } from "convex/server";
  import { v, ConvexError } from "convex/values";
  const ref = (name: string): any => makeFunctionReference(name as never);
  declare const globalThis: any;
`;

const NOTES = `${IMPORTS}
  export const add = mutation({ args: { text: v.string() }, returns: v.id("notes"), handler: (ctx, { text }) => ctx.db.insert("notes", { text }) });
  export const texts = query({ args: {}, handler: async (ctx) => (await ctx.db.query("notes").collect()).map((n) => n.text) });
`;

function host(t: TestContext, module: string, options: Partial<FunctionRunnerOptions> = {}) {
  return startRealHost(t, { "schema.ts": SCHEMA, "notes.ts": NOTES, "a.ts": `${IMPORTS}${module}` }, options);
}

const userOf = (name: string): Caller => ({
  identity: { tokenIdentifier: `issuer|${name}`, subject: name },
  isAdmin: false,
  expiresAtMs: null,
});

async function refusal(call: Promise<unknown>): Promise<[number, string, string]> {
  const error = await call.then(
    () => assert.fail("was not refused"),
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof TransportError, String(error));
  return [error.status, error.code, error.message];
}

test("a mutation's value, log lines and timestamp are told, and a later query sees what it wrote", async (t) => {
  const h = await host(
    t,
    'export const say = mutation({ handler: async (ctx) => { console.log("hi", { a: [1] }); console.warn(new Error("careful")); return 1n; } });',
  );
  const before = h.functions.ts;
  const added = await h.run("mutation", "notes:add", { text: "one" });
  assert.ok("valueJson" in added.result);
  assert.ok(added.ts > before);
  assert.equal(h.functions.ts, added.ts);
  const seen = await h.run("query", "notes:texts");
  assert.deepEqual(seen.result, { valueJson: '["one"]' });
  assert.equal(seen.ts, added.ts);
  assert.equal(seen.reads.length, 1);
  const said = await h.run("mutation", "a:say");
  assert.deepEqual(said.result, { valueJson: '{"$integer":"AQAAAAAAAAA="}' });
  assert.equal(said.logLines[0], "[LOG] 'hi' { a: [ 1 ] }");
  assert.match(said.logLines[1] ?? "", /^\[WARN\] Error: careful\n {4}at handler \(convex\/a\.ts:\d+:\d+\)$/);
  assert.equal(said.ts, added.ts, "it wrote nothing, so there is no new commit");
});

test("a failed mutation leaves nothing, and is told with its request, error and place in the sources", async (t) => {
  const h = await host(
    t,
    'export const fail = mutation({ handler: async (ctx) => {\n await ctx.db.insert("notes", { text: "no" });\n throw new TypeError("boom"); } });',
  );
  const { message, data } = await h.failure("mutation", "a:fail");
  assert.match(
    message,
    /^\[Request ID: [0-9a-f]{16}\] Server Error\nUncaught TypeError: boom\n {4}at handler \(convex\/a\.ts:\d+:8\)$/,
  );
  assert.equal(data, undefined);
  assert.deepEqual(await h.value("query", "notes:texts"), []);
  assert.equal(h.events.filter(([event]) => event === "function.failed").length, 1);
});

test("a query that fails tells what it had read, so that it is asked again when that changes", async (t) => {
  const h = await host(
    t,
    'export const one = query({ handler: async (ctx) => { const all = await ctx.db.query("notes").collect(); throw new Error(String(all.length)); } });',
  );
  const { result, reads } = await h.run("query", "a:one");
  assert.ok("failure" in result);
  assert.equal(reads.length, 1);
});

test("arguments and results are checked, and what does not fit is refused with its path", async (t) => {
  const h = await host(
    t,
    `export const typed = mutation({ args: { id: v.id("notes"), n: v.optional(v.number()) }, returns: v.object({ ok: v.boolean() }), handler: async (ctx, { n }) => { await ctx.db.insert("notes", { text: "x" }); return (n === 1 ? { ok: "yes" } : { ok: true }) as never; } });
     export const loose = query({ handler: async (_ctx, args) => args });
     export const big = query({ handler: async () => "x".repeat(17 * 2 ** 20) });
     export const many = query({ handler: async () => new Array(2_000_000).fill(1) });
     export const actCommitTs = action({ handler: (ctx) => ctx.runMutation(ref("a:commitTs"), {}) });
     export const nestCommitTs = mutation({ handler: async (ctx) => { const ts = await ctx.runMutation(ref("a:commitTs"), {}); return ts === (ctx.db as any).vars.commitTs; } });
     export const commitTs = mutation({ handler: async (ctx) => (ctx.db as any).vars.commitTs });`,
  );
  const id = await h.value("mutation", "notes:add", { text: "one" });
  assert.deepEqual(await h.value("mutation", "a:typed", { id }), { ok: true });
  assert.match(
    (await h.failure("mutation", "a:typed", { id: "nonsense" })).message,
    /Server Error\nArgumentValidationError: [^]*Path: \.id/,
  );
  assert.match((await h.failure("mutation", "a:typed", { id, extra: 1 })).message, /ArgumentValidationError: .*extra/);
  assert.match(
    (await h.failure("mutation", "a:typed", { id, n: 1 })).message,
    /ReturnsValidationError: [^]*Path: \.ok/,
  );
  assert.deepEqual(await h.value("query", "notes:texts"), ["one", "x"], "a refused result undoes the mutation");
  assert.match(
    (await h.failure("query", "a:loose", [1])).message,
    /ArgumentValidationError: the arguments must be one object/,
  );
  assert.match((await h.failure("query", "a:loose", { $odd: 1, a: 2 })).message, /ArgumentValidationError/);
  assert.match(
    (await h.failure("query", "a:loose", { text: "x".repeat(17 * 2 ** 20) })).message,
    /Limit "argsBytes" exceeded/,
  );
  assert.match((await h.failure("query", "a:big")).message, /Limit "returnsBytes" exceeded/);
  assert.match((await h.failure("query", "a:many")).message, /Limit "returnsBytes" exceeded/);
  assert.match((await h.failure("mutation", "a:commitTs")).message, /ReturnsValidationError/);
  assert.match((await h.failure("action", "a:actCommitTs")).message, /ReturnsValidationError/);
  assert.equal(typeof (await h.value("mutation", "a:nestCommitTs")), "boolean");
});

test("from outside, internal functions are there for admins only, and for others as if they were not", async (t) => {
  const h = await host(
    t,
    "export const secret = internalMutation({ handler: async () => 7 });\nexport const plain = () => 1;",
  );
  const refused = [
    404,
    "FunctionNotFound",
    "Could not find public function for 'a:secret'. Is it exported, and not internal?",
  ];
  assert.deepEqual(await refusal(h.run("mutation", "a:secret")), refused);
  assert.deepEqual(await refusal(h.run("any", "a:secret", {}, { caller: userOf("ann") })), refused);
  assert.equal(await h.value("mutation", "a:secret", {}, { caller: ADMIN }), 7);
  for (const path of ["a:none", "a:plain", "none:x", "schema:default", "toString:constructor"]) {
    assert.equal((await refusal(h.run("any", path)))[1], "FunctionNotFound", path);
  }
});

test("a function runs as what it is, or is refused", async (t) => {
  const h = await host(t, "export default query({ handler: async () => 1 });");
  assert.deepEqual(await refusal(h.run("mutation", "notes:texts")), [
    400,
    "WrongFunctionKind",
    "Trying to execute notes:texts as mutation, but it is defined as query.",
  ]);
  assert.deepEqual(await h.value("any", "notes.js:texts"), []);
  assert.equal(await h.value("any", "a"), 1);
  assert.equal(await h.value("query", "a.js:default"), 1);
});

test("only an outcome that asked for the identity is marked as the caller's own", async (t) => {
  const h = await host(
    t,
    `export const me = query({ handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null });
     export const deep = query({ handler: async (ctx) => ctx.runQuery(ref("a:me"), {}) });`,
  );
  const asked = await h.run("query", "a:me", {}, { caller: userOf("ann") });
  assert.deepEqual([asked.result, asked.hasReadIdentity], [{ valueJson: '"ann"' }, true]);
  const nested = await h.run("query", "a:deep", {}, { caller: userOf("bob") });
  assert.deepEqual([nested.result, nested.hasReadIdentity], [{ valueJson: '"bob"' }, true]);
  const nobody = await h.run("query", "a:me");
  assert.deepEqual([nobody.result, nobody.hasReadIdentity], [{ valueJson: "null" }, true]);
  assert.equal((await h.run("query", "notes:texts", {}, { caller: userOf("ann") })).hasReadIdentity, false);
});

test("queries of one batch run at one timestamp, each with its own reads, journal, limits and failure", async (t) => {
  const h = await host(
    t,
    `export const page = query({ args: { opts: v.any() }, handler: (ctx, { opts }) => ctx.db.query("notes").paginate(opts) });
     export const bad = query({ handler: async () => { throw new ConvexError("no"); } });
     export const twice = query({ args: { opts: v.any() }, handler: async (ctx, { opts }) => { await ctx.db.query("notes").paginate(opts); await ctx.db.query("notes").paginate(opts); } });`,
  );
  for (const text of ["a", "b", "c"]) await h.value("mutation", "notes:add", { text });
  const opts = { numItems: 2, cursor: null };
  const query = (path: string, args = {}, journal: string | null = null) => ({ path, args, journal });
  const writing = h.run("mutation", "notes:add", { text: "d" });
  const batch = h.functions.runQueries(
    [
      query("notes:texts"),
      query("a:bad"),
      query("a:page", { opts }),
      query("a:page", { opts }),
      query("a:twice", { opts }),
    ],
    NOBODY,
  );
  const after = h.run("mutation", "notes:add", { text: "e" });
  const { ts, outcomes } = await batch;
  assert.deepEqual([(await writing).ts, (await after).ts > ts], [ts, true]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.ts),
    [ts, ts, ts, ts, ts],
  );
  assert.deepEqual(outcomes[0]?.result, { valueJson: '["a","b","c","d"]' });
  const failure = outcomes[1]?.result;
  assert.ok(failure !== undefined && "failure" in failure);
  assert.equal(failure.failure.data, "no");
  const [, , first, second, twice] = outcomes;
  assert.equal(typeof first?.journal, "string");
  assert.deepEqual(second?.journal, first?.journal);
  assert.ok(twice !== undefined && "failure" in twice.result);
  assert.match(twice.result.failure.message, /a:twice paginates twice: a function may run one paginated query/);
  // The journaled page ends where it ended before, though a row was removed from it.
  const again = await h.functions.runQueries([query("a:page", { opts }, first?.journal ?? null)], NOBODY);
  assert.deepEqual(again.outcomes[0]?.result, first?.result);
  assert.equal((await refusal(h.functions.runQueries([query("a:none")], NOBODY)))[1], "FunctionNotFound");
  assert.deepEqual((await h.functions.runQueries([], NOBODY)).outcomes, []);
});

test("a repeated request gets the outcome of the first again, and runs once, whether it went well or not", async (t) => {
  const h = await host(
    t,
    `export const bad = mutation({ handler: async (ctx) => { console.log("tried"); await ctx.db.insert("notes", { text: "no" }); throw new ConvexError({ n: 1n }); } });
     export const long = mutation({ handler: async (ctx) => { await ctx.db.insert("notes", { text: "long" }); return "€😀".repeat(900_000); } });`,
  );
  const request = { sessionId: "s1", requestId: 4 };
  const call = (path: string, args = {}, more = request) => h.run("mutation", path, args, { request: more });
  const [first, second] = await Promise.all([call("notes:add", { text: "one" }), call("notes:add", { text: "one" })]);
  assert.deepEqual([second.result, second.logLines], [first.result, first.logLines]);
  assert.ok(second.ts >= first.ts);
  await call("notes:add", { text: "two" }, { sessionId: "s1", requestId: 5 });
  await call("notes:add", { text: "three" }, { sessionId: "s2", requestId: 4 });
  assert.deepEqual(await h.value("query", "notes:texts"), ["one", "two", "three"]);

  const bad = { sessionId: "s1", requestId: 6 };
  const failed = await call("a:bad", {}, bad);
  assert.ok("failure" in failed.result);
  const failedAgain = await call("a:bad", {}, bad);
  assert.deepEqual([failedAgain.result, failedAgain.logLines], [failed.result, ["[LOG] 'tried'"]]);

  const long = await call("a:long", {}, { sessionId: "s1", requestId: 7 });
  assert.ok("valueJson" in long.result && long.result.valueJson.length > 2_000_000);
  assert.deepEqual((await call("a:long", {}, { sessionId: "s1", requestId: 7 })).result, long.result);
  assert.deepEqual(await h.value("query", "notes:texts"), ["one", "two", "three", "long"]);
});

test("the stored outcome vanishes with its mutation when the commit fails, and the caller is told 503", async (t) => {
  let isBroken = false;
  const h = await host(t, "", {});
  const queue: FunctionRunnerOptions["queue"] = {
    run: (body, isWritable) =>
      isBroken ? Promise.reject(new CommitFailed(new Error("disk full"))) : h.queue.run(body, isWritable),
    onCommit: (listener) => h.queue.onCommit(listener),
    get ts() {
      return h.queue.ts;
    },
    notReady: () => "disk full",
  };
  const { createFunctionRunner } = await import("./functions.ts");
  const functions = createFunctionRunner({
    guard: createCallGuard(null, Date.now, null),
    realm: h.realm,
    queue,
    store: h.store,
    files: h.files,
    auth: { ofHeader: () => Promise.resolve(NOBODY) },
    origin: () => "",
    clock: () => h.nowMs,
    log: () => {},
  });
  isBroken = true;
  const call = { kind: "mutation", path: "notes:add", args: { text: "x" }, caller: NOBODY } as const;
  const [status, code, message] = await refusal(functions.run(call));
  assert.deepEqual([status, code], [503, "CommitFailed"]);
  assert.match(message, /disk full/);
  assert.equal(functions.notReady(), "disk full");
  isBroken = false;
  assert.ok("valueJson" in (await functions.run(call)).result);
});

test("more than 5,000 waiting calls are refused, those before them answered", async (t) => {
  const h = await host(t, "export const one = action({ handler: async () => 1 });");
  const calls = Array.from({ length: 5_001 }, () => h.run("action", "a:one"));
  const last = calls.pop();
  assert.deepEqual((await refusal(last ?? Promise.reject(new Error("none")))).slice(0, 2), [
    503,
    "TooManyConcurrentRequests",
  ]);
  for (const { result } of await Promise.all(calls)) assert.deepEqual(result, { valueJson: "1" });
  assert.equal(await h.value("action", "a:one"), 1);
});

test("log lines end at 256, and say so", async (t) => {
  const h = await host(
    t,
    'export const chatty = query({ handler: async () => { for (let n = 0; n < 1_000; n++) console.log(n, "x".repeat(n === 0 ? 100_000 : 1)); } });',
  );
  const { logLines } = await h.run("query", "a:chatty");
  assert.equal(logLines.length, 257);
  assert.match(logLines[256] ?? "", /more than 256 log lines/);
  assert.ok((logLines[0] ?? "").length < 33_000);
});

test("listeners hear of each commit, and of none that wrote nothing", async (t) => {
  const h = await host(t, "");
  const heard: bigint[] = [];
  const stop = h.functions.onCommit((ts, touched) => {
    assert.ok(touched.length > 0);
    heard.push(ts);
  });
  const { ts } = await h.run("mutation", "notes:add", { text: "x" });
  await h.run("query", "notes:texts");
  stop();
  await h.run("mutation", "notes:add", { text: "y" });
  assert.deepEqual(heard, [ts]);
});

test("the clock of a transaction is the host's, stands still in it, and documents carry it", async (t) => {
  const h = await host(
    t,
    `export const when = mutation({ handler: async (ctx) => { const id = await ctx.db.insert("notes", { text: "t", at: Date.now() }); return [Date.now(), (await ctx.db.get(id))!.at, (await ctx.db.get(id))!._creationTime, (ctx as any).meta.getSnapshotTs()]; } });`,
  );
  h.nowMs += 60_000;
  const [now, at, created, snapshot] = jsonToConvex(await h.value("mutation", "a:when")) as [
    number,
    number,
    number,
    bigint,
  ];
  assert.deepEqual([now, at], [h.nowMs, h.nowMs]);
  assert.ok(created >= h.nowMs && created < h.nowMs + 1);
  assert.ok(snapshot < BigInt(h.nowMs) * 1_000_000n);
});

test("--check-determinism: a mutation that does something else the second time is refused and leaves nothing", async (t) => {
  const module = `
    let calls = 0;
    export const counts = mutation({ handler: async (ctx) => { calls += 1; await ctx.db.insert("notes", { text: \`\${calls}\` }); return null; } });
    export const draws = mutation({ handler: async (ctx) => { const id = await ctx.db.insert("notes", { text: \`\${Math.random()} \${crypto.randomUUID()}\` }); const made = await ctx.db.get(id); return { id, at: made!._creationTime, now: Date.now(), url: await ctx.storage.generateUploadUrl() }; } });
    export const fails = mutation({ handler: async () => { calls += 1; throw new Error(\`\${calls}\`); } });`;
  const checked = await host(t, module);
  const { message } = await checked.failure("mutation", "a:counts");
  assert.match(
    message,
    /a:counts does not do the same when it runs again \(--check-determinism\): first "1\.0\/insert .*"text":"1".*then .*"text":"2"/,
  );
  assert.deepEqual(await checked.value("query", "notes:texts"), []);
  assert.equal(typeof (await checked.value("mutation", "a:draws")).at, "number");
  assert.equal((await checked.value("query", "notes:texts")).length, 1, "the first of the two runs leaves nothing");
  assert.match((await checked.failure("mutation", "a:fails")).message, /Uncaught Error: 4/);

  const unchecked = await host(t, module, { isDeterminismChecked: false });
  await unchecked.value("mutation", "a:counts");
  assert.deepEqual(await unchecked.value("query", "notes:texts"), ["1"]);
});
