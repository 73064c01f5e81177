// One SQLite file: opened, checked, and moved aside when it is damaged (shadow §14), so that a new one can begin.
import { chmodSync, closeSync, existsSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EvidenceError } from "./evidenceError.ts";
import { SCHEMA_VERSION, schemaOf, SQLITE_TYPES } from "./sqlSchema.ts";
import { sqliteError } from "./sqliteErrors.ts";

/** Files up to this are read through when they are opened; of longer ones damage is found when it is met. */
export const CHECKED_BYTES_MAX = 64 * 1024 ** 2;
/** A writer waits so long for another; it waits with its whole thread. */
const BUSY_MS = 500;
/** A writer holds its lock for one checkpoint; nobody else waits with a reader. */
const READER_BUSY_MS = 5_000;
/** Damaged ones that are kept to be looked at. */
const ASIDE_MAX = 3;
const PARTS = ["", "-wal", "-shm"];

export interface FileUse {
  readonly isReader: boolean;
  /** All that is read is of the moment at which it was opened. */
  readonly isOneMoment?: boolean;
  /** It belongs to another process: it is neither begun nor moved aside, and not read through. */
  readonly isGuest?: boolean;
  readonly bytesMax: number;
}

/** @throws EvidenceError `broken`: damaged, `format`: of another version, `empty`: not its own, and nothing is in it */
export function openFile(file: string, use: FileUse): DatabaseSync {
  const { isReader, isOneMoment = false, isGuest = false } = use;
  let db: DatabaseSync | null = null;
  try {
    // Not through the umask, and before anything is in it.
    if (!isReader && !isGuest && !existsSync(file)) closeSync(openSync(file, "a", 0o600));
    db = new DatabaseSync(file, { readOnly: isReader, timeout: isReader ? READER_BUSY_MS : BUSY_MS });
    if (isOneMoment) db.exec("BEGIN");
    if (isReader) checkVersion(db, file);
    else prepare(db, file, use);
    return db;
  } catch (error) {
    try {
      db?.close();
    } catch {
      // What is known already says more.
    }
    throw sqliteError(error);
  }
}

function prepare(db: DatabaseSync, file: string, { isGuest = false, bytesMax }: FileUse): void {
  // A crash loses at most what the checkpoint interval allows anyway, so that no commit waits for the disk.
  db.exec("PRAGMA synchronous = NORMAL");
  // Rows that move or go leave nothing behind in the pages that are written anyway. https://sqlite.org/pragma.html#pragma_secure_delete
  db.exec("PRAGMA secure_delete = FAST");
  if (!isGuest) db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
  if (!isGuest && statSync(file).size <= CHECKED_BYTES_MAX) {
    const [found] = db.prepare("PRAGMA quick_check(1)").all();
    if (found?.["quick_check"] !== "ok") throw new EvidenceError("broken", { detail: String(found?.["quick_check"]) });
  }
  const { page_size: pageSize } = db.prepare("PRAGMA page_size").get() as { page_size: number };
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / pageSize))}`);
  if (!isGuest && versionOf(db) === 0) {
    chmodSync(file, 0o600);
    db.exec(`BEGIN IMMEDIATE; ${schemaOf(SQLITE_TYPES)} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  } else checkVersion(db, file);
}

const versionOf = (db: DatabaseSync): number =>
  (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;

function checkVersion(db: DatabaseSync, file: string): void {
  const found = versionOf(db);
  if (found === SCHEMA_VERSION) return;
  if (found === 0) throw new EvidenceError("empty", { detail: file });
  throw new EvidenceError("format", { detail: `${file} has format ${found}, expected ${SCHEMA_VERSION}` });
}

/** Gives where it is now. @throws EvidenceError when it cannot be moved */
export function moveAside(file: string, nowMs: number): string {
  const to = `${file}.broken-${new Date(nowMs).toISOString().replace(/[:.]/g, "-")}`;
  try {
    for (const part of PARTS) if (existsSync(file + part)) renameSync(file + part, to + part);
    const name = `${basename(file)}.broken-`;
    const aside = readdirSync(dirname(file)).filter((one) => one.startsWith(name) && one.endsWith("Z"));
    for (const old of aside.sort().slice(0, -ASIDE_MAX)) {
      for (const part of PARTS) rmSync(join(dirname(file), old + part), { force: true });
    }
  } catch (error) {
    throw sqliteError(error);
  }
  return to;
}
