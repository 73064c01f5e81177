// Credentials of copies at a shadow target (shadow W4): the caller's claims under a key that only targets accept, for a minute. The
// user's own token never goes there.
import { randomUUID } from "node:crypto";
import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";

export const SHADOW_AUDIENCE = "switchyard-shadow";
const LIFETIME_S = 60;
/** A token is used again while at least half of its life is left. */
const REUSE_MS = 30_000;
const TOKENS_MAX = 10_000;

export type Claims = Readonly<Record<string, unknown>>;

/** Times and addressees are those of the user's token. */
const OF_THE_TOKEN = new Set(["iat", "exp", "nbf", "jti", "aud", "iss"]);

export class ShadowTokens {
  readonly #key: string;
  readonly #now: () => number;
  readonly #made: LRUCache<string, string>;

  /** @param key shared with the targets only @param now epoch ms */
  constructor(key: string, now: () => number = Date.now) {
    this.#key = key;
    this.#now = now;
    this.#made = new LRUCache({ max: TOKENS_MAX, ttl: REUSE_MS, perf: { now }, ttlResolution: 0 });
  }

  /** `sub` and `email` stay, so that ids and rows come out equal. */
  of(claims: Claims): string {
    const kept = Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_THE_TOKEN.has(name)));
    const name = JSON.stringify(kept);
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const iat = Math.floor(this.#now() / 1_000);
    // Its own name: one that was revoked is not that of the user's token.
    const jti = randomUUID();
    const token = jwt.sign({ ...kept, aud: SHADOW_AUDIENCE, iat, exp: iat + LIFETIME_S, jti }, this.#key, {
      algorithm: "HS256",
    });
    this.#made.set(name, token);
    return token;
  }
}
