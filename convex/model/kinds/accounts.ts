import { isNumber, isObject, isText, isWhole, kind, orNull, store } from "./kind.ts";

export const accounts = kind<"accounts">({
  name: "accounts",
  table: "accounts",
  columns: {
    id: isText,
    email: orNull(isText),
    name: isText,
    password: orNull(isText),
    role: isText,
    subscription_tier: isText,
    learning_preferences: isObject,
    emotional_profile: isObject,
    ability: isNumber,
    failed_logins: isWhole,
    locked_until: orNull(isWhole),
    created_at: isWhole,
    last_active: isWhole,
  },
  secrets: ["password"],
  shown: new Set([
    "publicId",
    "email",
    "name",
    "password",
    "role",
    "subscriptionTier",
    "learningPreferencesJson",
    "emotionalProfileJson",
    "ability",
    "failedLogins",
    "lockedUntil",
    "createdAt",
    "lastActive",
  ]),
  key: (row) => row.publicId,
  owner: (row) => row.publicId,
  keyOf: (data) => data["id"] as string,
  find: (ctx, key) =>
    ctx.db
      .query("accounts")
      .withIndex("by_public_id", (q) => q.eq("publicId", key))
      .first(),
  project: (_ctx, row) => ({
    id: row.publicId,
    email: row.email,
    name: row.name,
    password: row.password,
    role: row.role,
    subscription_tier: row.subscriptionTier,
    learning_preferences: JSON.parse(row.learningPreferencesJson) as unknown,
    emotional_profile: JSON.parse(row.emotionalProfileJson) as unknown,
    ability: row.ability,
    failed_logins: row.failedLogins,
    locked_until: row.lockedUntil,
    created_at: row.createdAt,
    last_active: row.lastActive,
  }),
  apply: ({ ctx }, { data, key, existing }) =>
    store(ctx, "accounts", existing, {
      publicId: key,
      email: data["email"] as string | null,
      name: data["name"] as string,
      password: data["password"] as string | null,
      role: data["role"] as string,
      subscriptionTier: data["subscription_tier"] as string,
      learningPreferencesJson: JSON.stringify(data["learning_preferences"]),
      emotionalProfileJson: JSON.stringify(data["emotional_profile"]),
      ability: data["ability"] as number,
      failedLogins: data["failed_logins"] as number,
      lockedUntil: data["locked_until"] as number | null,
      createdAt: data["created_at"] as number,
      lastActive: data["last_active"] as number,
    }),
});

export const revokedTokens = kind<"revokedTokens">({
  name: "revoked_tokens",
  table: "revokedTokens",
  columns: { jti: isText, user_id: isText, expires_at: isWhole },
  shown: new Set(["jti", "userId", "expiresAt"]),
  key: (row) => row.jti,
  owner: (row) => row.userId,
  keyOf: (data) => data["jti"] as string,
  keptUntil: (row) => row.expiresAt,
  find: (ctx, key) =>
    ctx.db
      .query("revokedTokens")
      .withIndex("by_jti", (q) => q.eq("jti", key))
      .first(),
  project: (_ctx, row) => ({ jti: row.jti, user_id: row.userId, expires_at: row.expiresAt }),
  apply: ({ ctx }, { data, key, existing }) =>
    store(ctx, "revokedTokens", existing, {
      jti: key,
      userId: data["user_id"] as string,
      expiresAt: data["expires_at"] as number,
    }),
});
