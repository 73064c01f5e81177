// Credentials of copies at a shadow target (shadow W4): the caller's claims under a key that only targets accept, for a minute. The
// user's own token never goes there.
import { createSecretKey, type KeyObject, randomUUID } from "node:crypto";
import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";

export const SHADOW_AUDIENCE = "switchyard-shadow";
const LIFETIME_S = 60;
/** A token is used again while at least half of its life is left. */
const REUSE_MS = 30_000;
const TOKENS_MAX = 10_000;

type Claims = Readonly<Record<string, unknown>>;

/** Times and addressees are those of the user's token. */
const OF_THE_TOKEN = new Set(["iat", "exp", "nbf", "jti", "aud", "iss"]);

export class ShadowTokens {
  readonly #key: KeyObject;
  readonly #now: () => number;
  /** By the user's own, so that it is read once. */
  readonly #made: LRUCache<string, string>;

  /** @param key shared with the targets only @param now epoch ms */
  constructor(key: string, now: () => number = Date.now) {
    // Not the text: from that a key would be made for every token.
    this.#key = createSecretKey(key, "utf8");
    this.#now = now;
    this.#made = new LRUCache({ max: TOKENS_MAX, ttl: REUSE_MS, perf: { now }, ttlResolution: 0 });
  }

  /**
   * @param authorization of a call whose credential the proxy has verified; `sub` and `email` stay, so that ids and rows come out equal
   * @returns null: there are no claims in it
   */
  for(authorization: string): string | null {
    const known = this.#made.get(authorization);
    if (known !== undefined) return known;
    const claims = claimsOf(authorization);
    if (claims === null) return null;
    const kept = Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_THE_TOKEN.has(name)));
    const iat = Math.floor(this.#now() / 1_000);
    // Its own name: one that was revoked is not that of the user's token.
    const jti = randomUUID();
    const token = jwt.sign({ ...kept, aud: SHADOW_AUDIENCE, iat, exp: iat + LIFETIME_S, jti }, this.#key, {
      algorithm: "HS256",
    });
    this.#made.set(authorization, token);
    return token;
  }
}

function claimsOf(authorization: string): Claims | null {
  const payload = authorization.split(" ").at(-1)?.split(".")[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as Claims) : null;
  } catch {
    return null;
  }
}
