// What the contract suite of hosts asks of a deployment (embedded-convex.md §8): each function shows one behaviour that the
// application relies on. Nothing of the application is read or written.
import type { PaginationOptions } from "convex/server";
import { ConvexError, type Infer, v, type Value } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";

export const PROBE_ROWS_MAX = 1_000;
/** Three tables at once stay well below what one function may write. */
const CLEAN_BATCH = 256;

/** Passes only where the deployment has `PROBE_ENABLED=1`, which no real one should. */
export function requireProbes(): void {
  if (process.env["PROBE_ENABLED"] !== "1") throw new ConvexError({ code: "PROBES_OFF" });
}

/** A missing value is a value too: it comes first in an index. */
export const probeRow = v.object({ key: v.string(), value: v.optional(v.any()) });
export type ProbeRow = Infer<typeof probeRow>;

export const bound = v.object({ value: v.optional(v.any()), isInclusive: v.boolean() });
type Bound = Infer<typeof bound>;

function rowOf(row: Doc<"probeValues">): ProbeRow {
  const value = row.value as Value | undefined;
  return { key: row.key, ...(value !== undefined && { value }) };
}

export async function put(ctx: MutationCtx, run: string, rows: readonly ProbeRow[]): Promise<Id<"probeValues">[]> {
  const ids: Id<"probeValues">[] = [];
  for (const row of rows) ids.push(await ctx.db.insert("probeValues", { run, ...row }));
  return ids;
}

const rowByKey = (ctx: QueryCtx, run: string, key: string): Promise<Doc<"probeValues"> | null> =>
  ctx.db
    .query("probeValues")
    .withIndex("by_run_and_key", (q) => q.eq("run", run).eq("key", key))
    .first();

export async function read(ctx: QueryCtx, run: string, key: string): Promise<ProbeRow | null> {
  const row = await rowByKey(ctx, run, key);
  return row && rowOf(row);
}

/** A patch without a value takes the field away. False when there is no such row. */
export async function patch(ctx: MutationCtx, run: string, { key, value }: ProbeRow): Promise<boolean> {
  const row = await rowByKey(ctx, run, key);
  if (row) await ctx.db.patch("probeValues", row._id, { value: value as Value });
  return row !== null;
}

export async function remove(ctx: MutationCtx, run: string, keys: readonly string[]): Promise<number> {
  let removed = 0;
  for (const key of keys) {
    const row = await rowByKey(ctx, run, key);
    if (!row) continue;
    await ctx.db.delete("probeValues", row._id);
    removed += 1;
  }
  return removed;
}

export interface Range {
  readonly run: string;
  readonly lower?: Bound;
  readonly upper?: Bound;
  readonly order: "asc" | "desc";
  readonly limit: number;
}

/** Rows in the order of their values, between two bounds. */
export async function inOrder(ctx: QueryCtx, { run, lower, upper, order, limit }: Range): Promise<ProbeRow[]> {
  const rows = await ctx.db
    .query("probeValues")
    .withIndex("by_run_and_value", (q) => {
      const all = q.eq("run", run);
      if (!lower && !upper) return all;
      if (!lower) return upper?.isInclusive ? all.lte("value", upper.value) : all.lt("value", upper?.value);
      const above = lower.isInclusive ? all.gte("value", lower.value) : all.gt("value", lower.value);
      if (!upper) return above;
      return upper.isInclusive ? above.lte("value", upper.value) : above.lt("value", upper.value);
    })
    .order(order)
    .take(Math.min(limit, PROBE_ROWS_MAX));
  return rows.map(rowOf);
}

/** One page of the keys of a run, in their order. */
export async function page(ctx: QueryCtx, run: string, paginationOpts: PaginationOptions) {
  const found = await ctx.db
    .query("probeValues")
    .withIndex("by_run_and_key", (q) => q.eq("run", run))
    .paginate(paginationOpts);
  return { ...found, page: found.page.map(({ key }) => key) };
}

const counterOf = (ctx: QueryCtx, run: string): Promise<Doc<"probeCounters"> | null> =>
  ctx.db
    .query("probeCounters")
    .withIndex("by_run", (q) => q.eq("run", run))
    .unique();

export const counted = async (ctx: QueryCtx, run: string): Promise<number> => (await counterOf(ctx, run))?.count ?? 0;

/** Reads, then writes: an update that was lost shows in the sum. */
export async function increment(ctx: MutationCtx, run: string, by: number): Promise<number> {
  const counter = await counterOf(ctx, run);
  const count = (counter?.count ?? 0) + by;
  if (counter) await ctx.db.patch("probeCounters", counter._id, { count });
  else await ctx.db.insert("probeCounters", { run, count });
  return count;
}

/** All events of one call get the timestamp of its commit. */
export async function note(ctx: MutationCtx, run: string, names: readonly string[]): Promise<void> {
  for (const name of names) await ctx.db.insert("probeEvents", { run, name, at: ctx.db.vars.commitTs });
}

/**
 * Events after a timestamp in the order of their commits, and the timestamp up to which these are all. Not read with that
 * as an upper bound: nothing above it is there to be seen, and a subscription is not woken by what lies outside its range.
 */
export async function events(ctx: QueryCtx, run: string, after: bigint, limit: number) {
  const through = ctx.meta.getSnapshotTs();
  const rows = await ctx.db
    .query("probeEvents")
    .withIndex("by_run_and_at", (q) => q.eq("run", run).gt("at", after))
    .take(Math.min(limit, PROBE_ROWS_MAX));
  return { events: rows.map(({ name, at }) => ({ name, at: at as bigint })), through };
}

/** Writes a row, schedules a job, counts, and takes it all back. */
export async function putThenFail(ctx: MutationCtx, run: string, key: string): Promise<never> {
  await put(ctx, run, [{ key }]);
  await increment(ctx, run, 1);
  await ctx.scheduler.runAfter(0, internal.probe.job, { run, name: key });
  throw new ConvexError({ code: "PROBE", key });
}

/** A nested mutation that fails leaves nothing; what came before it and after it stays. */
export async function putAroundFailure(ctx: MutationCtx, run: string): Promise<string> {
  await put(ctx, run, [{ key: "before" }]);
  await ctx.runMutation(internal.probe.nestedPut, { run, key: "nested" });
  let caught = "";
  try {
    await ctx.runMutation(internal.probe.nestedPutThenFail, { run, key: "lost" });
  } catch (error) {
    caught = error instanceof ConvexError ? (error.data as { code: string }).code : "no ConvexError";
  }
  await put(ctx, run, [{ key: "after" }]);
  return caught;
}

/** Removes the oldest rows of a run from every table; call it until it is done. */
export async function cleanUp(ctx: MutationCtx, run: string): Promise<{ isDone: boolean }> {
  const values = ctx.db.query("probeValues").withIndex("by_run_and_key", (q) => q.eq("run", run));
  const counters = ctx.db.query("probeCounters").withIndex("by_run", (q) => q.eq("run", run));
  const found = ctx.db.query("probeEvents").withIndex("by_run_and_at", (q) => q.eq("run", run));
  const batches = [await values.take(CLEAN_BATCH), await counters.take(CLEAN_BATCH), await found.take(CLEAN_BATCH)];
  for (const row of batches.flat()) await ctx.db.delete(row._id);
  return { isDone: batches.every((batch) => batch.length < CLEAN_BATCH) };
}
