import { chmodSync, existsSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Arm, SeatKey, Subject, UnitId } from "../kernel/index.ts";
import type { ContinuityState, CopyRun, DirectionState, SeatState } from "./ports.ts";

const FORMAT = 1;
const TABLES = `
  CREATE TABLE IF NOT EXISTS directions(arm TEXT PRIMARY KEY, cursor INTEGER NOT NULL, is_whole INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS copies(arm TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY(arm, subject)) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS copy_runs(
    arm TEXT PRIMARY KEY, started_at_ms INTEGER NOT NULL, through TEXT, done INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS candidate_seats(unit TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY(unit, subject)) WITHOUT ROWID, STRICT;`;

/**
 * Cursors, copied subjects, runs of copies and seats in one file of its own, readable by its owner only: subjects stand in it.
 * @throws Error when the file cannot be opened, or is of another version
 */
export function openContinuityState(file: string): ContinuityState & SeatState {
  const isNew = !existsSync(file);
  const db = new DatabaseSync(file);
  if (isNew) chmodSync(file, 0o600);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found !== 0 && found !== FORMAT) {
    db.close();
    throw new Error(`${file} has format ${found}, expected ${FORMAT}: it is of another version of switchyard`);
  }
  db.exec(`BEGIN; PRAGMA user_version = ${FORMAT}; ${TABLES} COMMIT`);
  return new SqliteState(db);
}

class SqliteState implements ContinuityState, SeatState {
  readonly #db: DatabaseSync;
  /** Asked for the first call of every subject. */
  readonly #seat: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#seat = db.prepare("SELECT 1 FROM candidate_seats WHERE unit = ? AND subject = ?");
  }

  direction(from: Arm): DirectionState {
    const row = this.#db.prepare("SELECT cursor, is_whole FROM directions WHERE arm = ?").get(from);
    if (row === undefined) return { cursor: 0, isWhole: false };
    return { cursor: Number(row["cursor"]), isWhole: row["is_whole"] === 1 };
  }

  saveDirection(from: Arm, { cursor, isWhole }: DirectionState): void {
    this.#db.prepare("INSERT OR REPLACE INTO directions VALUES(?, ?, ?)").run(from, cursor, isWhole ? 1 : 0);
  }

  isCopied(subject: Subject, from: Arm): boolean {
    return this.#db.prepare("SELECT 1 FROM copies WHERE arm = ? AND subject = ?").get(from, subject) !== undefined;
  }

  markCopied(subject: Subject, from: Arm): void {
    this.#db.prepare("INSERT OR IGNORE INTO copies VALUES(?, ?)").run(from, subject);
  }

  copyRun(from: Arm): CopyRun | null {
    const row = this.#db.prepare("SELECT started_at_ms, through, done FROM copy_runs WHERE arm = ?").get(from);
    if (row === undefined) return null;
    const through = row["through"] === null ? null : String(row["through"]);
    return { from, startedAtMs: Number(row["started_at_ms"]), through, done: Number(row["done"]) };
  }

  saveCopyRun({ from, startedAtMs, through, done }: CopyRun): void {
    this.#db.prepare("INSERT OR REPLACE INTO copy_runs VALUES(?, ?, ?, ?)").run(from, startedAtMs, through, done);
  }

  /** The copies made one by one are part of the whole from now on. */
  endCopyRun(from: Arm): void {
    this.#db.prepare("DELETE FROM copy_runs WHERE arm = ?").run(from);
    this.#db.prepare("DELETE FROM copies WHERE arm = ?").run(from);
  }

  seat({ unit, subject }: SeatKey): Arm {
    return this.#seat.get(unit, subject) === undefined ? "control" : "candidate";
  }

  saveSeat({ unit, subject }: SeatKey, arm: Arm): void {
    const change =
      arm === "candidate"
        ? "INSERT OR IGNORE INTO candidate_seats VALUES(?, ?)"
        : "DELETE FROM candidate_seats WHERE unit = ? AND subject = ?";
    this.#db.prepare(change).run(unit, subject);
  }

  guests(): ReadonlyMap<UnitId, number> {
    const rows = this.#db.prepare("SELECT unit, COUNT(*) AS subjects FROM candidate_seats GROUP BY unit").all();
    return new Map(rows.map((row) => [String(row["unit"]), Number(row["subjects"])]));
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
