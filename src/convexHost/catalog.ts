// Which tables and indexes the file holds: rows of `tables` and `indexes`, and the same in memory.
import type { StatementSync } from "node:sqlite";
import { tableNumberOf } from "./ids.ts";
import { SYSTEM_TABLES } from "./schema.ts";
import { BY_CREATION_TIME } from "./tableDefinition.ts";
import type { ValidatorJson } from "./validatorJson.ts";
import type { TouchedKey } from "./words.ts";

/** Gives the prepared statement of a text; the same one for the same text. */
export type Sql = (text: string) => StatementSync;

/** Keys of `entries` in order. `by_id` has the field `_id`; others end in `_creationTime`, `_id`. */
export interface RangeIndex {
  readonly id: number;
  readonly table: string;
  readonly name: string;
  readonly fields: readonly string[];
}

export interface SearchIndex {
  readonly id: number;
  readonly name: string;
  readonly field: string;
  readonly filters: readonly string[];
}

export interface VectorIndex extends SearchIndex {
  readonly dimensions: number;
}

export interface Table {
  /** In every id of its documents; never used again (embedded-convex §3.3). */
  readonly number: number;
  /** "" for the app. Each component has its own tables, system tables too (embedded-convex §3.7). */
  readonly component: string;
  readonly name: string;
  readonly validator: ValidatorJson | null;
  readonly byCreation: RangeIndex;
  /** `byCreation` among them. */
  readonly ranges: readonly RangeIndex[];
  readonly searches: readonly SearchIndex[];
  readonly vectors: readonly VectorIndex[];
}

export type IndexKind = "range" | "search" | "vector";

export const BY_ID = "by_id";
const FIRST_TABLE_NUMBER = 10_001;

export const CATALOG_SQL = `
  CREATE TABLE IF NOT EXISTS tables(number INTEGER PRIMARY KEY, component TEXT NOT NULL, name TEXT NOT NULL,
    validator TEXT NOT NULL, UNIQUE(component, name));
  CREATE TABLE IF NOT EXISTS indexes(id INTEGER PRIMARY KEY AUTOINCREMENT, tbl INTEGER NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, definition TEXT NOT NULL, UNIQUE(tbl, kind, name));`;

/** Written by the host, never by a function itself. */
export function isSystemTable(name: string): boolean {
  return name.startsWith("_");
}

/** How messages and index changes call a table: `messages`, `component/messages`. */
export function shownTable(component: string, name: string): string {
  return component === "" ? name : `${component}/${name}`;
}

