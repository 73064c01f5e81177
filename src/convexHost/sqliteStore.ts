// The file of the embedded host: one SQLite connection that writes, the catalog, and the counters of the deployment.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Catalog, CATALOG_SQL, type Sql } from "./catalog.ts";
import { createCursorSeal, type CursorSeal, makeCursorKey } from "./cursors.ts";
import { DOCUMENTS_SQL } from "./documentRows.ts";
import type { ParsedSchema } from "./schema.ts";
import { applySchemas } from "./schemaChange.ts";
import type { WritableStore } from "./transaction.ts";
import { VECTORS_SQL } from "./vectorRows.ts";

export { SchemaMismatch } from "./schemaChange.ts";

export interface StoreOptions {
  /** Epoch ms. */
  readonly clock: () => number;
}

/** Two creation times are this far apart, ms: a double near 2·10¹² still tells them apart. */
const CREATION_TIME_STEP_MS = 0.001;
const NS_PER_MS = 1_000_000n;
/** Two commits are at least this far apart, ns: who shows timestamps as whole microseconds can still tell them apart. */
const COMMIT_STEP_NS = 1_000n;
const PAGE_CACHE_KIB = 64 * 1_024;
/** Of the write-ahead log, 16 MiB: pages that are written again and again go into the file once, in some 30 ms. */
const CHECKPOINT_PAGES = 4_096;
/** Another process that looks into the file (an export, a backup) may hold it for a moment. */
const BUSY_TIMEOUT_MS = 5_000;

/** Of the tables in the file: one that a later version wrote must not be misread. */
const FORMAT = 1;

const META_SQL = "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID, STRICT;";

export class SqliteStore implements WritableStore {
  readonly sql: Sql;
  readonly catalog: Catalog;
  readonly cursorSeal: CursorSeal;
  readonly #db: DatabaseSync;
  /** The schema bounds how many texts there are: a handful for all tables, three for each search index. */
  readonly #statements = new Map<string, StatementSync>();
  #ts = 0n;
  #savedTs = 0n;
  #creationTime = 0;

