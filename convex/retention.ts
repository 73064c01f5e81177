import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { sweepExpired } from "./model/retention.ts";

export const sweep = internalMutation({
  args: {},
  returns: v.number(),
  handler: (ctx): Promise<number> => sweepExpired(ctx, Date.now()),
});
