// Everything of one user goes, and nothing is remembered of it (contract rest.md §7): a shadow instance's copy of a user is made
// anew from the other arm, and a tombstone or an old version would stand in its way.
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { kindNamed } from "./kinds.ts";
import { drop } from "./rows.ts";
import { sweepBatch } from "./sessions.ts";

const BATCH = 100;

export interface Cleared {
  /** Called again, it removes more. */
  readonly more: boolean;
  /** Its public id: what is in memory of it goes too. */
  readonly session: string | null;
}

/** A batch: first the sessions with all that hangs on them, then what the feed still knows, then outcomes of keyed requests. */
export async function clearUser(ctx: MutationCtx, userId: string): Promise<Cleared> {
  const session = await ctx.db
    .query("sessions")
    .withIndex("by_user_id_and_created_at", (q) => q.eq("userId", userId))
    .first();
  if (session) {
    const { _id, publicId, contextId } = session;
    const rows = await sweepBatch(ctx, { session: _id, publicId, userId, at: 0, isQuiet: true });
    if (rows === 0) {
      await ctx.db.delete("sessionContexts", contextId);
      await drop(ctx, "sessions", session);
    }
    return { more: true, session: publicId };
  }
  const removed = (await clearFed(ctx, userId)) + (await clearOutcomes(ctx, userId));
  return { more: removed > 0, session: null };
}

async function clearFed(ctx: MutationCtx, userId: string): Promise<number> {
  const changes = await ctx.db
    .query("changes")
    .withIndex("by_user_id_and_ts", (q) => q.eq("userId", userId))
    .take(BATCH);
  for (const change of changes) {
    const kind = kindNamed(change.kind);
    const id = change.row as Id<NonNullable<typeof kind>["table"]> | null;
    const row = kind && id !== null ? await ctx.db.get(kind.table, id) : null;
    if (kind && row) await ctx.db.delete(kind.table, row._id);
    await ctx.db.delete("changes", change._id);
  }
  return changes.length;
}

async function clearOutcomes(ctx: MutationCtx, userId: string): Promise<number> {
  const outcomes = await ctx.db
    .query("idempotency")
    .withIndex("by_user_id_and_method_and_path_and_key", (q) => q.eq("userId", userId))
    .take(BATCH);
  for (const row of outcomes) await ctx.db.delete("idempotency", row._id);
  return outcomes.length;
}
