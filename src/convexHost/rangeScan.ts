// A range of an index, read in growing chunks.
import { keyAfter } from "./order.ts";
import type { GrowingInterval, ReadContext, RowSource, SourceRow } from "./rowSource.ts";
import { documentOf } from "./storedJson.ts";

const CHUNK_ROWS_MAX = 1_024;
/** After a write, what was read ahead is thrown away: a loop that writes at each row must not read far ahead. */
const CHUNK_ROWS_AFTER_WRITE = 4;
/** Documents are up to 1 MiB: chunks of large ones stay short. */
const CHUNK_BYTES = 4 * 1_024 * 1_024;

const ascending = chunkSql("ASC");
const descending = chunkSql("DESC");

function chunkSql(order: "ASC" | "DESC"): string {
  // CROSS JOIN: the entries lead, whatever the planner thinks.
  return `SELECT e.key AS key, d.size AS size, d.json AS json FROM entries e CROSS JOIN documents d ON d.seq = e.doc
    WHERE e.idx = ? AND e.key >= ? AND e.key < ? ORDER BY e.key ${order} LIMIT ?`;
}

interface ChunkRow {
  readonly key: Uint8Array;
  readonly size: number;
  readonly json: string;
}

export interface ScanRange {
  readonly index: number;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly isDescending: boolean;
  /** How many rows are likely to be wanted. */
  readonly firstRows: number;
}

/**
 * Sees each write of its own transaction at once, and remembers as read only what was consumed: up to the last row given,
 * the whole range when it came to its end (embedded-convex §3.4).
 */
export class RangeScan implements RowSource {
  readonly #context: ReadContext;
  readonly #index: number;
  readonly #isDescending: boolean;
  readonly #read: GrowingInterval;
  /** What has not been given yet. */
  #from: Uint8Array;
  #to: Uint8Array;
  #chunk: readonly ChunkRow[] = [];
  #at = 0;
  #rows: number;
  #isLastChunk = false;
  #version: number;

  constructor(context: ReadContext, range: ScanRange) {
    this.#context = context;
    this.#index = range.index;
    this.#isDescending = range.isDescending;
    this.#from = range.from;
    this.#to = range.to;
    this.#rows = Math.min(Math.max(1, range.firstRows), CHUNK_ROWS_MAX);
    this.#version = context.version();
    const edge = range.isDescending ? range.to : range.from;
    this.#read = { index: range.index, from: edge, to: edge };
    context.remember(this.#read);
  }

  next(): SourceRow | null {
    const row = this.#peek();
    if (row === undefined) return null;
    this.#context.budget.spend("documentsRead", 1);
    this.#context.budget.spend("bytesRead", row.size);
    this.#at += 1;
    if (this.#isDescending) this.#to = row.key;
    else this.#from = this.#read.to;
    return { position: row.key, size: row.size, document: documentOf(row.json) };
  }

  hasMore(): boolean {
    return this.#peek() !== undefined;
  }

  #peek(): ChunkRow | undefined {
    this.#context.enter();
    if (this.#version !== this.#context.version()) this.#forgetChunk();
    if (this.#at === this.#chunk.length && !this.#isLastChunk) this.#readChunk();
    const row = this.#chunk[this.#at];
    if (this.#isDescending) this.#read.from = row?.key ?? this.#from;
    else this.#read.to = row === undefined ? this.#to : keyAfter(row.key);
    return row;
  }

  #forgetChunk(): void {
    this.#version = this.#context.version();
    this.#chunk = [];
    this.#at = 0;
    this.#isLastChunk = false;
    this.#rows = Math.min(this.#rows, CHUNK_ROWS_AFTER_WRITE);
  }

  #readChunk(): void {
    const statement = this.#context.sql(this.#isDescending ? descending : ascending);
    const rows = statement.all(this.#index, this.#from, this.#to, this.#rows) as unknown as readonly ChunkRow[];
    this.#chunk = rows;
    this.#at = 0;
    this.#isLastChunk = rows.length < this.#rows;
    const bytes = rows.reduce((sum, row) => sum + row.size, 0);
    const fitting = Math.floor((CHUNK_BYTES * rows.length) / Math.max(1, bytes));
    this.#rows = Math.max(1, Math.min(this.#rows * 2, CHUNK_ROWS_MAX, fitting));
  }
}
