import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  // `group` is what the index reads first: one group of 50,000 rows, one of 1,000, which are otherwise alike.
  rows: defineTable({ group: v.string(), rank: v.number(), text: v.string(), count: v.number() }).index(
    "by_group_and_rank",
    ["group", "rank"],
  ),
});
