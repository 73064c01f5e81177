// Who calls from outside: tokens of the providers in `convex/auth.config.ts`, or the admin key (embedded-convex §3.7).
import { createHash, verify } from "node:crypto";
import type { JSONValue } from "convex/values";
import { isSameSecret } from "./adminKey.ts";
import { type AuthProvider, isRecord, parseAuthConfig } from "./authProviders.ts";
import {
  checkTimes,
  identityOf,
  isFor,
  parseToken,
  refusal,
  tokenIdentifierOf,
  type UnverifiedToken,
} from "./jsonWebToken.ts";
import { createKeySource, type KeySource } from "./keySets.ts";
import type { CallerAuth } from "./ports.ts";
import { type Caller, type Identity, NOBODY, TransportError } from "./words.ts";

export { readAdminKey } from "./adminKey.ts";
export { type AuthProvider, parseAuthConfig } from "./authProviders.ts";

const VERIFIED_MAX = 1_000;

interface KnownProvider {
  readonly provider: AuthProvider;
  readonly keys: KeySource;
}

/**
 * Verifies tokens and the admin key. `clock` gives epoch ms.
 * @throws Error for a provider or an admin key that cannot be used: better at start than at the first call
 */
export function createCallerAuth(options: {
  readonly providers: readonly AuthProvider[];
  readonly adminKey: string;
  readonly clock: () => number;
}): CallerAuth {
  const { adminKey, clock } = options;
  if (!/^[^\s:]{16,}$/.test(adminKey))
    throw new Error("admin key: expected 16 or more characters without spaces and colons");
  const known = parseAuthConfig({ providers: options.providers }).map((provider): KnownProvider => {
    return { provider, keys: createKeySource(provider, clock) };
  });
  const verified = createVerifiedTokens(clock);

  const ofToken = async (token: string): Promise<Caller> => {
    const remembered = verified.get(token);
    if (remembered !== null) return remembered;
    const parsed = parseToken(token);
    const caller = await verifyToken(parsed, known, clock);
    verified.add(token, caller);
    return caller;
  };
  const ofAdminKey = (key: string, actingAs?: Identity): Caller => {
    if (!isSameSecret(key, adminKey))
      throw new TransportError(401, "BadAdminKey", "This is not the admin key of this host");
    return { identity: actingAs === undefined ? null : parseActingAs(actingAs), isAdmin: true, expiresAtMs: null };
  };

  return {
    ofToken,
    ofAdminKey,
    async ofHeader(header) {
      if (header === undefined) return NOBODY;
      const [, scheme, credentials] = /^(Bearer|Convex) +(\S+) *$/i.exec(header) ?? [];
      if (scheme === undefined || credentials === undefined) {
        throw new TransportError(
          401,
          "InvalidAuthHeader",
          "Authorization: expected 'Bearer <token>' or 'Convex <admin key>'",
        );
      }
      if (scheme.toLowerCase() === "bearer") return ofToken(credentials);
      const colon = credentials.indexOf(":");
      if (colon < 0) return ofAdminKey(credentials);
      const caller = ofAdminKey(credentials.slice(0, colon));
      return { ...caller, identity: parseActingAs(decodeIdentity(credentials.slice(colon + 1))) };
    },
  };
}

async function verifyToken(
  token: UnverifiedToken,
  known: readonly KnownProvider[],
  clock: () => number,
): Promise<Caller> {
  const { claims, algorithm, keyId } = token;
  const judges = known.filter(({ provider }) => isFor(provider, claims));
  if (judges.length === 0) {
    throw new TransportError(401, "NoAuthProvider", "No provider of auth.config has this token's issuer and audience");
  }
  checkTimes(claims, clock());
  for (const { provider, keys } of judges) {
    // The algorithm is the provider's, and each key has only one: the token's own word for it decides nothing.
    if (provider.type === "customJwt" && provider.algorithm !== algorithm) continue;
    const signingKeys = (await keys.find(keyId)).filter((key) => key.algorithm === algorithm);
    const isSigned = signingKeys.some(({ key }) =>
      verify("sha256", token.signed, { key, dsaEncoding: "ieee-p1363" }, token.signature),
    );
    if (isSigned) return { identity: identityOf(claims, provider), isAdmin: false, expiresAtMs: claims.expiresAtMs };
  }
  throw refusal("no key of its provider made this signature");
}

/** Tokens verified before, the least recently used given up first; by digest, so that no token stays in memory. */
function createVerifiedTokens(clock: () => number) {
  const callers = new Map<string, Caller>();
  const digestOf = (token: string) => createHash("sha256").update(token).digest("base64");
  return {
    get(token: string): Caller | null {
      const digest = digestOf(token);
      const caller = callers.get(digest);
      if (caller === undefined) return null;
      callers.delete(digest);
      if (caller.expiresAtMs === null || clock() >= caller.expiresAtMs) return null;
      callers.set(digest, caller);
      return caller;
    },
    add(token: string, caller: Caller): void {
      callers.set(digestOf(token), caller);
      for (const oldest of callers.keys()) {
        if (callers.size <= VERIFIED_MAX) break;
        callers.delete(oldest);
      }
    },
  };
}

function decodeIdentity(base64: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64, "base64").toString());
  } catch {
    throw new TransportError(
      401,
      "InvalidAuthHeader",
      "Authorization: expected base64 of an identity in JSON behind the admin key",
    );
  }
}

/** `UserIdentityAttributes` of `convex/server`; its `tokenIdentifier` is always ours. */
function parseActingAs(identity: unknown): Identity {
  const { subject, issuer } = isRecord(identity) ? identity : {};
  if (typeof subject !== "string" || typeof issuer !== "string") {
    throw new TransportError(401, "InvalidAuthHeader", "An identity to act as needs 'subject' and 'issuer' as texts");
  }
  const fields = identity as { readonly [claim: string]: JSONValue };
  return { ...fields, tokenIdentifier: tokenIdentifierOf(issuer, subject) };
}
