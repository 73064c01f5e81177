// What is kept for a time only: outcomes of keyed requests and message ids 24 h (G10), revocations until the token expires.
import { internal } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { KEPT_MS } from "./idempotency.ts";

export const SWEEP_BATCH = 256;

export async function sweepExpired(ctx: MutationCtx, now: number): Promise<number> {
  const outcomes = await ctx.db
    .query("idempotency")
    .withIndex("by_created_at", (q) => q.lt("createdAt", now - KEPT_MS))
    .take(SWEEP_BATCH);
  const messages = await ctx.db
    .query("processedMessages")
    .withIndex("by_created_at", (q) => q.lt("createdAt", now - KEPT_MS))
    .take(SWEEP_BATCH);
  const tokens = await ctx.db
    .query("revokedTokens")
    .withIndex("by_expires_at", (q) => q.lt("expiresAt", now))
    .take(SWEEP_BATCH);
  const rows = [...outcomes, ...messages, ...tokens];
  for (const row of rows) await ctx.db.delete(row._id);
  const isFull = [outcomes, messages, tokens].some((batch) => batch.length === SWEEP_BATCH);
  if (isFull) await ctx.scheduler.runAfter(0, internal.retention.sweep, {});
  return rows.length;
}
