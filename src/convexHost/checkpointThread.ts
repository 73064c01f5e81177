// Moves the write-ahead log into the file beside the transactions: done in a COMMIT it would hold up every call for the time
// that thousands of pages take to reach the disk (embedded-convex §3.2).
import { Worker } from "node:worker_threads";

const EVERY_MS = 1_000;

export interface CheckpointWork {
  readonly file: string;
  readonly everyMs: number;
}

export interface CheckpointThread {
  /** Before the store is closed, which moves what is left. */
  stop(): Promise<void>;
}

/** `onEnded` is told when the thread has failed: then SQLite does it within COMMITs, at the store's own bound. */
export function startCheckpoints(
  file: string,
  onEnded: (reason: string) => void,
  everyMs: number = EVERY_MS,
): CheckpointThread {
  const workerData: CheckpointWork = { file, everyMs };
  // The process's own flags (`--eval`, `--inspect`) are not meant for the thread.
  const worker = new Worker(new URL("./checkpointWorker.ts", import.meta.url), { workerData, execArgv: [] });
  worker.unref();
  worker.on("error", (error) => onEnded(error instanceof Error ? error.message : String(error)));
  return { stop: async () => void (await worker.terminate()) };
}
