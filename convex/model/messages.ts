// Chat rows and board actions of a session (contract R6, R7).
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";

/** Snapshots one read returns; the reader asks on. */
export const SNAPSHOTS_PAGE_MAX = 64;

const renderMessage = (row: Doc<"sessionMessages">) => ({
  turnNo: row.turnNo,
  role: row.role,
  text: row.text,
  payloadJson: row.payloadJson,
  snapshotIndex: row.snapshotIndex,
  createdAt: row.createdAt,
});

/** The newest `limit` rows with a turn number below `bound`, ascending. */
export async function messagesBelow(ctx: QueryCtx, session: Id<"sessions">, bound: number, limit: number) {
  const rows = await ctx.db
    .query("sessionMessages")
    .withIndex("by_session_and_turn_no", (q) => q.eq("session", session).lt("turnNo", bound))
    .order("desc")
    .take(limit);
  return rows.reverse().map(renderMessage);
}

/** Snapshots with `after` < index ≤ `through`, ascending, one page. */
export async function snapshotsBetween(ctx: QueryCtx, session: Id<"sessions">, after: number, through: number) {
  const rows = await ctx.db
    .query("whiteboardSnapshots")
    .withIndex("by_session_and_snapshot_index", (q) =>
      q.eq("session", session).gt("snapshotIndex", after).lte("snapshotIndex", through),
    )
    .take(SNAPSHOTS_PAGE_MAX);
  return {
    snapshots: rows.map(({ snapshotIndex, actionsJson, createdAt }) => ({ snapshotIndex, actionsJson, createdAt })),
    hasMore: rows.length === SNAPSHOTS_PAGE_MAX,
  };
}
