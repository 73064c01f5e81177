// A store in a temporary folder, a clock that the test moves, and short ways to ask for what is stored.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { convexToJson, type JSONValue, type Value } from "convex/values";
import { createCommitQueue } from "../commitQueue.ts";
import type { CommitQueue, Committed } from "../ports.ts";
import type { ParsedSchema, TableDefinition } from "../schema.ts";
import { createSqliteStore, type SqliteStore } from "../sqliteStore.ts";
import type { SqliteTransaction } from "../transaction.ts";
import type { StoredDocument } from "../words.ts";

export interface TempStore {
  readonly dir: string;
  readonly file: string;
  store: SqliteStore;
  queue: CommitQueue;
  /** Epoch ms; settable. */
  nowMs: number;
  /** Closes the file and opens it again, as a restart does. */
  reopen(): void;
  write<T>(body: (transaction: SqliteTransaction) => T | Promise<T>): Promise<Committed<T>>;
  read<T>(body: (transaction: SqliteTransaction) => T | Promise<T>): Promise<Committed<T>>;
}

export function makeTempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "embedded-host-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function openTempStore(t: TestContext, tables: readonly Partial<TableDefinition>[] = []): TempStore {
  const dir = makeTempDir(t);
  const file = join(dir, "data.sqlite3");
  const clock = () => temp.nowMs;
  const open = () => {
    const store = createSqliteStore(file, { clock });
    return { store, queue: createCommitQueue(store, { clock }) };
  };
  const temp: TempStore = {
    dir,
    file,
    nowMs: 1_750_000_000_000,
    ...({} as { store: SqliteStore; queue: CommitQueue }),
    reopen() {
      temp.store.close();
      Object.assign(temp, open());
    },
    write: (body) => temp.queue.run(async (transaction) => body(transaction as SqliteTransaction), true),
    read: (body) => temp.queue.run(async (transaction) => body(transaction as SqliteTransaction), false),
  };
  Object.assign(temp, open());
  t.after(() => temp.store.close());
  if (tables.length > 0) temp.store.applySchemas(new Map([["", schemaOf(...tables)]]));
  return temp;
}

export function schemaOf(...tables: readonly Partial<TableDefinition>[]): ParsedSchema {
  const whole = tables.map((table) => ({
    name: "items",
    validator: null,
    indexes: [],
    searchIndexes: [],
    vectorIndexes: [],
    ...table,
  }));
  return { tables: whole, isValidated: true };
}

interface QueryOptions {
  readonly order?: "asc" | "desc";
  /** As `["Eq", "author", "ada"]`. */
  readonly range?: readonly (readonly [type: string, field: string, value: Value | undefined])[];
  readonly limit?: number;
  readonly filter?: JSONValue;
}

/** A query as the `convex` package sends it. `index`: `items.by_rank`, or `items` for the whole table. */
export function queryOf(index: string, { order, range = [], limit, filter }: QueryOptions = {}): JSONValue {
  const steps = range.map(([type, fieldPath, value]) => {
    return { type, fieldPath, value: value === undefined ? { $undefined: null } : convexToJson(value) };
  });
  const source = index.includes(".")
    ? { type: "IndexRange", indexName: index, range: steps, order: order ?? null }
    : { type: "FullTableScan", tableName: index, order: order ?? null };
  const operators: JSONValue[] = [];
  if (filter !== undefined) operators.push({ filter });
  if (limit !== undefined) operators.push({ limit });
  return { source, operators };
}

/** All documents that a query gives. */
export function collect(
  transaction: Pick<SqliteTransaction, "openQuery" | "nextOf" | "closeQuery">,
  query: JSONValue,
  component = "",
): StoredDocument[] {
  const id = transaction.openQuery(component, query);
  const found: StoredDocument[] = [];
  for (let next = transaction.nextOf(id); next !== null; next = transaction.nextOf(id)) found.push(next);
  transaction.closeQuery(id);
  return found;
}
