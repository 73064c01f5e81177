// Hashes of a user's rows (contract rest.md §7), equal on both arms for equal data.
import { createHash } from "node:crypto";
import { canonicalJson } from "../../contract/index.ts";

/** What two arms that were given the same inputs may still say differently. */
const TIMES: ReadonlySet<string> = new Set([
  "created_at",
  "updated_at",
  "ended_at",
  "submitted_at",
  "last_accessed",
  "last_active",
  "timestamp",
  "time",
  "response_time_ms",
  "session_duration_seconds",
]);

/** The value without times, at every depth. */
export function withoutTimes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutTimes);
  const kept = Object.entries(value).filter(([key]) => !TIMES.has(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutTimes(item)]));
}

export interface RowTexts {
  readonly full: string;
  readonly bare: string;
}

export const rowTexts = (row: unknown): RowTexts => ({
  full: canonicalJson(row),
  bare: canonicalJson(withoutTimes(row)),
});

export interface Section {
  readonly count: number;
  readonly hash: string;
  readonly full_hash: string;
}

/** Hash of the canonical array of texts that come one by one: `CJ` of an array is nothing but its items and commas. */
function createListHash() {
  const hash = createHash("sha256").update("[");
  let count = 0;
  return {
    add(text: string): void {
      if (count > 0) hash.update(",");
      hash.update(text, "utf8");
      count += 1;
    },
    end: (): string => hash.update("]").digest("hex"),
  };
}

export interface SectionHash {
  add(row: RowTexts): void;
  end(): Section;
}

export function createSectionHash(): SectionHash {
  const [full, bare] = [createListHash(), createListHash()];
  let count = 0;
  return {
    add(row) {
      full.add(row.full);
      bare.add(row.bare);
      count += 1;
    },
    end: () => ({ count, hash: bare.end(), full_hash: full.end() }),
  };
}

/** Of the values of the sections, sorted by kind. */
export function topHashes(sections: Readonly<Record<string, Section>>): { hash: string; full_hash: string } {
  const values = Object.keys(sections)
    .sort()
    .map((kind) => sections[kind]);
  const hashOf = (field: "hash" | "full_hash"): string =>
    createHash("sha256")
      .update(canonicalJson(values.map((value) => value?.[field] ?? "")))
      .digest("hex");
  return { hash: hashOf("hash"), full_hash: hashOf("full_hash") };
}
