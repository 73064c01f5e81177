// The functions of the contract suite of hosts (embedded-convex.md §8). Refused unless the token is the service's and the
// deployment has PROBE_ENABLED=1. Every argument `run` names one suite's rows.
import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { ConvexError, v } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { internalMutation, internalQuery } from "./_generated/server.js";
import { probeAction, probeMutation, probeQuery } from "./model/functions.ts";
import * as probe from "./model/probe.ts";

const run = v.string();
const key = v.string();

// Values, order, ranges, pages.

export const echo = probeQuery({
  args: { value: v.any() },
  returns: v.any(),
  handler: (_ctx, { value }): unknown => value,
});

export const put = probeMutation({
  args: { run, rows: v.array(probe.probeRow) },
  returns: v.array(v.id("probeValues")),
  handler: (ctx, args) => probe.put(ctx, args.run, args.rows),
});

export const read = probeQuery({
  args: { run, key },
  returns: v.union(probe.probeRow, v.null()),
  handler: (ctx, args) => probe.read(ctx, args.run, args.key),
});

export const patch = probeMutation({
  args: { run, row: probe.probeRow },
  returns: v.boolean(),
  handler: (ctx, args) => probe.patch(ctx, args.run, args.row),
});

export const remove = probeMutation({
  args: { run, keys: v.array(key) },
  returns: v.number(),
  handler: (ctx, args) => probe.remove(ctx, args.run, args.keys),
});

export const inOrder = probeQuery({
  args: {
    run,
    lower: v.optional(probe.bound),
    upper: v.optional(probe.bound),
    order: v.union(v.literal("asc"), v.literal("desc")),
    limit: v.number(),
  },
  returns: v.array(probe.probeRow),
  handler: (ctx, args) => probe.inOrder(ctx, args),
});

export const page = probeQuery({
  args: { run, paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(v.string()),
  handler: (ctx, args) => probe.page(ctx, args.run, args.paginationOpts),
});

// Transactions.

export const counted = probeQuery({
  args: { run },
  returns: v.number(),
  handler: (ctx, args) => probe.counted(ctx, args.run),
});

export const increment = probeMutation({
  args: { run, by: v.number() },
  returns: v.number(),
  handler: (ctx, args) => probe.increment(ctx, args.run, args.by),
});

export const incrementInAction = probeAction({
  args: { run, by: v.number() },
  returns: v.number(),
  handler: (ctx, args): Promise<number> => ctx.runMutation(internal.probe.nestedIncrement, args),
});

export const putThenFail = probeMutation({
  args: { run, key },
  returns: v.null(),
  handler: (ctx, args): Promise<never> => probe.putThenFail(ctx, args.run, args.key),
});

/** The code that the failing nested mutation was caught with. */
export const putAroundFailure = probeMutation({
  args: { run },
  returns: v.string(),
  handler: (ctx, args): Promise<string> => probe.putAroundFailure(ctx, args.run),
});

// Failures.

export const refuse = probeQuery({
  args: { data: v.any() },
  returns: v.null(),
  handler: (_ctx, { data }): never => {
    throw new ConvexError(data);
  },
});

export const crash = probeMutation({
  args: { run, text: v.string() },
  returns: v.null(),
  handler: async (ctx, args): Promise<never> => {
    await probe.put(ctx, args.run, [{ key: "crash" }]);
    throw new Error(args.text);
  },
});

// Internal functions: no client may call them, functions may.

export const hidden = internalQuery({
  args: {},
  returns: v.literal("seen from inside"),
  handler: () => "seen from inside" as const,
});

export const unveil = probeQuery({
  args: {},
  returns: v.literal("seen from inside"),
  handler: (ctx): Promise<"seen from inside"> => ctx.runQuery(internal.probe.hidden, {}),
});

export const nestedPut = internalMutation({
  args: { run, key },
  returns: v.null(),
  handler: async (ctx, args) => {
    await probe.put(ctx, args.run, [{ key: args.key }]);
    return null;
  },
});

export const nestedPutThenFail = internalMutation({
  args: { run, key },
  returns: v.null(),
  handler: (ctx, args): Promise<never> => probe.putThenFail(ctx, args.run, args.key),
});

export const nestedIncrement = internalMutation({
  args: { run, by: v.number() },
  returns: v.number(),
  handler: (ctx, args) => probe.increment(ctx, args.run, args.by),
});

// Files.

export const uploadUrl = probeMutation({
  args: {},
  returns: v.string(),
  handler: (ctx) => ctx.storage.generateUploadUrl(),
});

export const file = probeQuery({
  args: { id: v.id("_storage") },
  returns: v.union(
    v.object({
      url: v.string(),
      size: v.number(),
      /** As the system table has it: in hex (https://docs.convex.dev/file-storage/file-metadata). */
      sha256: v.string(),
      contentType: v.union(v.string(), v.null()),
    }),
    v.null(),
  ),
  handler: async (ctx, { id }) => {
    const stored = await ctx.db.system.get("_storage", id);
    const url = await ctx.storage.getUrl(id);
    if (!stored || url === null) return null;
    return { url, size: stored.size, sha256: stored.sha256, contentType: stored.contentType ?? null };
  },
});

export const removeFile = probeMutation({
  args: { id: v.id("_storage") },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    await ctx.storage.delete(id);
    return null;
  },
});

// Jobs: each run of one leaves an event.

export const schedule = probeMutation({
  args: { run, name: v.string(), afterMs: v.number() },
  returns: v.id("_scheduled_functions"),
  handler: (ctx, { afterMs, ...args }): Promise<Id<"_scheduled_functions">> =>
    ctx.scheduler.runAfter(afterMs, internal.probe.job, args),
});

export const cancel = probeMutation({
  args: { id: v.id("_scheduled_functions") },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    await ctx.scheduler.cancel(id);
    return null;
  },
});

export const jobState = probeQuery({
  args: { id: v.id("_scheduled_functions") },
  returns: v.union(v.string(), v.null()),
  handler: async (ctx, { id }) => (await ctx.db.system.get("_scheduled_functions", id))?.state.kind ?? null,
});

export const job = internalMutation({
  args: { run, name: v.string() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await probe.note(ctx, args.run, [args.name]);
    return null;
  },
});

// Order of commits.

export const note = probeMutation({
  args: { run, names: v.array(v.string()) },
  returns: v.null(),
  handler: async (ctx, args) => {
    await probe.note(ctx, args.run, args.names);
    return null;
  },
});

export const events = probeQuery({
  args: { run, after: v.int64(), limit: v.number() },
  returns: v.object({ events: v.array(v.object({ name: v.string(), at: v.int64() })), through: v.int64() }),
  handler: (ctx, args) => probe.events(ctx, args.run, args.after, args.limit),
});

// The end of a suite.

export const cleanUp = probeMutation({
  args: { run },
  returns: v.object({ isDone: v.boolean() }),
  handler: (ctx, args) => probe.cleanUp(ctx, args.run),
});
