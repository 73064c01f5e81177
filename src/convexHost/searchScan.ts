// The results of a text search, best first; a position is how many results came up to there.
import type { SearchIndex } from "./catalog.ts";
import { checkLimit } from "./limits.ts";
import type { ReadContext, RowSource, SourceRow, SourceWindow } from "./rowSource.ts";
import { searchRows } from "./searchRows.ts";
import { documentOf, fieldAt } from "./storedJson.ts";
import type { FieldReader } from "./filterExpressions.ts";

export interface SearchRequest {
  readonly index: SearchIndex;
  readonly text: string;
  /** The equalities on the filter fields of the index. */
  readonly isKept: (read: FieldReader) => boolean;
  readonly window: SourceWindow;
}

/** Gives at most 1,024 results: the next one is a LimitError, never a silent end (embedded-convex §3.8). */
export class SearchScan implements RowSource {
  readonly #context: ReadContext;
  readonly #request: SearchRequest;
  readonly #after: number;
  readonly #upTo: number;
  /** null until the first row is asked for. */
  #found: readonly number[] | null = null;
  #at = 0;
  #given = 0;
  #next: SourceRow | null = null;

  constructor(context: ReadContext, request: SearchRequest) {
    this.#context = context;
    this.#request = request;
    this.#after = request.window.after === null ? 0 : numberOf(request.window.after);
    this.#upTo = request.window.upTo === null ? Number.POSITIVE_INFINITY : numberOf(request.window.upTo);
  }

  next(): SourceRow | null {
    if (!this.hasMore()) return null;
    const row = this.#next;
    this.#next = null;
    return row;
  }

  hasMore(): boolean {
    this.#next ??= this.#find();
    return this.#next !== null;
  }

  #find(): SourceRow | null {
    const { sql, budget } = this.#context;
    this.#context.enter();
    this.#found ??= searchRows(sql, this.#request.index, this.#request.text);
    for (let seq = this.#found[this.#at]; seq !== undefined && this.#given < this.#upTo; seq = this.#found[this.#at]) {
      this.#at += 1;
      const row = sql("SELECT size, json FROM documents WHERE seq = ?").get(seq);
      // Removed by this transaction since it searched.
      if (row === undefined) continue;
      const { size, json } = row as unknown as { readonly size: number; readonly json: string };
      budget.spend("documentsRead", 1);
      budget.spend("bytesRead", size);
      const document = documentOf(json);
      if (!this.#request.isKept((path) => fieldAt(document, path))) continue;
      this.#given += 1;
      checkLimit("searchResults", this.#given);
      if (this.#given > this.#after) return { position: positionOf(this.#given), size, document };
    }
    return null;
  }
}

function positionOf(count: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(count);
  return bytes;
}

function numberOf(position: Uint8Array): number {
  return Buffer.from(position).readUInt32BE();
}
