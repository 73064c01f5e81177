// `/api/auth/*` (contract realtime-socket.md §9). Errors are of family D.
import { randomUUID } from "node:crypto";
import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api.js";
import { foldAscii } from "../../contract/index.ts";
import { hashPassword, isEmail, isPassword, passwordWeakness } from "../auth/passwords.ts";
import { bearerOf } from "../auth/tokens.ts";
import type { BearerHandler, Handler } from "../http/routedCall.ts";
import { json } from "../http/call.ts";
import { HttpError, InvalidInputError } from "../http/errors.ts";
import * as shapes from "../http/shapes.ts";
import { object, optional, readBody, required, text } from "../http/fields.ts";
import { failureFields } from "../log.ts";
import { AS_SERVICE, asUser, StoreUnavailableError } from "../ports.ts";
import type { Services } from "../services.ts";

const detail = (status: number, message: string): HttpError => new HttpError(status, null, message);

const registration = {
  email: required(text()),
  password: required(text({ min: 8, max: 128 })),
  name: required(text({ min: 1, max: 100 })),
};
const credentials = { email: required(text()), password: required(text()) };
const renewal = { refresh_token: required(text()) };
const profileChanges = {
  name: optional(text({ min: 1, max: 100 })),
  learning_preferences: optional(object),
  emotional_profile: optional(object),
};

type Profile = NonNullable<FunctionReturnType<typeof api.accounts.profileOfCaller>>;

interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

export function accountRoutes(services: Services): {
  open: Record<string, Handler>;
  bearer: Record<string, BearerHandler>;
} {
  const { store, tokens, clock, gate, log } = services;

  const issued = ({ id, email, name }: User) => ({
    access_token: tokens.issue("access", { id, email }),
    refresh_token: tokens.issue("refresh", { id, email }),
    token_type: "Bearer",
    expires_in: tokens.accessSeconds,
    user: { id, email, name },
  });

  /** Issuing routes do not exist when tokens come from outside; an unexpected failure has the route's own text. */
  const issuing = (handler: Handler, failed: string): Handler => {
    return async (call) => {
      if (!tokens.canIssue) throw detail(404, "Not Found");
      try {
        return await handler(call);
      } catch (error) {
        const isOurs = [HttpError, InvalidInputError, StoreUnavailableError].some((kind) => error instanceof kind);
        if (isOurs) throw error;
        log.error("request failed", { requestId: call.requestId, route: call.route.path, ...failureFields(error) });
        throw detail(500, failed);
      }
    };
  };

  const register = issuing(async (call) => {
    const { email: given, password, name } = readBody(registration, call.body);
    const email = foldAscii(given);
    if (!isEmail(email)) throw detail(400, "Invalid email: it must look like name@example.org");
    const weakness = passwordWeakness(password);
    if (weakness) throw detail(400, `Weak password: ${weakness}`);
    const user = { publicId: randomUUID(), email, name, password: await hashPassword(password) };
    const row = { ...user, role: gate.roleOf(email), now: clock.now() };
    const outcome = await store.mutation(api.accounts.register, row, AS_SERVICE);
    if (outcome === "taken") throw detail(400, "Email already registered");
    return json(201, issued({ id: user.publicId, email, name }));
  }, "Registration failed");

  const login = issuing(async (call) => {
    const { email, password } = readBody(credentials, call.body);
    const account = await store.query(api.accounts.credentials, { email: foldAscii(email) }, AS_SERVICE);
    if ((account?.lockedUntil ?? 0) > Date.now()) {
      throw detail(423, "Account temporarily locked. Please try again later.");
    }
    const isRight = await isPassword(password, account?.password ?? null);
    // Lock-out is a timer and keeps the true clock, also under `clock-skew`.
    const now = Date.now();
    if (!account || !isRight) {
      if (account) await store.mutation(api.accounts.loginFailed, { userId: account.id, now }, AS_SERVICE);
      throw detail(401, "Invalid email or password");
    }
    await store.mutation(api.accounts.loginSucceeded, { userId: account.id, now }, AS_SERVICE);
    return json(200, issued(account));
  }, "Login failed");

  const refresh = issuing(async (call) => {
    const { refresh_token: token } = readBody(renewal, call.body);
    const verified = await tokens.verify(token);
    if (!verified) throw detail(401, "Could not validate credentials");
    if (verified.type !== "refresh") throw detail(401, "Invalid token type. Expected refresh");
    const { jti, sub: userId, expiresAtMs: expiresAt } = verified;
    const used = await store.mutation(api.accounts.useRefreshToken, { jti, userId, expiresAt }, AS_SERVICE);
    if (used.status === "revoked") throw detail(401, "Token has been revoked");
    if (used.status === "unknown_user") throw detail(401, "User not found");
    return json(200, issued(used));
  }, "Refresh failed");

  const logout: Handler = async (call) => {
    const token = bearerOf(call.request.headers.authorization);
    if (token === null) throw detail(401, "Not authenticated");
    const verified = await tokens.verify(token);
    if (verified) {
      const { jti, sub: userId, expiresAtMs: expiresAt } = verified;
      await store.mutation(api.accounts.revoke, { jti, userId, expiresAt }, AS_SERVICE);
    }
    return json(200, { message: "Logged out successfully" });
  };

  /** A row of the other arm may have no address: then the token's is shown. */
  const shown = (profile: Profile, email: string) =>
    shapes.profile({ ...profile, email: profile.email || email, ...naiveTimes(profile) });

  const me: BearerHandler = async (_call, { sub, email }) => {
    const profile = await store.query(api.accounts.profileOfCaller, {}, asUser(sub));
    if (!profile) throw detail(404, "User not found");
    return json(200, shown(profile, email));
  };

  const changeProfile: BearerHandler = async (call, { sub, email }) => {
    const changes = readBody(profileChanges, call.body);
    const args = {
      ...(changes.name !== undefined && { name: changes.name }),
      ...(changes.learning_preferences && { learningPreferencesJson: JSON.stringify(changes.learning_preferences) }),
      ...(changes.emotional_profile && { emotionalProfileJson: JSON.stringify(changes.emotional_profile) }),
    };
    const profile = await store.mutation(api.accounts.updateProfile, args, asUser(sub));
    if (!profile) throw detail(404, "User not found");
    return json(200, shown(profile, email));
  };

  return {
    open: { "auth.register": register, "auth.login": login, "auth.refresh": refresh, "auth.logout": logout },
    bearer: { "auth.me": me, "auth.profile": changeProfile },
  };
}

/** Times of this surface have no offset (realtime-socket.md, head). */
const naiveTimes = (profile: { created_at: string; last_active: string }) => ({
  created_at: profile.created_at.replace(/Z$/, ""),
  last_active: profile.last_active.replace(/Z$/, ""),
});
