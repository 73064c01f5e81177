import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, startRealHost } from "./testing/realHost.ts";
import { type Caller, TransportError } from "./words.ts";

const IMPORTS = `
  import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action, internalMutationGeneric as internalMutation, componentsGeneric, createFunctionHandle, makeFunctionReference } from "convex/server";
  import { v } from "convex/values";
  const components: any = componentsGeneric();
  const ref = (name: string): any => makeFunctionReference(name as never);
  declare const process: any;
`;

const SOURCES = {
  "convex.config.ts": `
    import { defineApp } from "convex/server";
    import { v } from "convex/values";
    import counter from "./counter/convex.config";
    const app = defineApp({ env: { STEP: v.string() } });
    app.use(counter, { env: { BY: app.env.STEP } });
    app.use(counter, { name: "other", env: { BY: "100" } });
    export default app;`,
  "app.ts": `${IMPORTS}
    export const add = mutation({ args: { to: v.string() }, handler: async (ctx, { to }) => { await ctx.db.insert("counts", { n: -1 }); return await ctx.runMutation(components[to].lib.add, {}); } });
    export const total = query({ args: { of: v.string() }, handler: (ctx, { of }) => ctx.runQuery(components[of].lib.total, {}) });
    export const act = action({ handler: (ctx) => ctx.runAction(components.counter.lib.act, {}) });
    export const secret = mutation({ handler: (ctx) => ctx.runMutation(components.counter.lib.secret, {}) });
    export const missing = query({ handler: (ctx) => ctx.runQuery(components.nobody.lib.total, {}) });
    export const whoami = query({ handler: async (ctx) => [(await ctx.auth.getUserIdentity())?.subject ?? null, await ctx.runQuery(components.counter.lib.who, {})] });
    export const inside = query({ handler: (ctx) => ctx.runQuery(components.counter.lib.who, {}) });
    export const who = query({ handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null });
    export const callBack = mutation({ handler: async (ctx) => ctx.runMutation(components.counter.lib.callHandle, { handle: await createFunctionHandle(ref("app:mine")) }) });
    export const mine = internalMutation({ args: { from: v.string() }, handler: async (ctx, { from }) => [from, (await ctx.db.query("counts").collect()).length, (await ctx.auth.getUserIdentity()) === null] });
    export const failing = mutation({ handler: async (ctx) => { await ctx.runMutation(components.counter.lib.add, {}); await ctx.runMutation(components.counter.lib.addAndFail, {}).catch(() => {}); return await ctx.runQuery(components.counter.lib.total, {}); } });
    export const later = mutation({ handler: (ctx) => ctx.scheduler.runAfter(0, components.counter.lib.add, {}) });
    export const nestedLater = mutation({ handler: (ctx) => ctx.runMutation(components.counter.lib.later, {}) });
    export const cross = mutation({ handler: async (ctx) => { const id = await ctx.runMutation(components.counter.lib.add, {}); return [(ctx.db as any).normalizeId("counts", id), await ctx.db.get(id).then(() => "found", (e: Error) => e.message)]; } });`,
  "counter/convex.config.ts": `
    import { defineComponent } from "convex/server";
    import { v } from "convex/values";
    export default defineComponent("counter", { env: { BY: v.string() } });`,
  "counter/schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({ counts: defineTable({ n: v.number() }) });`,
  "counter/lib.ts": `${IMPORTS}
    export const add = mutation({ args: {}, handler: (ctx) => ctx.db.insert("counts", { n: Number(process.env.BY) }) });
    export const addAndFail = mutation({ args: {}, handler: async (ctx) => { await ctx.db.insert("counts", { n: 1000 }); throw new Error("no"); } });
    export const total = query({ args: {}, handler: async (ctx) => (await ctx.db.query("counts").collect()).reduce((sum, { n }) => sum + n, 0) });
    export const secret = internalMutation({ args: {}, handler: async () => "secret" });
    export const who = query({ args: {}, handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null });
    export const act = action({ args: {}, handler: async (ctx) => { await ctx.runMutation(ref("lib:add"), {}); return [await ctx.runQuery(ref("lib:total"), {}), (await ctx.auth.getUserIdentity()) === null, (await (ctx as any).meta.getFunctionMetadata())]; } });
    export const callHandle = mutation({ args: { handle: v.string() }, handler: (ctx, { handle }) => ctx.runMutation(handle as never, { from: "counter" } as never) });
    export const later = mutation({ args: {}, handler: (ctx) => ctx.scheduler.runAfter(0, ref("lib:secret"), {}) });`,
};

