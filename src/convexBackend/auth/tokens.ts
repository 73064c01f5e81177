// Tokens (contract G7): verified with the algorithm bound to the key, issued with a random `jti`.
import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { JwksClient } from "jwks-rsa";
import { codePointLength } from "../../contract/index.ts";
import type { Config } from "../config.ts";

const TOKEN_BYTES_MAX = 8_192;
const LEEWAY_S = 5;
const SUBJECT_MAX = 128;
const KEYS_CACHED_MS = 10 * 60 * 1_000;
const KEYS_CACHED_MAX = 32;

export interface Caller {
  readonly sub: string;
  readonly email: string;
  readonly jti: string;
  readonly expiresAtMs: number;
}

export type TokenType = "access" | "refresh";
export interface VerifiedToken extends Caller {
  readonly type: string;
}

export interface Tokens {
  /** Null for anything that is not a currently valid token of the deployment. */
  verify(token: string, options?: { readonly ignoresExpiry?: boolean }): Promise<VerifiedToken | null>;
  issue(type: TokenType, user: { readonly id: string; readonly email: string }): string;
  /** False when tokens come from outside (`JWT_JWKS_URL`). */
  readonly canIssue: boolean;
  readonly accessSeconds: number;
}

type KeyLookup = (
  header: jsonwebtoken.JwtHeader,
) => Promise<{ key: KeyObject; algorithm: jsonwebtoken.Algorithm } | null>;

function jwksLookup(jwksUri: string): KeyLookup {
  const client = new JwksClient({
    jwksUri,
    cache: true,
    cacheMaxAge: KEYS_CACHED_MS,
    cacheMaxEntries: KEYS_CACHED_MAX,
    rateLimit: true,
    timeout: 5_000,
  });
  // Only `kid` of the header is looked at: `jku`, `x5u` and `jwk` would let a token bring its own key.
  return async ({ kid }) => {
    if (!kid) return null;
    try {
      const found = await client.getSigningKey(kid);
      const key = createPublicKey(found.getPublicKey());
      const algorithm = key.asymmetricKeyType === "rsa" ? "RS256" : key.asymmetricKeyType === "ec" ? "ES256" : null;
      return algorithm && { key, algorithm };
    } catch {
      return null;
    }
  };
}

const secretLookup =
  (key: KeyObject): KeyLookup =>
  () =>
    Promise.resolve({ key, algorithm: "HS256" as const });

const isText = (value: unknown, max = Number.POSITIVE_INFINITY): value is string =>
  typeof value === "string" && value !== "" && codePointLength(value) <= max;

function claimsOf(payload: jsonwebtoken.JwtPayload, ignoresExpiry: boolean): VerifiedToken | null {
  const { sub, email, iat, exp, type, jti } = payload as Record<string, unknown>;
  if (!isText(sub, SUBJECT_MAX) || typeof email !== "string" || !isText(jti) || typeof type !== "string") return null;
  if (typeof iat !== "number" || typeof exp !== "number") return null;
  const expires = Math.trunc(exp);
  if (!ignoresExpiry && expires + LEEWAY_S <= Date.now() / 1_000) return null;
  return { sub, email, jti, type, expiresAtMs: expires * 1_000 };
}

export function createTokens(config: Config): Tokens {
  const { secret, jwksUrl, issuer, audience } = config.jwt;
  const lookup = jwksUrl === null ? (secret ? secretLookup(secret) : null) : jwksLookup(jwksUrl);
  if (!lookup) throw new TypeError("a secret or a key set is needed");
  const accessSeconds = config.accessTokenMinutes * 60;
  const bound = { ...(issuer !== null && { issuer }), ...(audience !== null && { audience }) };

  return {
    canIssue: jwksUrl === null,
    accessSeconds,
    async verify(token, { ignoresExpiry = false } = {}) {
      if (Buffer.byteLength(token) > TOKEN_BYTES_MAX) return null;
      try {
        const header = jsonwebtoken.decode(token, { complete: true })?.header;
        const found = header && (await lookup(header));
        if (!found) return null;
        // `exp` is checked below: it may have a fraction, which counts truncated.
        const options = { algorithms: [found.algorithm], clockTolerance: LEEWAY_S, ignoreExpiration: true, ...bound };
        const payload = jsonwebtoken.verify(token, found.key, options);
        return typeof payload === "object" ? claimsOf(payload, ignoresExpiry) : null;
      } catch {
        return null;
      }
    },
    issue(type, { id, email }) {
      if (!secret || jwksUrl !== null) throw new TypeError("this deployment does not issue tokens");
      const iat = Math.floor(Date.now() / 1_000);
      const lifetime = type === "access" ? accessSeconds : config.refreshTokenDays * 86_400;
      const claims = { sub: id, email, iat, exp: iat + lifetime, type, jti: randomBytes(16).toString("base64url") };
      return jsonwebtoken.sign(claims, secret, { algorithm: "HS256", ...bound });
    },
  };
}

/** Token of `Authorization: Bearer <token>`: scheme in any case, one or more blanks. Null without one. */
export function bearerOf(header: string | undefined): string | null {
  return /^bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? null;
}
