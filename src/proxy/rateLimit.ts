import { LRUCache } from "lru-cache";
import type { RateLimit } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Token buckets by key, bounded: the least recently used key is forgotten, which only ever favours that client. */
export interface RateLimiter {
  /** Takes one token: 0 when there was one, else the seconds to wait, rounded up (for `Retry-After`). */
  take(key: string): number;
}

export function createRateLimiter(limit: RateLimit, clock: Clock, keysMax = 50_000): RateLimiter {
  const buckets = new LRUCache<string, Bucket>({ max: keysMax });
  return {
    take(key) {
      const nowMs = clock.monotonic();
      let bucket = buckets.get(key);
      if (!bucket) {
        bucket = { tokens: limit.burst, atMs: nowMs };
        buckets.set(key, bucket);
      }
      refill(bucket, limit, nowMs);
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1;
        return 0;
      }
      return Math.max(1, Math.ceil((1 - bucket.tokens) / limit.perSecond));
    },
  };
}

function refill(bucket: Bucket, limit: RateLimit, nowMs: number): void {
  const gained = ((nowMs - bucket.atMs) / 1_000) * limit.perSecond;
  bucket.tokens = Math.min(limit.burst, bucket.tokens + gained);
  bucket.atMs = nowMs;
}

/**
 * Pace of one socket (security X3): above the rate reading pauses, and after `floodMs` of pausing without a calm
 * moment the socket is closed. Pure but for the clock that is passed in.
 */
export interface Pace {
  /** Counts one message. 0: go on; > 0: pause reading that many ms; -1: it has flooded too long, close 1008. */
  count(nowMs: number): number;
}

export function createPace(perSecond: number, floodMs: number): Pace {
  const limit: RateLimit = { perSecond, burst: perSecond * 2 };
  const bucket: Bucket = { tokens: limit.burst, atMs: 0 };
  let floodSinceMs: number | null = null;
  return {
    count(nowMs) {
      refill(bucket, limit, nowMs);
      // Half a burst in hand again: the flood is over.
      if (floodSinceMs !== null && bucket.tokens >= limit.burst / 2) floodSinceMs = null;
      bucket.tokens -= 1;
      if (bucket.tokens >= 0) return 0;
      floodSinceMs ??= nowMs;
      if (nowMs - floodSinceMs > floodMs) return -1;
      return Math.ceil((-bucket.tokens / perSecond) * 1_000);
    },
  };
}
