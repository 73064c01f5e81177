// One page of a query (`1.0/queryPage`; convex/src/server/pagination.ts says what its result means).
import { createHash } from "node:crypto";
import { convexToJson, type JSONValue, type Value } from "convex/values";
import type { CursorSeal, PagePosition } from "./cursors.ts";
import { LIMITS } from "./limits.ts";
import { isKeptBy, openRows } from "./queries.ts";
import { parseQuery } from "./queryText.ts";
import type { ReadContext, SourceRow } from "./rowSource.ts";
import { showValue } from "./valueForms.ts";
import type { StoredDocument } from "./words.ts";

/** A page that has grown is cut before it takes all that its function may read, and is marked as too large earlier. */
const CUT_SHARE = 0.75;
const LARGE_SHARE = 0.5;

export interface PageResult {
  readonly result: JSONValue;
  /** Where this page ended; given to the next run of the same query, the page ends there again (embedded-convex §3.4). */
  readonly journal: string;
}

interface PageRequest {
  readonly query: JSONValue;
  readonly cursor: string | null;
  readonly endCursor: string | null;
  readonly pageSize: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
}

interface Walked {
  readonly documents: readonly StoredDocument[];
  readonly positions: readonly Uint8Array[];
  readonly bytes: number;
  /** Whether the end of its range was reached. */
  readonly isComplete: boolean;
}

/**
 * Reads the page behind `cursor`: up to `endCursor` where there is one, else `pageSize` documents.
 * @throws InvalidCursor for a cursor of another query; Error for a malformed request; LimitError
 */
export function readPage(
  context: ReadContext,
  seal: CursorSeal,
  component: string,
  json: JSONValue,
  journal: string | null,
): PageResult {
  const request = parseRequest(json);
  const query = parseQuery(request.query);
  if (query.operators.some((operator) => "limit" in operator)) throw new Error("a query with a limit has no pages");
  // `JSON.stringify`: the package builds equal queries with their fields in the same order.
  const binding = createHash("sha256")
    .update(JSON.stringify([component, request.query]))
    .digest("base64url");
  const start: PagePosition = request.cursor === null ? { at: "start" } : seal.open(request.cursor, binding);
  const end =
    request.endCursor === null ? journaledEnd(seal, binding, request, journal) : seal.open(request.endCursor, binding);
  const window = {
    after: start.at === "after" ? start.key : null,
    upTo: end?.at === "after" ? end.key : null,
  };
  const isEmpty = start.at === "end" || end?.at === "start";
  const wantedRows = end === null && query.operators.length === 0 ? request.pageSize + 1 : null;
  const source = isEmpty ? null : openRows(context, component, query, { window, wantedRows });
  const keeps = (document: StoredDocument) => isKeptBy(query.operators, document);
  const walked: Walked =
    source === null
      ? { documents: [], positions: [], bytes: 0, isComplete: true }
      : walk(source, keeps, request, end !== null);
  const stop = end ?? stopOf(walked, start);
  const sealed = (position: PagePosition) => seal.seal(position, binding);
  const continueCursor = sealed(stop);
  const split = splitOf(walked, end !== null);
  const result = {
    page: walked.documents.map((document) => convexToJson(document as Value)),
    isDone: stop.at === "end",
    continueCursor,
    splitCursor: split === null ? null : sealed({ at: "after", key: split }),
    pageStatus: statusOf(walked, end !== null),
  };
  return { result, journal: JSON.stringify({ cursor: request.cursor, end: continueCursor }) };
}

function parseRequest(json: JSONValue): PageRequest {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new Error("queryPage: expected an object");
  const { query = null, cursor, endCursor, pageSize, maximumRowsRead, maximumBytesRead } = json;
  return {
    query,
    cursor: textOrNull(cursor, "cursor"),
    endCursor: textOrNull(endCursor, "endCursor"),
    pageSize: countOf(pageSize, "numItems"),
    rowsMax: maximumRowsRead == null ? Number.POSITIVE_INFINITY : countOf(maximumRowsRead, "maximumRowsRead"),
    bytesMax: maximumBytesRead == null ? Number.POSITIVE_INFINITY : countOf(maximumBytesRead, "maximumBytesRead"),
  };
}

function textOrNull(json: JSONValue | undefined, name: string): string | null {
  if (json == null) return null;
  if (typeof json !== "string") throw new Error(`${name}: expected a cursor or null, got ${showValue(json)}`);
  return json;
}

function countOf(json: JSONValue | undefined, name: string): number {
  if (typeof json !== "number" || !(json >= 0)) {
    throw new Error(`${name}: expected a number of at least 0, got ${showValue(json)}`);
  }
  return json;
}

/** A journal of another query or another start says nothing: the function, or what it read, has changed since. */
function journaledEnd(
  seal: CursorSeal,
  binding: string,
  { cursor }: PageRequest,
  journal: string | null,
): PagePosition | null {
  if (journal === null) return null;
  try {
    const kept = JSON.parse(journal) as { readonly cursor?: unknown; readonly end?: unknown };
    return kept.cursor === cursor && typeof kept.end === "string" ? seal.open(kept.end, binding) : null;
  } catch {
    return null;
  }
}

interface PageSource {
  next(): SourceRow | null;
  hasMore(): boolean;
}

function walk(
  source: PageSource,
  keeps: (document: StoredDocument) => boolean,
  { pageSize, rowsMax, bytesMax }: PageRequest,
  hasEnd: boolean,
): Walked {
  const documents: StoredDocument[] = [];
  const positions: Uint8Array[] = [];
  const rowsAllowed = Math.max(1, Math.min(rowsMax, LIMITS.documentsRead * CUT_SHARE));
  const bytesAllowed = Math.min(bytesMax, LIMITS.bytesRead * CUT_SHARE);
  let bytes = 0;
  const isFull = () => !hasEnd && documents.length >= pageSize;
  const isCut = () => positions.length >= rowsAllowed || (positions.length > 0 && bytes >= bytesAllowed);
  while (!isFull() && !isCut()) {
    const row = source.next();
    if (row === null) return { documents, positions, bytes, isComplete: true };
    bytes += row.size;
    positions.push(row.position);
    if (keeps(row.document)) documents.push(row.document);
  }
  return { documents, positions, bytes, isComplete: !source.hasMore() };
}

function stopOf({ isComplete, positions }: Walked, start: PagePosition): PagePosition {
  if (isComplete) return { at: "end" };
  const last = positions.at(-1);
  return last === undefined ? start : { at: "after", key: last };
}

/** The middle of the page; one that stopped short of its end can be split even behind its only row. */
function splitOf({ positions, isComplete }: Walked, hasEnd: boolean): Uint8Array | null {
  const isShort = hasEnd && !isComplete;
  if (positions.length < (isShort ? 1 : 2)) return null;
  return positions[(positions.length - 1) >> 1] ?? null;
}

function statusOf(
  { isComplete, positions, bytes }: Walked,
  hasEnd: boolean,
): "SplitRequired" | "SplitRecommended" | null {
  if (hasEnd && !isComplete) return "SplitRequired";
  const isLarge = positions.length > LIMITS.documentsRead * LARGE_SHARE || bytes > LIMITS.bytesRead * LARGE_SHARE;
  return isLarge ? "SplitRecommended" : null;
}
