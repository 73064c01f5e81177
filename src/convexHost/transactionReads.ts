// What a transaction reads; the same for one that sees its own writes and for a stale snapshot of it.
import type { JSONValue } from "convex/values";
import { type Catalog, shownTable, type Sql, type Table } from "./catalog.ts";
import type { CursorSeal } from "./cursors.ts";
import { countDocuments, type DocumentRow, keyOfId, loadDocument } from "./documentRows.ts";
import type { Budget } from "./limits.ts";
import { keyAfter } from "./order.ts";
import { type PageResult, readPage } from "./pages.ts";
import { QueryStream } from "./queries.ts";
import { parseQuery } from "./queryText.ts";
import { intervalOf } from "./ranges.ts";
import type { GrowingInterval, ReadContext } from "./rowSource.ts";
import { documentOf } from "./storedJson.ts";
import { showValue } from "./valueForms.ts";
import { readVectors } from "./vectorQuery.ts";
import type { StoredDocument } from "./words.ts";

/** The parts of the store that a transaction works on. */
export interface TransactionStore {
  readonly sql: Sql;
  readonly catalog: Catalog;
  readonly cursorSeal: CursorSeal;
}

export abstract class TransactionReads implements ReadContext {
  readonly budget: Budget;
  protected readonly store: TransactionStore;
  readonly #streams = new Map<number, QueryStream>();
  #lastStream = 0;
  /** The document read last, until something is written. */
  #last: { readonly id: string; readonly version: number; readonly row: DocumentRow | null } | null = null;

  constructor(store: TransactionStore, budget: Budget) {
    this.store = store;
    this.budget = budget;
  }

  /** Runs one operation. @throws Error when the transaction has ended or the file has failed it */
  protected abstract operate<T>(operation: () => T): T;
  abstract remember(interval: GrowingInterval): void;
  abstract enter(): void;
  abstract version(): number;

  get sql(): Sql {
    return this.store.sql;
  }

  get catalog(): Catalog {
    return this.store.catalog;
  }

  /** null when there is no such document. @throws Error for what is no id of `table`, or of any table of `component` */
  get(component: string, table: string | undefined, id: string): StoredDocument | null {
    return this.operate(() => {
      this.requireTable(component, table, id);
      const row = this.readRow(id);
      return row === null ? null : documentOf(row.json);
    });
  }

  normalizeId(component: string, table: string, id: string): string | null {
    return this.operate(() => (this.catalog.tableOfId(component, id)?.name === table ? id : null));
  }

  openQuery(component: string, query: JSONValue): number {
    return this.operate(() => {
      this.#lastStream += 1;
      this.#streams.set(this.#lastStream, new QueryStream(this, component, parseQuery(query)));
      return this.#lastStream;
    });
  }

  nextOf(queryId: number): StoredDocument | null {
    return this.operate(() => {
      const stream = this.#streams.get(queryId);
      if (stream === undefined) throw new Error(`there is no open query ${queryId}`);
      return stream.next();
    });
  }

  closeQuery(queryId: number): void {
    this.#streams.delete(queryId);
  }

  page(component: string, request: JSONValue, journal: string | null): PageResult {
    return this.operate(() => readPage(this, this.store.cursorSeal, component, request, journal));
  }

  count(component: string, table: string): number {
    return this.operate(() => {
      const found = this.catalog.find(component, table);
      // As a query on it: a table that nobody has written to has no documents, and is remembered as read.
      if (found === undefined) {
        const source = { type: "FullTableScan", tableName: table, order: null };
        new QueryStream(this, component, parseQuery({ source, operators: [] }));
        return 0;
      }
      this.budget.spend("rangesRead", 1);
      this.remember({ index: found.byCreation.id, ...intervalOf(found.byCreation, []) });
      this.enter();
      return countDocuments(this.sql, found);
    });
  }

  /** The `limit` documents most like `query.vector`, best first. @throws Error for another length or an unknown index */
  vectorSearch(component: string, query: JSONValue): readonly { readonly _id: string; readonly _score: number }[] {
    return this.operate(() => readVectors(this, component, query));
  }

  protected requireTable(component: string, table: string | undefined, id: string): Table {
    const found = this.catalog.tableOfId(component, id);
    if (found === null) throw new Error(`${showValue(id)} is not an id of any table here`);
    if (table !== undefined && found.name !== table) {
      throw new Error(`expected an id of table "${table}", got one of table "${shownTable(component, found.name)}"`);
    }
    return found;
  }

  protected readRow(id: string): DocumentRow | null {
    this.budget.spend("rangesRead", 1);
    const { index, key } = keyOfId(id);
    this.remember({ index, from: key, to: keyAfter(key) });
    const row = this.#rowNow(id);
    if (row === null) return null;
    this.budget.spend("documentsRead", 1);
    this.budget.spend("bytesRead", row.size);
    return row;
  }

  /** A handler that changes a document has mostly just read it. */
  #rowNow(id: string): DocumentRow | null {
    const version = this.version();
    if (this.#last?.id !== id || this.#last.version !== version) {
      this.enter();
      this.#last = { id, version, row: loadDocument(this.sql, id) };
    }
    return this.#last.row;
  }
}
