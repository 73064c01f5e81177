// Which reads a commit made stale (embedded-convex §3.10), also for reads that were still under way when it was heard of.
import { overlaps } from "./ranges.ts";
import type { KeyInterval, TouchedKey } from "./words.ts";

/** Of all commits kept together. Beyond it the oldest are forgotten, and what they may have touched counts as stale. */
const KEYS_KEPT_MAX = 200_000;

/** What one COMMIT made, in `after < ts <= through`: a group of transactions shares it and is told as one. */
export interface CommitGroup {
  readonly after: bigint;
  readonly through: bigint;
  readonly touched: readonly TouchedKey[];
}

/** The commits that were heard of while reads were under way; empty while there are none. */
export class CommitLog {
  #commits: CommitGroup[] = [];
  #keyCount = 0;
  readonly #keysMax: number;
  /** How many commits came before `#commits[0]`. */
  #offset = 0;
  #forgottenThrough = 0n;
  /** Where each read under way began. */
  readonly #marks = new Set<{ readonly at: number }>();

  constructor(keysMax: number = KEYS_KEPT_MAX) {
    this.#keysMax = keysMax;
  }

  /** A read begins: commits from now on are kept for it. Returns how to end it. */
  begin(): () => void {
    const mark = { at: this.#offset + this.#commits.length };
    this.#marks.add(mark);
    return () => {
      this.#marks.delete(mark);
      this.#forgetUnneeded();
    };
  }

  add(commit: CommitGroup): void {
    if (this.#marks.size === 0 || commit.touched.length === 0) return;
    this.#commits.push(commit);
    this.#keyCount += commit.touched.length;
    while (this.#keyCount > this.#keysMax) {
      const oldest = this.#forgetOldest();
      if (oldest === undefined) break;
      this.#forgottenThrough = oldest.through;
    }
  }

  /**
   * From when on `reads`, done at `ts`, may no longer be what a read would give; null: they still are. To be asked before
   * the end of the read that gave them.
   */
  staleAt(reads: readonly KeyInterval[], ts: bigint): bigint | null {
    if (ts < this.#forgottenThrough && reads.length > 0) return ts + 1n;
    for (const commit of this.#commits) {
      const staleAt = staleFrom(commit, reads, ts);
      if (staleAt !== null) return staleAt;
    }
    return null;
  }

  #forgetUnneeded(): void {
    let firstNeeded = this.#offset + this.#commits.length;
    for (const mark of this.#marks) firstNeeded = Math.min(firstNeeded, mark.at);
    while (this.#offset < firstNeeded) this.#forgetOldest();
  }

  #forgetOldest(): CommitGroup | undefined {
    const commit = this.#commits.shift();
    if (commit === undefined) return undefined;
    this.#offset += 1;
    this.#keyCount -= commit.touched.length;
    return commit;
  }
}

/** The earliest moment at which `commit` can have changed what was read at `ts`; null: it did not. */
export function staleFrom(commit: CommitGroup, reads: readonly KeyInterval[], ts: bigint): bigint | null {
  if (commit.through <= ts || !overlaps(reads, commit.touched)) return null;
  return (commit.after > ts ? commit.after : ts) + 1n;
}
