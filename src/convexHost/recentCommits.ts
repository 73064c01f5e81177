// What the last commits touched: whether a query that runs now still gives what it gave at an earlier timestamp. The store
// keeps one version of each document, so a query at an earlier timestamp (`/api/query_at_ts`) can only be answered if so.
import { overlaps } from "./ranges.ts";
import type { KeyInterval, TouchedKey } from "./words.ts";

const COMMITS_MAX = 4_096;
const KEYS_MAX = 65_536;

export interface RecentCommits {
  add(ts: bigint, touched: readonly TouchedKey[]): void;
  /** Whether no commit after `ts` touched these intervals; false also when that is not remembered any more. */
  isUntouchedSince(ts: bigint, reads: readonly KeyInterval[]): boolean;
}

/** Remembers from now on, `ts` being the newest commit so far. */
export function createRecentCommits(ts: bigint): RecentCommits {
  const commits: { readonly ts: bigint; readonly touched: readonly TouchedKey[] }[] = [];
  let keys = 0;
  let rememberedSince = ts;

  const isFull = () => commits.length > COMMITS_MAX || keys > KEYS_MAX;

  return {
    add(commitTs, touched) {
      commits.push({ ts: commitTs, touched });
      keys += touched.length;
      for (let oldest = commits[0]; oldest !== undefined && isFull(); oldest = commits[0]) {
        commits.shift();
        keys -= oldest.touched.length;
        rememberedSince = oldest.ts;
      }
    },
    isUntouchedSince(since, reads) {
      if (since < rememberedSince) return false;
      return !commits.some((commit) => commit.ts > since && overlaps(reads, commit.touched));
    },
  };
}
