// Where a query's rows come from: a range of an index, the results of a search, or nothing.
import type { Catalog, Sql } from "./catalog.ts";
import type { Budget } from "./limits.ts";
import type { StoredDocument } from "./words.ts";

/** A row that a query has met; it may still be filtered out. */
export interface SourceRow {
  /** Where it stands in this source: what a cursor keeps. */
  readonly position: Uint8Array;
  readonly size: number;
  readonly document: StoredDocument;
}

export interface RowSource {
  /** The next row, counted against the limits; null at the end. @throws LimitError */
  next(): SourceRow | null;
  /** Whether there is a next one, which is not counted. */
  hasMore(): boolean;
}

/** The part of a source behind `after` and up to `upTo`, that one included; null: from the start, to the end. */
export interface SourceWindow {
  readonly after: Uint8Array | null;
  readonly upTo: Uint8Array | null;
}

/** What was read, for subscriptions; it grows while the query is consumed. */
export interface GrowingInterval {
  readonly index: number;
  from: Uint8Array;
  to: Uint8Array;
}

/** What a source needs of the transaction that reads. */
export interface ReadContext {
  readonly sql: Sql;
  readonly catalog: Catalog;
  readonly budget: Budget;
  /** Notes what is read; a stale snapshot notes nothing. */
  remember(interval: GrowingInterval): void;
  /** To be called before the file is read: brings it into the state that this reader sees. */
  enter(): void;
  /** Another number after each write: what was read ahead is outdated then. */
  version(): number;
}

export const NO_ROWS: RowSource = { next: () => null, hasMore: () => false };
