// Stores a board's changes: merged for a moment, one write in flight, durable within a second (whiteboard-socket.md §3.5).
import * as Y from "yjs";
import { failureFields, type Log } from "../log.ts";
import type { BoardStorage } from "./storage.ts";

/** Merging longer makes fewer rows; other instances see an update after this and the write (embedded-convex.md §7). */
const MERGE_MS = 40;
const RETRY_MS = 500;
/** What waits while the store is down; beyond it the board is closed rather than memory filled. */
const WAITING_BYTES_MAX = 32 * 1_048_576;

export interface BoardWriter {
  add(bytes: Uint8Array): void;
  /** Resolves once everything added so far is stored. */
  flush(): Promise<void>;
  readonly isFailing: boolean;
}

export function createBoardWriter(storage: BoardStorage, doc: Y.Doc, log: Log, onOverflow: () => void): BoardWriter {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> | null = null;
  let isFailing = false;

  function take(): Uint8Array {
    const bytes = waiting.length === 1 && waiting[0] ? waiting[0] : Y.mergeUpdates(waiting);
    waiting = [];
    waitingBytes = 0;
    return bytes;
  }
  async function writeOnce(): Promise<void> {
    const bytes = take();
    try {
      await storage.append(bytes, doc);
      isFailing = false;
    } catch (error) {
      isFailing = true;
      waiting.unshift(bytes);
      waitingBytes += bytes.length;
      log.error("board write failed", failureFields(error));
    }
  }
  function schedule(ms: number): void {
    if (timer) return;
    timer = setTimeout(() => {
      timer = null;
      void write();
    }, ms);
  }
  function write(): Promise<void> {
    writing ??= writeOnce().finally(() => {
      writing = null;
      if (waiting.length > 0) schedule(isFailing ? RETRY_MS : MERGE_MS);
    });
    return writing;
  }
  return {
    add(bytes) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes > WAITING_BYTES_MAX && isFailing) onOverflow();
      schedule(isFailing ? RETRY_MS : MERGE_MS);
    },
    async flush() {
      if (timer) clearTimeout(timer);
      timer = null;
      for (let tries = 0; (waiting.length > 0 || writing) && tries < 8; tries += 1) {
        if (writing) await writing;
        else await write();
      }
      if (timer) clearTimeout(timer);
      timer = null;
    },
    get isFailing() {
      return isFailing;
    },
  };
}
