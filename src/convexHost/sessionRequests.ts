// Outcomes of mutations that came over a socket, stored in the mutation's own transaction: the client repeats what it got no
// answer to, and must get the same one again (embedded-convex §3.10).
import type { FunctionFailure, StoredDocument } from "./words.ts";
import type { Transaction } from "./ports.ts";

/** What the client is told again. */
export interface StoredOutcome {
  readonly result: { readonly valueJson: string } | { readonly failure: FunctionFailure };
  readonly logLines: readonly string[];
}

export interface SessionRequest {
  readonly sessionId: string;
  readonly requestId: number;
}

const TABLE = "_session_requests";
const KEPT_MS = 24 * 3_600_000;
/** A document has at most 1 MiB, a value 16: a long outcome is kept in parts. At most three bytes each. */
const PART_CHARS_MAX = 300_000;

/** The outcome of a request that was answered before; null for a new one. */
export function findOutcome(transaction: Transaction, { sessionId, requestId }: SessionRequest): StoredOutcome | null {
  const query = transaction.openQuery("", {
    source: {
      type: "IndexRange",
      indexName: `${TABLE}.by_session`,
      range: [
        { type: "Eq", fieldPath: "sessionId", value: sessionId },
        { type: "Eq", fieldPath: "requestId", value: requestId },
      ],
      order: "asc",
    },
    operators: [],
  });
  const parts: { readonly part: number; readonly text: string }[] = [];
  for (let row = transaction.nextOf(query); row !== null; row = transaction.nextOf(query)) parts.push(partOf(row));
  transaction.closeQuery(query);
  if (parts.length === 0) return null;
  const text = parts.sort((a, b) => a.part - b.part).map((row) => row.text);
  return JSON.parse(text.join("")) as StoredOutcome;
}

function partOf(row: StoredDocument): { readonly part: number; readonly text: string } {
  const { part, text } = row;
  if (typeof part !== "number" || typeof text !== "string") throw new Error(`Row ${row._id} of ${TABLE} is damaged`);
  return { part, text };
}

/** Keeps `outcome` for 24 h, in the transaction that made it. */
export function storeOutcome(transaction: Transaction, request: SessionRequest, outcome: StoredOutcome): void {
  const expiresAtMs = transaction.nowMs + KEPT_MS;
  cutText(JSON.stringify(outcome)).forEach((text, part) => {
    transaction.insert("", TABLE, { ...request, part, text, expiresAtMs });
  });
}

/** Parts of at most 300,000 characters, none of which ends within a surrogate pair: stored strings must be well formed. */
export function cutText(text: string, charsMax: number = PART_CHARS_MAX): string[] {
  const parts: string[] = [];
  for (let from = 0; from < text.length; ) {
    const end = Math.min(text.length, from + charsMax);
    const isSplit = end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1));
    const to = isSplit ? end - 1 : end;
    parts.push(text.slice(from, to));
    from = to;
  }
  return parts;
}
