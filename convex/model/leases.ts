// One writer per session over all instances of the service (embedded-convex.md §7, contract G13). The claim of an instance
// that died ends by itself.
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";

export const LEASE_MS = 10_000;

const leaseOf = (ctx: QueryCtx, session: Id<"sessions">): Promise<Doc<"turnLeases"> | null> =>
  ctx.db
    .query("turnLeases")
    .withIndex("by_session", (q) => q.eq("session", session))
    .first();

/** Until when an instance holds the session; 0: nobody does. By the deployment's clock. */
export async function heldUntil(ctx: QueryCtx, session: Id<"sessions">): Promise<number> {
  return (await leaseOf(ctx, session))?.until ?? 0;
}

/** Whether another instance runs a turn of the session now. */
export async function isHeldByOther(ctx: MutationCtx, session: Id<"sessions">, instance: string): Promise<boolean> {
  const lease = await leaseOf(ctx, session);
  return lease !== null && lease.instance !== instance && lease.until > Date.now();
}

/** Takes or extends the session's lease. False: another instance holds it. */
export async function claimLease(ctx: MutationCtx, session: Id<"sessions">, instance: string): Promise<boolean> {
  const lease = await leaseOf(ctx, session);
  const now = Date.now();
  const until = now + LEASE_MS;
  if (!lease) await ctx.db.insert("turnLeases", { session, instance, until });
  else if (lease.instance !== instance && lease.until > now) return false;
  else await ctx.db.patch("turnLeases", lease._id, { instance, until });
  return true;
}

/** Nobody else has claimed it since: one that only ran out was not used by anybody. */
export async function holdsLease(ctx: MutationCtx, session: Id<"sessions">, instance: string): Promise<boolean> {
  return (await leaseOf(ctx, session))?.instance === instance;
}

export async function releaseLease(ctx: MutationCtx, session: Id<"sessions">, instance: string): Promise<void> {
  const lease = await leaseOf(ctx, session);
  if (lease?.instance === instance && lease.until > 0) await ctx.db.patch("turnLeases", lease._id, { until: 0 });
}
