// Accounts (contract realtime-socket.md §9): rows, lock-out, revoked tokens. Hashing and signing are the service's.
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { patch, put } from "./rows.ts";
import { storedOutcome, type UserMutationCtx, type UserQueryCtx } from "./idempotency.ts";
import { ts } from "./time.ts";
import type { KeyedRequest } from "./validators.ts";

/** The fifth wrong password locks (§9). */
export const FAILED_LOGINS_MAX = 5;
export const LOCK_MS = 15 * 60 * 1_000;
const STARTING_ABILITY = 0.5;

export const accountById = (ctx: QueryCtx, publicId: string): Promise<Doc<"accounts"> | null> =>
  ctx.db
    .query("accounts")
    .withIndex("by_public_id", (q) => q.eq("publicId", publicId))
    .first();

/** The account that signs in with this address: token-made rows (no password) never shadow it. */
export async function accountByEmail(ctx: QueryCtx, email: string): Promise<Doc<"accounts"> | null> {
  const rows = await ctx.db
    .query("accounts")
    .withIndex("by_email", (q) => q.eq("email", email))
    .take(16);
  return rows.find((row) => row.password !== null) ?? rows[0] ?? null;
}

export const isRevoked = async (ctx: QueryCtx, jti: string): Promise<boolean> =>
  (await ctx.db
    .query("revokedTokens")
    .withIndex("by_jti", (q) => q.eq("jti", jti))
    .first()) !== null;

/** Everything an authenticated request must know before its own lookups, in one read. */
export async function admission(ctx: UserQueryCtx, args: { jti: string; now: number; keyed?: KeyedRequest }) {
  const stored = args.keyed ? await storedOutcome(ctx, args.keyed, args.now) : null;
  const isSame = stored !== null && stored.fingerprint === args.keyed?.fingerprint;
  return {
    revoked: await isRevoked(ctx, args.jti),
    known: (await accountById(ctx, ctx.userId)) !== null,
    replay: isSame ? { status: stored.status, body: stored.body } : null,
    isReused: stored !== null && !isSame,
  };
}

export interface NewAccount {
  readonly publicId: string;
  readonly email: string;
  readonly name: string;
  readonly password: string | null;
  readonly role: string;
  readonly now: number;
}

const insertAccount = (ctx: MutationCtx, { now, ...account }: NewAccount) =>
  put(
    ctx,
    "accounts",
    {
      ...account,
      subscriptionTier: "free",
      learningPreferencesJson: "{}",
      emotionalProfileJson: "{}",
      ability: STARTING_ABILITY,
      failedLogins: 0,
      lockedUntil: null,
      createdAt: now,
      lastActive: now,
    },
    { at: now },
  );

/** Row of a valid token's unknown `sub` (G7). */
export async function ensureAccount(ctx: UserMutationCtx, account: Omit<NewAccount, "publicId" | "password">) {
  if (await accountById(ctx, ctx.userId)) return;
  await insertAccount(ctx, { ...account, publicId: ctx.userId, password: null });
}

export async function register(ctx: MutationCtx, account: NewAccount): Promise<"created" | "taken"> {
  if (await accountByEmail(ctx, account.email)) return "taken";
  await insertAccount(ctx, account);
  return "created";
}

export async function loginFailed(ctx: MutationCtx, publicId: string, now: number): Promise<void> {
  const account = await accountById(ctx, publicId);
  if (!account) return;
  const failedLogins = account.failedLogins + 1;
  const locks = failedLogins >= FAILED_LOGINS_MAX;
  const changes = {
    failedLogins: locks ? 0 : failedLogins,
    lockedUntil: locks ? now + LOCK_MS : account.lockedUntil,
  };
  await patch(ctx, "accounts", account, changes, { at: now });
}

export async function loginSucceeded(ctx: MutationCtx, publicId: string, now: number): Promise<void> {
  const account = await accountById(ctx, publicId);
  if (!account) return;
  await patch(ctx, "accounts", account, { failedLogins: 0, lockedUntil: null, lastActive: now }, { at: now });
}

export async function revoke(ctx: MutationCtx, token: { jti: string; userId: string; expiresAt: number }) {
  if (!(await isRevoked(ctx, token.jti))) await put(ctx, "revokedTokens", token, { at: Date.now() });
}

/** A refresh token is used once: check and revocation are one transaction. */
export async function useRefreshToken(ctx: MutationCtx, token: { jti: string; userId: string; expiresAt: number }) {
  if (await isRevoked(ctx, token.jti)) return { status: "revoked" as const };
  const account = await accountById(ctx, token.userId);
  if (!account) return { status: "unknown_user" as const };
  await put(ctx, "revokedTokens", token, { at: Date.now() });
  return { status: "used" as const, id: account.publicId, email: account.email ?? "", name: account.name };
}

export const profileOf = (account: Doc<"accounts">) => ({
  id: account.publicId,
  email: account.email ?? "",
  name: account.name,
  subscription_tier: account.subscriptionTier,
  // Chat sessions come with the chat surface; none can exist before it.
  total_sessions: 0,
  created_at: ts(account.createdAt),
  last_active: ts(account.lastActive),
});

export async function updateProfile(
  ctx: UserMutationCtx,
  changes: { name?: string; learningPreferencesJson?: string; emotionalProfileJson?: string },
) {
  const account = await accountById(ctx, ctx.userId);
  if (!account) return null;
  await patch(ctx, "accounts", account, changes, { at: Date.now() });
  return profileOf({ ...account, ...changes });
}
