// Evidence of a fleet in one PostgreSQL (shadow §14). A server that is away, slow or silent costs a rejection, never a wait that
// anything else could feel: every statement, every connection and every transaction has its time.
import { Pool, type PoolClient } from "pg";
import { EvidenceError } from "./evidenceError.ts";
import { postgresError } from "./postgresErrors.ts";
import type { SqlDatabase, SqlRow, SqlSession, SqlValue, WriteKind } from "./sqlDatabase.ts";
import { POSTGRES_TYPES, SCHEMA_VERSION, schemaOf } from "./sqlSchema.ts";

const SCHEMA = "switchyard_evidence";
/** Two writers would only wait for each other; the second is for readers. */
const CONNECTIONS_MAX = 2;
const CONNECT_MS = 2_000;
const LOCK_MS = 2_000;
/** What is done every ten minutes may take longer than what is done every second. */
const PATIENCE: Readonly<Record<WriteKind | "read", number>> = { counts: 1, read: 1, sums: 4, rows: 4, erasure: 1 };
/** After a server was not reached nobody asks again for so long, doubling. */
const REST_MS = 500;
const REST_MS_MAX = 8_000;
const BYTES_AGE_MS = 30_000;
/** Advisory locks: `counts` share it, `sums` are alone; the second is for whoever makes the tables. */
const LOCKS = { sums: 1_398_360_001, schema: 1_398_360_002 };

const LOCK_OF: Readonly<Record<WriteKind | "read", string>> = {
  counts: `; SELECT pg_advisory_xact_lock_shared(${LOCKS.sums})`,
  sums: `; SELECT pg_advisory_xact_lock(${LOCKS.sums})`,
  rows: "",
  erasure: "",
  read: "",
};

export interface PostgresDatabaseOptions {
  readonly url: string;
  readonly isReader: boolean;
  readonly deadAfterMs: number;
  /** Of a transaction. */
  readonly timeMs: number;
  /** Monotonic ms. */
  monotonic(): number;
}

export class PostgresDatabase implements SqlDatabase {
  readonly ranges =
    "(SELECT (value ->> 0)::bigint AS a, (value ->> 1)::bigint AS b FROM jsonb_array_elements(?::jsonb)) r";
  readonly skipLocked = " FOR UPDATE SKIP LOCKED";
  readonly deadAfterMs: number;
  readonly lostBeforeMs = null;
  readonly #options: PostgresDatabaseOptions;
  readonly #pool: Pool;
  #isPrepared = false;
  #restMs = 0;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #bytes = { count: 0, atMs: Number.NEGATIVE_INFINITY };

  constructor(options: PostgresDatabaseOptions) {
    this.#options = options;
    this.deadAfterMs = options.deadAfterMs;
    this.#pool = new Pool({
      connectionString: options.url,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      allowExitOnIdle: true,
      application_name: "switchyard-evidence",
    });
    // A connection that breaks is replaced by the next who needs one; without a listener it would end the process.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", (client) => client.on("error", () => {}));
  }

  read<T>(body: (sql: SqlSession) => Promise<T>): Promise<T> {
    return this.#transact("read", body);
  }

  write<T>(kind: WriteKind, body: (sql: SqlSession) => Promise<T>): Promise<T> {
    return this.#transact(kind, body);
  }

  async #transact<T>(kind: WriteKind | "read", body: (sql: SqlSession) => Promise<T>): Promise<T> {
    if (this.#options.monotonic() < this.#restsUntilMs)
      throw new EvidenceError("lost", { detail: "tried a moment ago" });
    try {
      const result = await this.#within(this.#timeMs(kind), async (client) => {
        if (!this.#isPrepared) await this.#prepare(client);
        await client.query(`${this.#begin(kind)}${LOCK_OF[kind]}`);
        const done = await body(sessionOf(client));
        await client.query("COMMIT");
        return done;
      });
      this.#restMs = 0;
      return result;
    } catch (error) {
      const known = postgresError(error);
      if (known.code === "lost") this.#rest();
      throw known;
    }
  }

  #timeMs(kind: WriteKind | "read"): number {
    return this.#options.timeMs * PATIENCE[kind];
  }

  #begin(kind: WriteKind | "read"): string {
    const mode = kind === "read" ? "REPEATABLE READ READ ONLY" : "READ COMMITTED READ WRITE";
    const timeMs = this.#timeMs(kind);
    return `BEGIN ISOLATION LEVEL ${mode}; SET LOCAL search_path = ${SCHEMA}; SET LOCAL statement_timeout = ${timeMs / 2};
      SET LOCAL lock_timeout = ${LOCK_MS}; SET LOCAL idle_in_transaction_session_timeout = ${timeMs}`;
  }

  #rest(): void {
    this.#restMs = Math.min(REST_MS_MAX, Math.max(REST_MS, this.#restMs * 2));
    this.#restsUntilMs = this.#options.monotonic() + this.#restMs;
  }

  /** A connection on which anything was left unfinished is not used again. */
  async #within<T>(timeMs: number, use: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let isReleased = false;
    const release = (error?: Error): void => {
      if (!isReleased) client.release(error);
      isReleased = true;
    };
    // Ends what is on its way: the statement that waits rejects.
    const timer = setTimeout(() => release(new Error("it took too long")), timeMs);
    try {
      const result = await use(client);
      release();
      return result;
    } catch (error) {
      const isUndone =
        !isReleased &&
        (await client.query("ROLLBACK").then(
          () => true,
          () => false,
        ));
      release(isUndone ? undefined : new Error("it is in no known state"));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #prepare(client: PoolClient): Promise<void> {
    if (!this.#options.isReader) {
      await client.query(`${this.#begin("rows")}; SELECT pg_advisory_xact_lock(${LOCKS.schema})`);
      const { rows } = await client.query(`SELECT to_regclass('${SCHEMA}.numbers') IS NOT NULL AS "isThere"`);
      if (!(rows as readonly { isThere: boolean }[])[0]?.isThere) {
        const version = `INSERT INTO numbers VALUES ('version', ${SCHEMA_VERSION})`;
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}; ${schemaOf(POSTGRES_TYPES)}; ${version}`);
      }
      await client.query("COMMIT");
    }
    const { rows } = await client.query(`SELECT value FROM ${SCHEMA}.numbers WHERE name = 'version'`);
    const found = Number((rows as readonly { value: string }[])[0]?.value);
    if (found !== SCHEMA_VERSION) throw new EvidenceError("format", { detail: `${found}, expected ${SCHEMA_VERSION}` });
    this.#isPrepared = true;
  }

  /** Asked every second, and not worth it. */
  async bytes(): Promise<number> {
    const nowMs = this.#options.monotonic();
    if (nowMs - this.#bytes.atMs < BYTES_AGE_MS) return this.#bytes.count;
    const [row] = await this.read((sql) =>
      sql.all(
        `SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${SCHEMA}' AND c.relkind = 'r'`,
      ),
    );
    this.#bytes = { count: Number(row?.["bytes"]), atMs: nowMs };
    return this.#bytes.count;
  }

  /** The server does it by itself. */
  tidy(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

const sessionOf = (client: PoolClient): SqlSession => {
  const ask = (sql: string, values: readonly SqlValue[] = []) => {
    let at = 0;
    return client.query(
      sql.replace(/\?/g, () => `$${++at}`),
      [...values],
    );
  };
  return {
    all: async (sql, values) => (await ask(sql, values)).rows as readonly SqlRow[],
    run: async (sql, values) => (await ask(sql, values)).rowCount ?? 0,
  };
};
