import { v } from "convex/values";
import { userMutation, userQuery } from "./model/functions.ts";
import { once } from "./model/idempotency.ts";
import { listLog, logEntry, logInteraction } from "./model/logs.ts";
import { ownedSession } from "./model/sessions.ts";
import { readArgs, writeArgs, writeOutcome } from "./model/validators.ts";

/** Rows the log has: the next row is one more. Null when the session is not the caller's. */
export const count = userQuery({
  args: { id: v.string() },
  returns: v.union(v.number(), v.null()),
  handler: async (ctx, { id }) => (await ownedSession(ctx, id))?.logRows ?? null,
});

export const append = userMutation({
  args: { ...writeArgs, id: v.string(), entry: logEntry },
  returns: writeOutcome,
  handler: (ctx, args) => once(ctx, args, () => logInteraction(ctx, args.id, args.entry, args.now)),
});

export const list = userQuery({
  args: { ...readArgs, id: v.string(), limit: v.number(), after: v.optional(v.string()) },
  returns: v.union(
    v.object({
      interactions: v.array(
        v.object({
          id: v.string(),
          role: v.string(),
          content: v.string(),
          content_type: v.string(),
          event_type: v.string(),
          created_at: v.string(),
        }),
      ),
      next_after: v.union(v.string(), v.null()),
    }),
    v.null(),
  ),
  handler: (ctx, args) => listLog(ctx, args),
});
