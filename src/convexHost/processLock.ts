// One process for one data directory (embedded-convex §3.2): a second SQLite file held in an open exclusive transaction.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Another process, or this one, already works on the directory. `main.ts` exits 4. */
export class DirectoryInUse extends Error {
  override readonly name = "DirectoryInUse";
  readonly directory: string;
  constructor(directory: string) {
    super(`the data directory ${directory} is in use by another process of the embedded host (Convex-compatible)`);
    this.directory = directory;
  }
}

export interface ProcessLock {
  release(): void;
}

const LOCK_FILE = "lock.sqlite3";
/** SQLITE_BUSY, in the low byte of what SQLite answers. */
const BUSY = 5;

/**
 * Takes `directory`, which exists, for this process. The system gives it back when the process ends, however it ends: a lock
 * file with a process id would outlive a SIGKILL. Nothing else may open the lock's file: closing it would drop the lock.
 * @throws DirectoryInUse; Error when the file cannot be made
 */
export function createProcessLock(directory: string): ProcessLock {
  const db = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    throw isBusy(error) ? new DirectoryInUse(directory) : error;
  }
  return {
    release() {
      if (db.isOpen) db.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? error.errcode : null;
  return typeof code === "number" && (code & 0xff) === BUSY;
}
