import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { serviceQuery, userMutation, userQuery } from "./model/functions.ts";
import { once } from "./model/idempotency.ts";
import * as sessions from "./model/sessions.ts";
import { existed } from "./model/time.ts";
import { readArgs, session, writeArgs, writeOutcome } from "./model/validators.ts";

export const create = userMutation({
  args: { ...writeArgs, id: v.string(), spareId: v.string(), folderId: v.union(v.string(), v.null()) },
  returns: writeOutcome,
  handler: (ctx, args) => once(ctx, args, () => sessions.createSession(ctx, args)),
});

export const list = userQuery({
  args: { ...readArgs, limit: v.number(), before: v.optional(v.string()) },
  returns: v.object({ sessions: v.array(session), next_before: v.union(v.string(), v.null()) }),
  handler: (ctx, args) => sessions.listSessions(ctx, args),
});

export const get = userQuery({
  args: { ...readArgs, id: v.string() },
  returns: v.union(session, v.null()),
  handler: async (ctx, { id, asOf }) => {
    const row = await sessions.ownedSession(ctx, id);
    return row && existed(row, asOf) ? sessions.render(row) : null;
  },
});

/** `foreign` and `unknown` differ for R8 alone (G8). */
export const access = userQuery({
  args: { id: v.string() },
  returns: v.union(
    v.object({ access: v.literal("own"), session: v.id("sessions") }),
    v.object({ access: v.literal("foreign") }),
    v.object({ access: v.literal("unknown") }),
  ),
  handler: async (ctx, { id }) => {
    const row = await sessions.sessionById(ctx, id);
    if (!row) return { access: "unknown" as const };
    return row.userId === ctx.userId ? { access: "own" as const, session: row._id } : { access: "foreign" as const };
  },
});

/** Whose object an id is, for drills that switch the ownership check off (faults.md `skip-ownership`). */
export const ownerOf = serviceQuery({
  args: { id: v.string() },
  returns: v.union(v.string(), v.null()),
  handler: async (ctx, { id }) => {
    const row = await sessions.sessionById(ctx, id);
    if (row) return row.userId;
    const folder = await ctx.db
      .query("folders")
      .withIndex("by_public_id", (q) => q.eq("publicId", id))
      .first();
    return folder?.userId ?? null;
  },
});

export const remove = userMutation({
  args: { ...writeArgs, id: v.string(), instance: v.string() },
  returns: writeOutcome,
  handler: (ctx, args) => once(ctx, args, () => sessions.removeSession(ctx, args)),
});

export const sweep = internalMutation({
  // All but the session are absent in jobs of earlier versions.
  args: {
    session: v.id("sessions"),
    publicId: v.optional(v.string()),
    userId: v.optional(v.string()),
    at: v.optional(v.number()),
    isQuiet: v.optional(v.boolean()),
  },
  returns: v.null(),
  handler: async (ctx, { session: id, publicId = "", userId = "", at = Date.now(), isQuiet = publicId === "" }) => {
    await sessions.sweepSession(ctx, { session: id, publicId, userId, at, isQuiet });
    return null;
  },
});
