import { v } from "convex/values";
import { userQuery } from "./model/functions.ts";
import { messagesBelow, snapshotsBetween } from "./model/messages.ts";
import { ownedSession } from "./model/sessions.ts";
import { existed } from "./model/time.ts";
import { message, readArgs } from "./model/validators.ts";

/** The largest page of R6. */
const MESSAGES_PAGE_MAX = 100;

export const below = userQuery({
  args: { ...readArgs, id: v.string(), bound: v.optional(v.number()), limit: v.number() },
  returns: v.union(v.array(message), v.null()),
  handler: async (ctx, { id, bound, limit, asOf }) => {
    const session = await ownedSession(ctx, id);
    if (!session) return null;
    const above = session.latestTurnNo + 1;
    const rows = await messagesBelow(
      ctx,
      session._id,
      Math.min(bound ?? above, above),
      Math.min(limit, MESSAGES_PAGE_MAX),
    );
    return rows.filter((row) => existed(row, asOf));
  },
});

/** One page of board actions; the reader goes on from the last index while `hasMore`. */
export const snapshots = userQuery({
  args: { ...readArgs, id: v.string(), after: v.number(), through: v.optional(v.number()) },
  returns: v.union(
    v.object({
      snapshots: v.array(v.object({ snapshotIndex: v.number(), actionsJson: v.string(), createdAt: v.number() })),
      hasMore: v.boolean(),
    }),
    v.null(),
  ),
  handler: async (ctx, { id, after, through, asOf }) => {
    const session = await ownedSession(ctx, id);
    if (!session) return null;
    const last = session.latestSnapshotIndex;
    const page = await snapshotsBetween(ctx, session._id, after, Math.min(through ?? last, last));
    return { ...page, snapshots: page.snapshots.filter((row) => existed(row, asOf)) };
  },
});

export const snapshotCount = userQuery({
  args: { id: v.string() },
  returns: v.union(v.number(), v.null()),
  handler: async (ctx, { id }) => (await ownedSession(ctx, id))?.snapshotCount ?? null,
});
