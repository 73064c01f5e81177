import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Subject } from "../kernel/index.ts";

export interface Verified {
  readonly kind: "verified";
  readonly subject: Subject;
  readonly expiresAtMs: number;
}

/**
 * Tokens whose signature was checked before (security J7): keyed by SHA-256, so that no token stays in memory,
 * bounded, and never older than the token's own `exp`.
 */
export interface VerifiedTokens {
  get(token: string, nowMs: number): Verified | null;
  put(token: string, verified: Verified): void;
  /** A logout drops its token. */
  drop(token: string): void;
  readonly size: number;
}

const keyOf = (token: string): string => hash("sha256", token, "base64");

export function createVerifiedTokens(max: number): VerifiedTokens {
  const cache = new LRUCache<string, Verified>({ max });
  return {
    get(token, nowMs) {
      const key = keyOf(token);
      const found = cache.get(key);
      if (!found) return null;
      if (found.expiresAtMs > nowMs) return found;
      cache.delete(key);
      return null;
    },
    put(token, verified) {
      cache.set(keyOf(token), verified);
    },
    drop(token) {
      cache.delete(keyOf(token));
    },
    get size() {
      return cache.size;
    },
  };
}
