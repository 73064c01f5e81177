// Keyed writes (contract G10): effect and record commit in the mutation of the effect.
import { ConvexError } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import type { KeyedRequest, WriteOutcome } from "./validators.ts";

export const KEPT_MS = 24 * 60 * 60 * 1_000;
const NO_CONTENT = 204;

export type UserMutationCtx = MutationCtx & { readonly userId: string };
export type UserQueryCtx = QueryCtx & { readonly userId: string };

export interface Write {
  readonly now: number;
  readonly keyed?: KeyedRequest;
  readonly dryRun?: boolean;
}

/**
 * What an effect answers: a body as JSON text, or none (204); null when its object is not the caller's; `stale` when the
 * caller's view of it is old, `busy` when another instance of the service holds it, and nothing was done.
 */
type Done = { readonly status: number; readonly body: string | null };
export type Effect = Done | null | "stale" | "busy";

export const created = (value: unknown): Effect => ({ status: 201, body: JSON.stringify(value) });
export const ok = (value: unknown): Effect => ({ status: 200, body: JSON.stringify(value) });
export const noContent: Effect = { status: NO_CONTENT, body: null };

/** The stored outcome of a key, or null; one older than 24 h counts as none. */
export async function storedOutcome(
  ctx: UserQueryCtx,
  keyed: KeyedRequest,
  now: number,
): Promise<Doc<"idempotency"> | null> {
  const row = await ctx.db
    .query("idempotency")
    .withIndex("by_user_id_and_method_and_path_and_key", (q) =>
      q.eq("userId", ctx.userId).eq("method", keyed.method).eq("path", keyed.path).eq("key", keyed.key),
    )
    .first();
  return row && row.createdAt > now - KEPT_MS ? row : null;
}

async function remember(ctx: UserMutationCtx, write: Write, effect: Done): Promise<void> {
  if (!write.keyed) return;
  const { method, path, key, fingerprint } = write.keyed;
  const expired = await ctx.db
    .query("idempotency")
    .withIndex("by_user_id_and_method_and_path_and_key", (q) =>
      q.eq("userId", ctx.userId).eq("method", method).eq("path", path).eq("key", key),
    )
    .first();
  if (expired) await ctx.db.delete("idempotency", expired._id);
  await ctx.db.insert("idempotency", {
    userId: ctx.userId,
    method,
    path,
    key,
    fingerprint,
    status: effect.status,
    body: effect.body,
    createdAt: write.now,
  });
}

/** Runs the effect at most once per key. `dryRun` throws its outcome, which rolls the transaction back. */
export async function once(ctx: UserMutationCtx, write: Write, effect: () => Promise<Effect>): Promise<WriteOutcome> {
  const stored = write.keyed ? await storedOutcome(ctx, write.keyed, write.now) : null;
  if (stored) {
    if (stored.fingerprint !== write.keyed?.fingerprint) return { outcome: "reused" };
    return { outcome: "replayed", status: stored.status, body: stored.body };
  }
  const made = await effect();
  if (!made) return { outcome: "not_found" };
  if (made === "stale" || made === "busy") return { outcome: made };
  await remember(ctx, write, made);
  const done = { outcome: "done" as const, ...made };
  if (write.dryRun) throw new ConvexError({ code: "DRY_RUN", outcome: done });
  return done;
}
