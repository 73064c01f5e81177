// Evidence in one SQLite file of one proxy process, written only by its compare thread (shadow §14).
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { EvidenceError } from "./evidenceError.ts";
import type { SqlDatabase, SqlSession, WriteKind } from "./sqlDatabase.ts";
import { type FileUse, moveAside, openFile } from "./sqliteFile.ts";
import { sqliteError } from "./sqliteErrors.ts";

/** Of those with many rows there are many; they are not worth keeping. */
const STATEMENTS_MAX = 100;

export interface SqliteDatabaseOptions extends FileUse {
  readonly file: string;
  now(): number;
  /** It was damaged: where it is now. A new one has begun in its place. */
  onMovedAside(file: string): void;
}

export class SqliteDatabase implements SqlDatabase {
  readonly ranges = "(SELECT value ->> 0 AS a, value ->> 1 AS b FROM json_each(?)) r";
  readonly skipLocked = "";
  readonly deadAfterMs = null;
  lostBeforeMs: number | null = null;
  readonly #options: SqliteDatabaseOptions;
  #db: DatabaseSync | null;
  readonly #statements = new Map<string, StatementSync>();
  #isClosed = false;
  /** One transaction at a time: there is one connection. */
  #last: Promise<unknown> = Promise.resolve();

  /** @throws EvidenceError */
  constructor(options: SqliteDatabaseOptions) {
    this.#options = options;
    this.#db = this.#open();
  }

  #open(): DatabaseSync {
    const { file, isReader, isGuest = false, now, onMovedAside } = this.#options;
    try {
      return openFile(file, this.#options);
    } catch (error) {
      const isBroken = error instanceof EvidenceError && error.code === "broken";
      if (isReader || isGuest || !isBroken) throw error;
      const nowMs = now();
      const aside = moveAside(file, nowMs);
      const db = openFile(file, this.#options);
      this.lostBeforeMs = nowMs;
      onMovedAside(aside);
      return db;
    }
  }

  read<T>(body: (sql: SqlSession) => Promise<T>): Promise<T> {
    return this.#transact("BEGIN", body);
  }

  write<T>(kind: WriteKind, body: (sql: SqlSession) => Promise<T>): Promise<T> {
    return this.#transact("BEGIN IMMEDIATE", body, kind);
  }

  #transact<T>(begin: string, body: (sql: SqlSession) => Promise<T>, kind: WriteKind | "read" = "read"): Promise<T> {
    return this.#inTurn(async (db) => {
      if (this.#options.isOneMoment === true) return body(sessionOf(db, this.#statements));
      // Also in the pages that become free, until something else needs them.
      if (kind === "erasure") db.exec("PRAGMA secure_delete = ON");
      db.exec(begin);
      try {
        const result = await body(sessionOf(db, this.#statements));
        db.exec("COMMIT");
        return result;
      } catch (error) {
        // Where SQLite has rolled back by itself there is nothing left to undo.
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      } finally {
        if (kind === "erasure" && db.isOpen) db.exec("PRAGMA secure_delete = FAST");
      }
    });
  }

  /** Damage is looked at when it is opened again, by the next one. */
  #inTurn<T>(use: (db: DatabaseSync) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      try {
        if (this.#isClosed) throw new EvidenceError("lost", { detail: "it was closed" });
        this.#db ??= this.#open();
        return await use(this.#db);
      } catch (error) {
        const known = sqliteError(error);
        if (known.code === "broken") this.#drop();
        throw known;
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  #drop(): void {
    const db = this.#db;
    this.#db = null;
    this.#statements.clear();
    try {
      db?.close();
    } catch {
      // It is of no use any more.
    }
  }

  bytes(): Promise<number> {
    return this.#inTurn((db) => {
      const [row] = db.prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size").all();
      return Promise.resolve(Number(row?.["bytes"] ?? 0));
    });
  }

  tidy(): Promise<void> {
    return this.#inTurn((db) => {
      db.exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
      return Promise.resolve();
    });
  }

  async close(): Promise<void> {
    await this.#last;
    this.#isClosed = true;
    this.#drop();
  }
}

function sessionOf(db: DatabaseSync, statements: Map<string, StatementSync>): SqlSession {
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = db.prepare(sql);
    if (statements.size < STATEMENTS_MAX) statements.set(sql, statement);
    return statement;
  };
  return {
    all: (sql, values = []) => Promise.resolve(prepared(sql).all(...values)),
    run: (sql, values = []) => Promise.resolve(Number(prepared(sql).run(...values).changes)),
  };
}
