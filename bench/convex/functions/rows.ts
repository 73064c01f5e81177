// What the bench asks of a host. No identity: tokens are measured with the product's own functions.
import {
  actionGeneric,
  type DataModelFromSchemaDefinition,
  makeFunctionReference,
  type MutationBuilder,
  mutationGeneric,
  type QueryBuilder,
  queryGeneric,
} from "convex/server";
import { type GenericId, v } from "convex/values";
import type schema from "./schema.ts";

type Model = DataModelFromSchemaDefinition<typeof schema>;

const query = queryGeneric as QueryBuilder<Model, "public">;
const mutation = mutationGeneric as MutationBuilder<Model, "public">;

const TAKEN = 10;

/** Appends rows ranked `from`, `from + 1`, … and gives their ids. */
export const fill = mutation({
  args: { group: v.string(), from: v.number(), count: v.number(), text: v.string() },
  returns: v.array(v.id("rows")),
  handler: async (ctx, { group, from, count, text }) => {
    const ids = [];
    for (let i = 0; i < count; i++) ids.push(await ctx.db.insert("rows", { group, rank: from + i, text, count: 0 }));
    return ids;
  },
});

/** As many indexed takes one after the other, each `step` ranks further on; the sum of the ranks proves what was read. */
export const takes = query({
  args: { group: v.string(), times: v.number(), from: v.number(), step: v.number() },
  returns: v.number(),
  handler: async (ctx, { group, times, from, step }) => {
    let sum = 0;
    for (let time = 0; time < times; time++) {
      const rows = await ctx.db
        .query("rows")
        .withIndex("by_group_and_rank", (q) => q.eq("group", group).gte("rank", from + time * step))
        .take(TAKEN);
      for (const row of rows) sum += row.rank;
    }
    return sum;
  },
});

/** Reads, then writes: an update that was lost is missing in the result. */
export const increment = mutation({
  args: { id: v.id("rows") },
  returns: v.number(),
  handler: async (ctx, { id }) => {
    const count = ((await ctx.db.get("rows", id))?.count ?? 0) + 1;
    await ctx.db.patch("rows", id, { count });
    return count;
  },
});

export const counted = query({
  args: { id: v.id("rows") },
  returns: v.number(),
  handler: async (ctx, { id }) => (await ctx.db.get("rows", id))?.count ?? 0,
});

const incremented = makeFunctionReference<"mutation", { id: GenericId<"rows"> }, number>("rows:increment");

/** As many mutations at once as there are ids, each a durable transaction of its own; the sum of what they gave. */
export const storm = actionGeneric({
  args: { ids: v.array(v.id("rows")) },
  returns: v.number(),
  handler: async (ctx, { ids }): Promise<number> => {
    const counts = await Promise.all(ids.map((id) => ctx.runMutation(incremented, { id })));
    return counts.reduce((sum, count) => sum + count, 0);
  },
});
