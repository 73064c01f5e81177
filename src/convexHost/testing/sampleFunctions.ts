// Functions for tests of the whole host.
const SERVER = `import { actionGeneric as action, mutationGeneric as mutation, queryGeneric as query,
  internalMutationGeneric as internalMutation, internalActionGeneric as internalAction, makeFunctionReference, httpRouter,
  httpActionGeneric as httpAction, cronJobs, defineSchema, defineTable } from "convex/server";
import { ConvexError, v } from "convex/values";
const ref = (name) => makeFunctionReference(name);
`;

export const SAMPLE_FUNCTIONS: Readonly<Record<string, string>> = {
  "schema.ts": `${SERVER}
export default defineSchema({
  notes: defineTable({ text: v.string(), rank: v.optional(v.number()) }).index("by_text", ["text"]),
  runs: defineTable({ what: v.string() }).index("by_what", ["what"]),
});`,
  "notes.ts": `${SERVER}
export const add = mutation({
  args: { text: v.string() }, returns: v.id("notes"),
  handler: (ctx, { text }) => ctx.db.insert("notes", { text }),
});
export const list = query({
  args: { text: v.optional(v.string()) },
  handler: async (ctx, { text }) => {
    const all = text === undefined ? ctx.db.query("notes") : ctx.db.query("notes").withIndex("by_text", (q) => q.eq("text", text));
    return (await all.collect()).map((note) => note.text);
  },
});
export const refuse = mutation({ args: {}, handler: async (ctx) => {
  await ctx.db.insert("notes", { text: "refused" });
  throw new ConvexError({ code: "NOT_NOW", big: 2n ** 60n });
} });
export const hidden = internalMutation({ args: {}, handler: () => null });
export const environment = query({ args: {}, handler: () => ({ ...process.env }) });
export const spin = mutation({ args: { text: v.string() }, handler: async (ctx, { text }) => {
  await ctx.db.insert("notes", { text });
  for (;;);
} });`,
  "jobs.ts": `${SERVER}
export const count = query({ args: { what: v.string() }, handler: async (ctx, { what }) =>
  (await ctx.db.query("runs").withIndex("by_what", (q) => q.eq("what", what)).collect()).length });
export const run = internalMutation({ args: { what: v.string() }, handler: (ctx, { what }) => ctx.db.insert("runs", { what }) });
export const later = mutation({ args: { what: v.string(), delayMs: v.number() }, handler: async (ctx, { what, delayMs }) => {
  await ctx.db.insert("notes", { text: what });
  return await ctx.scheduler.runAfter(delayMs, ref("jobs:run"), { what });
} });
export const slow = internalAction({ args: { what: v.string(), ms: v.number() }, handler: async (ctx, { what, ms }) => {
  await ctx.runMutation(ref("jobs:run"), { what });
  await new Promise((resolve) => setTimeout(resolve, ms));
  await ctx.runMutation(ref("jobs:run"), { what: what + " end" });
} });
export const slowly = mutation({ args: { what: v.string(), ms: v.number() }, handler: (ctx, args) =>
  ctx.scheduler.runAfter(0, ref("jobs:slow"), args) });
export const state = query({ args: { id: v.id("_scheduled_functions") }, handler: async (ctx, { id }) =>
  (await ctx.db.system.get("_scheduled_functions", id))?.state ?? null });
export const cancel = mutation({ args: { id: v.id("_scheduled_functions") }, handler: (ctx, { id }) => ctx.scheduler.cancel(id) });
export const echo = action({ args: { text: v.string() }, handler: async (ctx, { text }) => {
  await ctx.runMutation(ref("notes:add"), { text });
  return (await ctx.runQuery(ref("notes:list"), {})).length;
} });`,
  "files.ts": `${SERVER}
export const uploadUrl = mutation({ args: {}, handler: (ctx) => ctx.storage.generateUploadUrl() });
export const url = query({ args: { id: v.id("_storage") }, handler: (ctx, { id }) => ctx.storage.getUrl(id) });
export const remove = mutation({ args: { id: v.id("_storage") }, handler: (ctx, { id }) => ctx.storage.delete(id) });`,
  "http.ts": `${SERVER}
const http = httpRouter();
http.route({ path: "/hello", method: "POST", handler: httpAction(async (ctx, request) => {
  const text = await request.text();
  await ctx.runMutation(ref("notes:add"), { text });
  return new Response("hello " + text, { status: 201, headers: { "x-greeting": process.env.GREETING } });
}) });
export default http;`,
  "crons.ts": `${SERVER}
const crons = cronJobs();
crons.interval("tick", { hours: 1 }, ref("jobs:run"), { what: "tick" });
export default crons;`,
};