const ANN: Caller = { identity: { tokenIdentifier: "i|ann", subject: "ann" }, isAdmin: false, expiresAtMs: null };
const start = (t: Parameters<typeof startRealHost>[0]) => startRealHost(t, SOURCES, { environment: { STEP: "5" } });

test("each installed component has its own tables and variables, and runs in its parent's transaction", async (t) => {
  const h = await start(t);
  await h.value("mutation", "app:add", { to: "counter" });
  await h.value("mutation", "app:add", { to: "other" });
  await h.value("mutation", "app:add", { to: "counter" });
  assert.equal(await h.value("query", "app:total", { of: "counter" }), 10);
  assert.equal(await h.value("query", "app:total", { of: "other" }), 100);
  assert.equal(await h.value("mutation", "app:failing"), 15, "the failed call in the component left nothing");
  const { reads } = await h.run("query", "app:total", { of: "counter" });
  assert.equal(reads.length, 1);
});

test("a component's id is no id of the app", async (t) => {
  const h = await start(t);
  const [normalized, got] = await h.value("mutation", "app:cross");
  assert.equal(normalized, null);
  assert.match(got, /not an id/);
});

test("identity does not cross into a component, nor is an answer from there the caller's own", async (t) => {
  const h = await start(t);
  const asked = await h.run("query", "app:whoami", {}, { caller: ANN });
  assert.deepEqual([asked.result, asked.hasReadIdentity], [{ valueJson: '["ann",null]' }, true]);
  const [total, isNobody, metadata] = await h.value("action", "app:act", {}, { caller: ANN });
  assert.deepEqual(
    [total, isNobody, metadata],
    [5, true, { name: "lib:act", componentPath: "counter", type: "action", visibility: "public" }],
  );
  const nested = await h.run("query", "app:inside", {}, { caller: ANN });
  assert.deepEqual([nested.result, nested.hasReadIdentity], [{ valueJson: "null" }, false]);
  const inside = await h.run("query", "lib:who", {}, { component: "counter", caller: { ...ANN, isAdmin: true } });
  assert.deepEqual([inside.result, inside.hasReadIdentity], [{ valueJson: "null" }, false]);
});

test("through a handle a component calls back into the app, without the identity that was lost on the way", async (t) => {
  const h = await start(t);
  assert.deepEqual(await h.value("mutation", "app:callBack", {}, { caller: ANN }), ["counter", 0, true]);
});

test("a component's functions are called through the parent only: internal ones not at all, from outside by admins", async (t) => {
  const h = await start(t);
  assert.match(
    (await h.failure("mutation", "app:secret")).message,
    /There is no public function lib:secret of component "counter"/,
  );
  assert.match(
    (await h.failure("query", "app:missing")).message,
    /There is no public function lib:total of component "nobody"/,
  );
  const refused = h.run("query", "lib:total", {}, { component: "counter", caller: ANN });
  await assert.rejects(refused, (error) => error instanceof TransportError && error.code === "FunctionNotFound");
  assert.equal(await h.value("query", "lib:total", {}, { component: "counter", caller: ADMIN }), 0);
});

test("what is scheduled is a row of the component that schedules, and names another component's function with it", async (t) => {
  const h = await start(t);
  const fromApp = await h.value("mutation", "app:later");
  const fromComponent = await h.value("mutation", "app:nestedLater");
  const row = async (component: string, id: string) => {
    const { value } = await h.queue.run(
      async (transaction) => transaction.get(component, "_scheduled_functions", id),
      false,
    );
    return [value?.["component"], value?.["name"]];
  };
  assert.deepEqual(await row("", fromApp), ["counter", "lib:add"]);
  assert.deepEqual(await row("counter", fromComponent), [undefined, "lib:secret"]);
});
