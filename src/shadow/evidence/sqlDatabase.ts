// What evidence asks of a database (shadow §14): the same statements for SQLite and PostgreSQL, with `?` for values.

export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlSession {
  all(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Gives how many rows it was. */
  run(sql: string, values?: readonly SqlValue[]): Promise<number>;
}

/**
 * `counts`: adds rows of a run, many may at once. `sums`: adds them up, alone. `rows`: whatever needs neither, for long. `erasure`: what
 * it deletes is to be gone from the file too, as far as the engine can do that.
 */
export type WriteKind = "counts" | "sums" | "rows" | "erasure";

/** All of a body happens, or nothing. Rejects with an `EvidenceError`. */
export interface SqlDatabase {
  read<T>(body: (sql: SqlSession) => Promise<T>): Promise<T>;
  write<T>(kind: WriteKind, body: (sql: SqlSession) => Promise<T>): Promise<T>;
  /** A table `r` of columns `a` and `b`, of a text `[[a, b], …]`. */
  readonly ranges: string;
  /** Behind a SELECT: rows that another writer holds are left to it. */
  readonly skipLocked: string;
  /** ms without a checkpoint after which a run is dead; null: whoever writes is alone, and all others are. */
  readonly deadAfterMs: number | null;
  /** Epoch ms at which what was before was lost; null: nothing was. */
  readonly lostBeforeMs: number | null;
  bytes(): Promise<number>;
  /** Gives room back. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** Of PostgreSQL's limit of 65,535 values in a statement, and SQLite's of 32,766. */
const ROWS_MAX = 500;

/** Rows replace those with the same key; of two with one key the last counts. */
export async function upsert(
  sql: SqlSession,
  table: string,
  { keys, columns }: { readonly keys: readonly string[]; readonly columns: readonly string[] },
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  const unique = [...new Map(rows.map((row) => [JSON.stringify(row.slice(0, keys.length)), row])).values()];
  const names = [...keys, ...columns];
  const changed = columns.map((name) => `${name} = excluded.${name}`).join(", ");
  const one = `(${names.map(() => "?").join(", ")})`;
  for (let at = 0; at < unique.length; at += ROWS_MAX) {
    const some = unique.slice(at, at + ROWS_MAX);
    const values = some.map(() => one).join(", ");
    await sql.run(
      `INSERT INTO ${table} (${names.join(", ")}) VALUES ${values} ON CONFLICT (${keys.join(", ")}) DO UPDATE SET ${changed}`,
      some.flat(),
    );
  }
}
