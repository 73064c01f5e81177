// Ends a process whose event loop is stuck (embedded-convex §3.2): a loop without syscalls cannot be stopped from within, so
// a thread watches, and SQLite rolls back what was open. The supervisor starts the host again.
import { readFileSync, rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { CALL_BYTES_MAX, CELL_COUNT, CELLS, type WatchdogNote, type WatchdogWork } from "./watchdogWords.ts";

const LIMIT_MS = 5_000;
const STEPS_PER_LIMIT = 20;

export interface Watchdog {
  /** For long work of the host's own, such as building an index: the process is not ended meanwhile. */
  pauseDuring<T>(work: () => T): T;
  /** A query or mutation runs from here on, until `end`; the note names it. One at a time. */
  begin(call: string): void;
  end(): void;
  stop(): Promise<void>;
}

/**
 * Begins to watch the event loop of this thread. `noteFile` is where the reason is left for the next start (`takeNote`): what
 * is killed cannot say why. `limitMs` is for tests.
 */
export function startWatchdog(options: { noteFile: string; limitMs?: number }): Watchdog {
  const { noteFile, limitMs = LIMIT_MS } = options;
  const cells = new Int32Array(new SharedArrayBuffer(CELL_COUNT * Int32Array.BYTES_PER_ELEMENT));
  const call = new Uint8Array(new SharedArrayBuffer(CALL_BYTES_MAX));
  const callText = Buffer.from(call.buffer);
  const stepMs = limitMs / STEPS_PER_LIMIT;
  const workerData: WatchdogWork = { cells, call, limitMs, stepMs, noteFile };
  // The process's own flags (`--eval`, `--inspect`) are not meant for the thread.
  const worker = new Worker(new URL("./watchdogWorker.ts", import.meta.url), { workerData, execArgv: [] });
  worker.unref();
  // A timer, so that endless chains of promises count as stuck too.
  const beat = setInterval(() => Atomics.add(cells, CELLS.beat, 1), stepMs);
  beat.unref();
  return {
    pauseDuring(work) {
      Atomics.add(cells, CELLS.pauses, 1);
      try {
        return work();
      } finally {
        Atomics.add(cells, CELLS.beat, 1);
        Atomics.sub(cells, CELLS.pauses, 1);
      }
    },
    begin(name) {
      Atomics.store(cells, CELLS.callBytes, callText.write(name));
    },
    end() {
      Atomics.store(cells, CELLS.callBytes, 0);
    },
    async stop() {
      clearInterval(beat);
      Atomics.store(cells, CELLS.stopped, 1);
      Atomics.notify(cells, CELLS.stopped);
      await worker.terminate();
    },
  };
}

/** Why the watchdog ended the process before this one; null if it did not. Told once. */
export function takeNote(noteFile: string): WatchdogNote | null {
  try {
    const note = readFileSync(noteFile, "utf8");
    rmSync(noteFile);
    return parseNote(note);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function parseNote(text: string): WatchdogNote {
  try {
    return JSON.parse(text) as WatchdogNote;
  } catch {
    // Torn, or of an earlier version: a line of text.
    return { message: text, call: null };
  }
}
