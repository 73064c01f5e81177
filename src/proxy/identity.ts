import { createSecretKey } from "node:crypto";
import jwt from "jsonwebtoken";
import type { JwtConfig } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import { createKeySet, type VerificationKey } from "./keySet.ts";
import { createVerifiedTokens, type Verified, type VerifiedTokens } from "./verifiedTokens.ts";

export type IdentityResult = Verified | Refused;
export interface Refused {
  readonly kind: "missing" | "refused";
  /** Bounded words for the metric; never part of an answer. */
  readonly why: string;
}

/** Turns a bearer token into a subject, or says why not (security §6). Never throws; never repairs. */
export interface Identity {
  /** Synchronous for a token seen before and for HS256; a promise only while a key set is asked. */
  of(token: string | null): IdentityResult | Promise<IdentityResult>;
  readonly cache: VerifiedTokens;
  /** After a logout: what this header carried is checked anew when it comes again (security J7). */
  forget(authorization: string | null): void;
}

const TOKEN_BYTES_MAX = 8_192;
const KID_MAX = 128;
const MISSING: Refused = { kind: "missing", why: "missing" };
const refused = (why: string): Refused => ({ kind: "refused", why });

/** The token of `Authorization: Bearer <token>`; scheme in any case, one or more blanks (contract G7). */
export function bearerToken(authorization: string | null): string | null {
  if (authorization === null || authorization.length < 8) return null;
  const scheme = authorization.slice(0, 7);
  if (scheme !== "Bearer " && scheme.toLowerCase() !== "bearer ") return null;
  const token = authorization.slice(7).trim();
  return token === "" ? null : token;
}

export function createIdentity(config: JwtConfig, clock: Clock): Identity {
  const cache = createVerifiedTokens(config.verifiedTokensMax);
  const secret = config.secret === null ? null : createSecretKey(config.secret, "utf8");
  const keySet =
    config.jwksUrl === null ? null : createKeySet({ url: config.jwksUrl, algorithms: config.algorithms, clock });

  const check = (token: string, key: VerificationKey | { key: typeof secret; algorithm: "HS256" }): IdentityResult => {
    const result = verify(token, key as VerifyKey, config, clock.now());
    if (result.kind === "verified") cache.put(token, result);
    return result;
  };
  return {
    cache,
    forget(authorization) {
      const token = bearerToken(authorization);
      if (token !== null) cache.drop(token);
    },
    of(token) {
      if (token === null) return MISSING;
      if (token.length > TOKEN_BYTES_MAX) return refused("too_long");
      const seen = cache.get(token, clock.now());
      if (seen) return seen;
      const header = readHeader(token);
      if (typeof header === "string") return refused(header);
      if (secret)
        return header.alg === "HS256" ? check(token, { key: secret, algorithm: "HS256" }) : refused("algorithm");
      if (!keySet || header.kid === null) return refused("unknown_key");
      return keySet.find(header.kid).then((key) => {
        if (!key) return refused("unknown_key");
        return header.alg === key.algorithm ? check(token, key) : refused("algorithm");
      });
    },
  };
}

interface VerifyKey {
  readonly key: Exclude<VerificationKey["key"], null>;
  readonly algorithm: "HS256" | "RS256" | "ES256";
}

/** Only `alg` and `kid` are looked at; `jku`, `x5u`, `x5c`, `jwk` have no effect, `crit` refuses (security J3). */
function readHeader(token: string): { alg: string; kid: string | null } | string {
  const parts = token.split(".");
  if (parts.length !== 3) return "malformed";
  try {
    const header: unknown = JSON.parse(Buffer.from(parts[0] as string, "base64url").toString("utf8"));
    if (typeof header !== "object" || header === null || Array.isArray(header)) return "malformed";
    const { alg, kid, crit } = header as Record<string, unknown>;
    if (crit !== undefined) return "critical_header";
    if (typeof alg !== "string") return "algorithm";
    if (kid !== undefined && (typeof kid !== "string" || kid.length > KID_MAX)) return "malformed";
    return { alg, kid: kid === undefined ? null : kid };
  } catch {
    return "malformed";
  }
}

function verify(token: string, key: VerifyKey, config: JwtConfig, nowMs: number): IdentityResult {
  try {
    const claims = jwt.verify(token, key.key, {
      algorithms: [key.algorithm],
      clockTolerance: 0,
      clockTimestamp: Math.floor(nowMs / 1_000),
      ...(config.issuer === null ? {} : { issuer: config.issuer }),
      ...(config.audience === null ? {} : { audience: config.audience }),
    });
    const read = typeof claims === "string" ? refused("claims") : readClaims(claims);
    // The library compares with the fraction of `exp`, the contract cuts it off (G7); the cache must agree with both.
    return read.kind === "verified" && read.expiresAtMs <= nowMs ? refused("expired") : read;
  } catch (error) {
    return refused(error instanceof jwt.TokenExpiredError ? "expired" : "signature");
  }
}

// C0, DEL and C1 controls: a subject with these would break logs and headers (security J4).
const CONTROLS = new RegExp("[\\u0000-\\u001f\\u007f-\\u009f]");

function readClaims(claims: jwt.JwtPayload): IdentityResult {
  const { sub, iat, exp, jti } = claims;
  const isComplete =
    typeof sub === "string" &&
    sub.length >= 1 &&
    sub.length <= 128 &&
    !CONTROLS.test(sub) &&
    Number.isFinite(iat) &&
    Number.isFinite(exp) &&
    typeof jti === "string" &&
    jti !== "" &&
    claims["type"] === "access";
  if (!isComplete) return refused("claims");
  return { kind: "verified", subject: sub, expiresAtMs: Math.floor(exp as number) * 1_000 };
}
