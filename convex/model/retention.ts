// What is kept for a time only: outcomes of keyed requests and message ids 24 h (G10), revocations until the token expires.
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { KEPT_MS } from "./idempotency.ts";
import type { SessionName } from "./kinds/kind.ts";
import { drop } from "./rows.ts";

export const SWEEP_BATCH = 256;

/** The rows of a session that is being removed are nobody's: their changes go with it. */
async function sessionNameOf(ctx: MutationCtx, { session: id }: Doc<"processedMessages">): Promise<SessionName> {
  return (await ctx.db.get("sessions", id)) ?? { publicId: "", userId: "" };
}

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
  for (const row of outcomes) await ctx.db.delete("idempotency", row._id);
  for (const row of messages) await drop(ctx, "processedMessages", row, await sessionNameOf(ctx, row));
  for (const row of tokens) await drop(ctx, "revokedTokens", row);
  const isFull = [outcomes, messages, tokens].some((batch) => batch.length === SWEEP_BATCH);
  if (isFull) await ctx.scheduler.runAfter(0, internal.retention.sweep, {});
  return outcomes.length + messages.length + tokens.length;
}
