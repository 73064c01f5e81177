// The other side of checkpointThread.ts: moves what is in the write-ahead log into the file, again and again.
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";
import type { CheckpointWork } from "./checkpointThread.ts";

/** Files are dated by the clock of the system, which moves in steps. */
const CLOCK_STEP_MS = 20;

const { file, everyMs } = workerData as CheckpointWork;
const db = new DatabaseSync(file);
// As the store has it: what leaves the log must be in the file for good.
db.exec("PRAGMA synchronous = FULL");

setInterval(() => {
  const writtenMs = statSync(`${file}-wal`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // Once more after the last write: one that came during a checkpoint is not in it.
  if (Date.now() - writtenMs > 2 * everyMs + CLOCK_STEP_MS) return;
  // PASSIVE waits for nobody and nobody waits for it; what a reader still needs stays for the next time.
  db.exec("PRAGMA wal_checkpoint(PASSIVE)");
}, everyMs);
