// Interaction log (contract models.md §8, R14, R15, R33).
import { type Infer, v } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import { type Effect, noContent, type UserMutationCtx, type UserQueryCtx } from "./idempotency.ts";
import { patch, put } from "./rows.ts";
import { ownedSession } from "./sessions.ts";
import { existed, ts } from "./time.ts";

/** `id` derives from `row` (G4) and is computed by the caller, who therefore must know the next row number. */
export const logEntry = v.object({
  id: v.string(),
  row: v.number(),
  content: v.string(),
  contentType: v.string(),
  eventType: v.string(),
});
export type LogEntry = Infer<typeof logEntry>;

export const appendLog = (
  ctx: UserMutationCtx,
  session: Doc<"sessions">,
  { id: publicId, ...entry }: LogEntry,
  createdAt: number,
) =>
  put(
    ctx,
    "interactionLogs",
    { publicId, session: session._id, userId: session.userId, role: "user", ...entry, createdAt },
    { at: createdAt, session },
  );

export async function logInteraction(ctx: UserMutationCtx, id: string, entry: LogEntry, now: number): Promise<Effect> {
  const session = await ownedSession(ctx, id);
  if (!session) return null;
  if (entry.row !== session.logRows + 1) return "stale";
  await appendLog(ctx, session, entry, now);
  await patch(ctx, "sessions", session, { logRows: entry.row, updatedAt: now }, { at: now });
  return noContent;
}

/** Where a page starts: 0 without `after`, null when that id is no row of this session. */
async function startOf(ctx: UserQueryCtx, session: Doc<"sessions">, after: string | undefined) {
  if (after === undefined) return 0;
  const row = await ctx.db
    .query("interactionLogs")
    .withIndex("by_public_id", (q) => q.eq("publicId", after))
    .first();
  return row?.session === session._id ? row.row : null;
}

/** Rows after the row with id `after`, oldest first; null when the session is not the caller's. */
export async function listLog(ctx: UserQueryCtx, args: { id: string; limit: number; after?: string; asOf?: number }) {
  const session = await ownedSession(ctx, args.id);
  if (!session) return null;
  const start = await startOf(ctx, session, args.after);
  if (start === null) return { interactions: [], next_after: null };
  const rows = await ctx.db
    .query("interactionLogs")
    .withIndex("by_session_and_row", (q) => q.eq("session", session._id).gt("row", start))
    .take(args.limit);
  const last = rows.at(-1);
  return {
    interactions: rows
      .filter((row) => existed(row, args.asOf))
      .map((row) => ({
        id: row.publicId,
        role: row.role,
        content: row.content,
        content_type: row.contentType,
        event_type: row.eventType,
        created_at: ts(row.createdAt),
      })),
    next_after: last && last.row < session.logRows ? last.publicId : null,
  };
}