  constructor(file: string, { clock }: StoreOptions) {
    this.#db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    this.sql = (text) => this.#prepare(text);
    this.catalog = new Catalog(this.sql);
    // WAL and FULL: a COMMIT is one append and one fsync, and what it made survives a loss of power (embedded-convex §3.2).
    this.#db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -${PAGE_CACHE_KIB};
       PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA trusted_schema = OFF;`,
    );
    this.#requireFormat(file);
    this.#db.exec(
      `BEGIN IMMEDIATE; PRAGMA user_version = ${FORMAT}; ${META_SQL} ${CATALOG_SQL} ${DOCUMENTS_SQL} ${VECTORS_SQL} COMMIT;`,
    );
    this.#load();
    this.cursorSeal = createCursorSeal(this.#cursorKey());
    if (this.#ts === 0n) this.takeTs(clock());
    this.#change(null);
  }

  /** Newest commit, ns; inside of a group also what is not on the disk yet. */
  get ts(): bigint {
    return this.#ts;
  }

  get isInTransaction(): boolean {
    return this.#db.isTransaction;
  }

  /** Never back, whatever the clock does, also over a restart: the newest one is in the file (embedded-convex §3.2). */
  takeTs(nowMs: number): bigint {
    const now = BigInt(Math.floor(nowMs)) * NS_PER_MS;
    this.#ts = now >= this.#ts + COMMIT_STEP_NS ? now : this.#ts + COMMIT_STEP_NS;
    return this.#ts;
  }

  takeCreationTime(nowMs: number): number {
    this.#creationTime = nowMs > this.#creationTime ? nowMs : this.#creationTime + CREATION_TIME_STEP_MS;
    return this.#creationTime;
  }

  /** Opens a group. @throws Error when the file is not to be had */
  begin(isWritable: boolean): void {
    this.sql(isWritable ? "BEGIN IMMEDIATE" : "BEGIN").run();
  }

  /** Ends a group. @throws Error when its COMMIT failed: then nothing of it is kept, nor any counter it moved */
  commit(): void {
    try {
      if (this.#ts !== this.#savedTs) this.#saveCounters();
      this.sql("COMMIT").run();
    } catch (error) {
      this.rollback();
      throw error;
    }
    this.#savedTs = this.#ts;
  }

  /** Gives up a group, and reads back from the file what it had changed in memory. */
  rollback(): void {
    // After some errors (disk full, I/O) SQLite has rolled back by itself.
    if (this.isInTransaction) this.sql("ROLLBACK").run();
    this.#load();
  }

  /** Writes one byte or two, durably. @throws Error when the file takes no writes */
  probe(nowMs: number): void {
    this.#atomically(() => this.sql("INSERT OR REPLACE INTO meta(name, value) VALUES('probe', ?)").run(nowMs));
  }

  /**
   * Makes the file fit these schemas, by component ("" for the app), in one transaction: new and changed indexes are built,
   * dropped ones removed. Gives what an operator should know: tables that are in no schema are kept.
   * @throws SchemaMismatch when stored documents do not match: then nothing has changed (embedded-convex §3.4)
   */
  applySchemas(byComponent: ReadonlyMap<string, ParsedSchema>): readonly string[] {
    if (this.isInTransaction) throw new Error("schemas are applied between transactions, not in one");
    return this.#change(byComponent);
  }

  /** The table of an id as `component` knows it; null for what is no id there. */
  tableOf(component: string, id: string): string | null {
    return this.catalog.tableOfId(component, id)?.name ?? null;
  }

  /** What is in the write-ahead log goes into the file. */
  close(): void {
    if (!this.#db.isOpen) return;
    if (this.isInTransaction) this.rollback();
    this.#statements.clear();
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#db.close();
  }

  #requireFormat(file: string): void {
    const { user_version: found } = this.sql("PRAGMA user_version").get() as unknown as {
      readonly user_version: number;
    };
    if (found === 0 || found === FORMAT) return;
    this.#db.close();
    throw new Error(`${file} has format ${found}, expected ${FORMAT}: it is of another version of the embedded host`);
  }

  #change(byComponent: ReadonlyMap<string, ParsedSchema> | null): readonly string[] {
    return this.#atomically(() => applySchemas(this.sql, this.catalog, byComponent));
  }

  #atomically<T>(body: () => T): T {
    this.begin(true);
    let value: T;
    try {
      value = body();
    } catch (error) {
      this.rollback();
      throw error;
    }
    this.commit();
    return value;
  }

  #prepare(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #load(): void {
    this.#ts = BigInt(this.#meta("ts") ?? 0);
    this.#savedTs = this.#ts;
    this.#creationTime = Number(this.#meta("creationTime") ?? 0);
    this.catalog.load();
  }

  #saveCounters(): void {
    const save = this.sql("INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)");
    // As text: nanoseconds do not fit into a double, and a creation time must come back bit by bit.
    save.run("ts", String(this.#ts));
    save.run("creationTime", String(this.#creationTime));
  }

  #meta(name: string): string | undefined {
    const row = this.sql("SELECT value FROM meta WHERE name = ?").get(name);
    return (row as unknown as { readonly value: string } | undefined)?.value;
  }

  #cursorKey(): Uint8Array {
    this.sql("INSERT OR IGNORE INTO meta(name, value) VALUES('cursorKey', ?)").run(makeCursorKey());
    const row = this.sql("SELECT value FROM meta WHERE name = 'cursorKey'").get();
    return (row as unknown as { readonly value: Uint8Array }).value;
  }
}

/** Opens the file, or makes it. @throws Error when it is none of SQLite's or cannot be written */
export function createSqliteStore(file: string, options: StoreOptions): SqliteStore {
  return new SqliteStore(file, options);
}
