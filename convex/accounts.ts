import { v } from "convex/values";
import * as accounts from "./model/accounts.ts";
import { serviceMutation, serviceQuery, userMutation, userQuery } from "./model/functions.ts";
import { keyedRequest } from "./model/validators.ts";

const profile = v.object({
  id: v.string(),
  email: v.string(),
  name: v.string(),
  subscription_tier: v.string(),
  total_sessions: v.number(),
  created_at: v.string(),
  last_active: v.string(),
});
const token = { jti: v.string(), userId: v.string(), expiresAt: v.number() };
const body = v.union(v.string(), v.null());

export const admit = userQuery({
  args: { jti: v.string(), now: v.number(), keyed: v.optional(keyedRequest) },
  returns: v.object({
    revoked: v.boolean(),
    known: v.boolean(),
    replay: v.union(v.object({ status: v.number(), body }), v.null()),
    isReused: v.boolean(),
  }),
  handler: (ctx, args) => accounts.admission(ctx, args),
});

export const ensure = userMutation({
  args: { email: v.string(), name: v.string(), role: v.string(), now: v.number() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await accounts.ensureAccount(ctx, args);
    return null;
  },
});

export const profileOfCaller = userQuery({
  args: {},
  returns: v.union(profile, v.null()),
  handler: async (ctx) => {
    const account = await accounts.accountById(ctx, ctx.userId);
    return account && accounts.profileOf(account);
  },
});

export const updateProfile = userMutation({
  args: {
    name: v.optional(v.string()),
    learningPreferencesJson: v.optional(v.string()),
    emotionalProfileJson: v.optional(v.string()),
  },
  returns: v.union(profile, v.null()),
  handler: (ctx, args) => accounts.updateProfile(ctx, args),
});

export const register = serviceMutation({
  args: {
    publicId: v.string(),
    email: v.string(),
    name: v.string(),
    password: v.string(),
    role: v.string(),
    now: v.number(),
  },
  returns: v.union(v.literal("created"), v.literal("taken")),
  handler: (ctx, args) => accounts.register(ctx, args),
});

export const credentials = serviceQuery({
  args: { email: v.string() },
  returns: v.union(
    v.object({
      id: v.string(),
      email: v.string(),
      name: v.string(),
      password: v.union(v.string(), v.null()),
      lockedUntil: v.union(v.number(), v.null()),
    }),
    v.null(),
  ),
  handler: async (ctx, { email }) => {
    const account = await accounts.accountByEmail(ctx, email);
    if (!account) return null;
    const { publicId: id, name, password, lockedUntil } = account;
    return { id, email: account.email ?? email, name, password, lockedUntil };
  },
});

export const loginFailed = serviceMutation({
  args: { userId: v.string(), now: v.number() },
  returns: v.null(),
  handler: async (ctx, { userId, now }) => {
    await accounts.loginFailed(ctx, userId, now);
    return null;
  },
});

export const loginSucceeded = serviceMutation({
  args: { userId: v.string(), now: v.number() },
  returns: v.null(),
  handler: async (ctx, { userId, now }) => {
    await accounts.loginSucceeded(ctx, userId, now);
    return null;
  },
});

export const revoke = serviceMutation({
  args: token,
  returns: v.null(),
  handler: async (ctx, args) => {
    await accounts.revoke(ctx, args);
    return null;
  },
});

export const useRefreshToken = serviceMutation({
  args: token,
  returns: v.union(
    v.object({ status: v.literal("used"), id: v.string(), email: v.string(), name: v.string() }),
    v.object({ status: v.literal("revoked") }),
    v.object({ status: v.literal("unknown_user") }),
  ),
  handler: (ctx, args) => accounts.useRefreshToken(ctx, args),
});
