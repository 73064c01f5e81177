// Runs a query of a transaction: opens its source and applies its filters and limits.
import { compareValues } from "convex/values";
import { BY_ID, isSystemTable, keyOfTableName, type SearchIndex, type Table } from "./catalog.ts";
import type { FieldReader } from "./filterExpressions.ts";
import { keyAfter } from "./order.ts";
import type { ParsedQuery, QueryOperator, QuerySource, SearchStep } from "./queryText.ts";
import { intervalOf } from "./ranges.ts";
import { RangeScan } from "./rangeScan.ts";
import { NO_ROWS, type ReadContext, type RowSource, type SourceWindow } from "./rowSource.ts";
import { SYSTEM_TABLES } from "./schema.ts";
import { SearchScan } from "./searchScan.ts";
import { fieldAt, valueOrUndefined } from "./storedJson.ts";
import { BY_CREATION_TIME } from "./tableDefinition.ts";
import type { StoredDocument } from "./words.ts";

/** How much is read at first when nobody says how many rows are wanted, and at most. */
const FIRST_ROWS = 32;
const FIRST_ROWS_MAX = 256;

export interface OpenOptions {
  readonly window: SourceWindow;
  /** How many rows are likely to be wanted; null: who knows. */
  readonly wantedRows: number | null;
}

/** @throws Error for an index that the table does not have, or a range it cannot have; LimitError */
export function openRows(
  context: ReadContext,
  component: string,
  query: ParsedQuery,
  { window, wantedRows }: OpenOptions,
): RowSource {
  const { source } = query;
  context.budget.spend("rangesRead", 1);
  const table = context.catalog.find(component, source.table);
  if (table === undefined) return openMissing(context, component, source);
  if (source.type === "search") return openSearch(context, table, source, window);
  const index = table.ranges.find((candidate) => candidate.name === source.index);
  if (index === undefined) throw new Error(explainIndex(table.ranges, source));
  const range = windowed(intervalOf(index, source.range), window, query.isDescending);
  const firstRows = Math.min(wantedRows ?? FIRST_ROWS, FIRST_ROWS_MAX);
  return new RangeScan(context, { ...range, index: index.id, isDescending: query.isDescending, firstRows });
}

/** A table that nobody has written to is empty, and a query on it must hear when it is made. */
function openMissing(context: ReadContext, component: string, source: QuerySource): RowSource {
  const isSystem = SYSTEM_TABLES.some(({ name }) => name === source.table);
  const isBuiltIn = source.type === "range" && (source.index === BY_CREATION_TIME || source.index === BY_ID);
  if (isSystem ? source.type !== "range" : !isBuiltIn || isSystemTable(source.table)) {
    throw new Error(`there is no table "${source.table}" with an index "${source.index}" here`);
  }
  const { index, key } = keyOfTableName(component, source.table);
  context.remember({ index, from: key, to: keyAfter(key) });
  return NO_ROWS;
}

function windowed(
  range: { readonly from: Uint8Array; readonly to: Uint8Array },
  window: SourceWindow,
  isDescending: boolean,
) {
  const after = window.after === null ? null : isDescending ? window.after : keyAfter(window.after);
  const upTo = window.upTo === null ? null : isDescending ? window.upTo : keyAfter(window.upTo);
  const from = (isDescending ? upTo : after) ?? range.from;
  const to = (isDescending ? after : upTo) ?? range.to;
  return { from, to };
}

type SearchSource = Extract<QuerySource, { type: "search" }>;

function openSearch(context: ReadContext, table: Table, source: SearchSource, window: SourceWindow): RowSource {
  const index = table.searches.find((candidate) => candidate.name === source.index);
  if (index === undefined) throw new Error(explainIndex(table.searches, source));
  const texts = source.filters.filter((step) => step.type === "Search");
  const [step] = texts;
  if (step === undefined || texts.length > 1 || step.fieldPath !== index.field || typeof step.value !== "string") {
    throw new Error(`${table.name}.${index.name}: expected one text to search for in its field "${index.field}"`);
  }
  // Any change of the table may change the ranking.
  context.remember({ index: table.byCreation.id, ...intervalOf(table.byCreation, []) });
  const equalities = source.filters.filter((filter) => filter.type === "Eq").map((filter) => equality(index, filter));
  const isKept = (read: FieldReader) => equalities.every((holds) => holds(read));
  return new SearchScan(context, { index, text: step.value, isKept, window });
}

function equality(index: SearchIndex, { fieldPath, value }: SearchStep): (read: FieldReader) => boolean {
  if (!index.filters.includes(fieldPath)) {
    throw new Error(`${index.name}: "${fieldPath}" is none of its filter fields, expected ${shownList(index.filters)}`);
  }
  const wanted = valueOrUndefined(value);
  return (read) => compareValues(read(fieldPath), wanted) === 0;
}

function explainIndex(indexes: readonly { readonly name: string }[], { table, index }: QuerySource): string {
  return `Index ${table}.${index} not found, expected ${shownList(indexes.map(({ name }) => name))}`;
}

function shownList(names: readonly string[]): string {
  return names.length === 0 ? "none: there is none" : `one of ${names.join(", ")}`;
}

/** Whether all filters keep a document. */
export function isKeptBy(operators: readonly QueryOperator[], document: StoredDocument): boolean {
  const read: FieldReader = (path) => fieldAt(document, path);
  return operators.every((operator) => !("isKept" in operator) || operator.isKept(read));
}

/** A query that is read document by document; once a limit is reached no further row is read. */
export class QueryStream {
  readonly #source: RowSource;
  readonly #stages: { readonly operator: QueryOperator; passed: number }[];

  constructor(context: ReadContext, component: string, query: ParsedQuery) {
    const wantedRows = wantedRowsOf(query.operators);
    this.#source = openRows(context, component, query, { window: { after: null, upTo: null }, wantedRows });
    this.#stages = query.operators.map((operator) => ({ operator, passed: 0 }));
  }

  /** null at the end. */
  next(): StoredDocument | null {
    while (!this.#isFull()) {
      const row = this.#source.next();
      if (row === null) return null;
      if (this.#passes(row.document)) return row.document;
    }
    return null;
  }

  #isFull(): boolean {
    return this.#stages.some(({ operator, passed }) => "limit" in operator && passed >= operator.limit);
  }

  #passes(document: StoredDocument): boolean {
    const read: FieldReader = (path) => fieldAt(document, path);
    for (const stage of this.#stages) {
      if ("isKept" in stage.operator && !stage.operator.isKept(read)) return false;
      stage.passed += 1;
    }
    return true;
  }
}

function wantedRowsOf([first]: readonly QueryOperator[]): number | null {
  return first !== undefined && "limit" in first ? first.limit : null;
}