/** Table names a function may use without a schema. */
const TABLE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export class Catalog {
  readonly #sql: Sql;
  readonly #byName = new Map<string, Table>();
  readonly #byNumber = new Map<number, Table>();
  #lastId = "";
  #lastNumber: number | null = null;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Reads the file again: after a start, a change of schemas, a commit that failed. */
  load(): void {
    this.#byName.clear();
    this.#byNumber.clear();
    const tables = this.#sql("SELECT number, component, name, validator FROM tables").all() as unknown as TableRow[];
    const indexes = this.#sql("SELECT id, tbl, kind, name, definition FROM indexes ORDER BY id");
    const rows = Map.groupBy(indexes.all() as unknown as IndexRow[], (row) => row.tbl);
    for (const table of tables) this.#remember(readTable(table, rows.get(table.number) ?? []));
  }

  all(): readonly Table[] {
    return [...this.#byName.values()];
  }

  find(component: string, name: string): Table | undefined {
    return this.#byName.get(shownTable(component, name));
  }

  /** The table of an id as `component` knows it: ids of other components are none there (embedded-convex §3.3). */
  tableOfId(component: string, id: string): Table | null {
    const number = this.#numberOf(id);
    const table = number === null ? undefined : this.#byNumber.get(number);
    return table?.component === component ? table : null;
  }

  /** A handler reads and writes the same document, and names it in its arguments: decoded once. */
  #numberOf(id: string): number | null {
    if (this.#lastId !== id) [this.#lastId, this.#lastNumber] = [id, tableNumberOf(id)];
    return this.#lastNumber;
  }

  /**
   * Writes a new table with its two built-in indexes; to be called inside of a transaction. `wantedNumber`: of an import, whose
   * ids contain it; else the next one. @throws Error for a bad name, or a number that is taken
   */
  declare(component: string, name: string, wantedNumber: number | null = null): Table {
    const systemTable = SYSTEM_TABLES.find((candidate) => candidate.name === name);
    if (systemTable === undefined && !TABLE_NAME.test(name)) {
      throw new Error(`"${name}" is not a table name: expected a letter, then letters, digits and "_", at most 64`);
    }
    const added = this.#sql(
      `INSERT INTO tables(number, component, name, validator)
       VALUES(coalesce(?, (SELECT max(number) + 1 FROM tables), ${FIRST_TABLE_NUMBER}), ?, ?, 'null')`,
    ).run(wantedNumber, component, name);
    const tableNumber = Number(added.lastInsertRowid);
    this.addIndex(tableNumber, "range", BY_CREATION_TIME, []);
    this.addIndex(tableNumber, "range", BY_ID, ["_id"]);
    // Empty as it is, its indexes need not be built.
    for (const index of systemTable?.indexes ?? []) this.addIndex(tableNumber, "range", index.name, index.fields);
    return this.reload(tableNumber);
  }

  /** Writes the row of an index, without its entries; gives its id, which is never used again. */
  addIndex(tableNumber: number, kind: IndexKind, name: string, definition: unknown): number {
    const insert = this.#sql("INSERT INTO indexes(tbl, kind, name, definition) VALUES(?, ?, ?, ?)");
    return Number(insert.run(tableNumber, kind, name, JSON.stringify(definition)).lastInsertRowid);
  }

  /** Reads one table again. */
  reload(tableNumber: number): Table {
    const row = this.#sql("SELECT number, component, name, validator FROM tables WHERE number = ?").get(tableNumber);
    const indexes = this.#sql("SELECT id, tbl, kind, name, definition FROM indexes WHERE tbl = ? ORDER BY id");
    const table = readTable(row as unknown as TableRow, indexes.all(tableNumber) as unknown as IndexRow[]);
    this.#remember(table);
    return table;
  }

  /** What `declare` made was rolled back. */
  forget(table: Table): void {
    this.#byName.delete(shownTable(table.component, table.name));
    this.#byNumber.delete(table.number);
  }

  #remember(table: Table): void {
    this.#byName.set(shownTable(table.component, table.name), table);
    this.#byNumber.set(table.number, table);
  }
}

interface TableRow {
  readonly number: number;
  readonly component: string;
  readonly name: string;
  readonly validator: string;
}

interface IndexRow {
  readonly id: number;
  readonly tbl: number;
  readonly kind: IndexKind;
  readonly name: string;
  readonly definition: string;
}

function readTable(row: TableRow, indexes: readonly IndexRow[]): Table {
  const of = <T>(kind: IndexKind, read: (index: IndexRow, definition: unknown) => T): T[] =>
    indexes.filter((index) => index.kind === kind).map((index) => read(index, JSON.parse(index.definition)));
  const ranges = of("range", ({ id, name }, definition) => {
    return { id, table: row.name, name, fields: definition as readonly string[] };
  });
  const byCreation = ranges.find((index) => index.name === BY_CREATION_TIME);
  if (byCreation === undefined) throw new Error(`the file's table ${row.number} has no index ${BY_CREATION_TIME}`);
  return {
    number: row.number,
    component: row.component,
    name: row.name,
    validator: JSON.parse(row.validator) as ValidatorJson | null,
    byCreation,
    ranges,
    searches: of("search", ({ id, name }, definition) => ({ ...(definition as Omit<SearchIndex, "id">), id, name })),
    vectors: of("vector", ({ id, name }, definition) => ({ ...(definition as Omit<VectorIndex, "id">), id, name })),
  };
}

/** Touched when a table is made: what a query on a table that does not exist yet has read. No id has a space. */
export function keyOfTableName(component: string, name: string): TouchedKey {
  return { index: 0, key: new TextEncoder().encode(`table ${shownTable(component, name)}`) };
}
