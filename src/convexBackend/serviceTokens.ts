// The tokens the service shows to the deployment (embedded-convex.md §6 "Identity"): short, signed here, never a user's.
import jsonwebtoken from "jsonwebtoken";
import { LRUCache } from "lru-cache";
import type { Identity } from "./ports.ts";
import type { SigningKeys } from "./signingKey.ts";

/** The deployment's clock may be behind ours. */
const BACKDATED_S = 5;
const LIFE_S = 120;
/** A call may wait this long between its token and the deployment's look at it. */
const SPARE_MS = 30_000;
const CACHED_MAX = 1_000;

export interface ServiceTokens {
  /** A token good for 30 s or more; one made just now when `isFresh`. Never fails. */
  of(identity: Identity, options?: { readonly isFresh?: boolean }): string;
}

export interface ServiceTokensOptions {
  readonly keys: SigningKeys;
  readonly issuer: string;
  readonly audience: string;
  readonly now?: () => number;
}

interface Made {
  readonly token: string;
  readonly madeAtMs: number;
  readonly goodUntilMs: number;
}

export function createServiceTokens({ keys, issuer, audience, now = Date.now }: ServiceTokensOptions): ServiceTokens {
  const cache = new LRUCache<string, Made>({ max: CACHED_MAX });

  function make(identity: Identity, madeAtMs: number): Made {
    const iat = Math.floor(madeAtMs / 1_000) - BACKDATED_S;
    const exp = iat + LIFE_S;
    const sub = identity.role === "user" ? identity.subject : "service";
    const claims = { iss: issuer, aud: audience, sub, role: identity.role, iat, exp };
    const token = jsonwebtoken.sign(claims, keys.signing, { algorithm: "ES256", keyid: keys.kid });
    return { token, madeAtMs, goodUntilMs: exp * 1_000 - SPARE_MS };
  }

  return {
    of(identity, { isFresh = false } = {}) {
      const name = identity.role === "user" ? `user:${identity.subject}` : "service";
      const at = now();
      const known = isFresh ? undefined : cache.get(name);
      // Made in the future: our clock was set back, and the deployment would refuse its `iat`.
      if (known && known.madeAtMs <= at && at < known.goodUntilMs) return known.token;
      const made = make(identity, at);
      cache.set(name, made);
      return made.token;
    },
  };
}
