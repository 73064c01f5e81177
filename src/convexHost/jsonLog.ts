// The process's log: one JSON line per event on standard output, bounded when nobody reads it.
import { write } from "node:fs";
import type { HostLog } from "./functionHost.ts";

export interface JsonLog {
  readonly log: HostLog;
  /** Writes what waits, for at most a second. */
  flush(): Promise<void>;
}

const WAITING_CHARS_MAX = 4 * 1_024 * 1_024;
const BLOCK_CHARS = 65_536;
const RETRY_MS = 20;
const FLUSH_MS_MAX = 1_000;

/**
 * Lines wait while the reader of `fd` is slow; beyond `waitingMax` characters new ones are dropped, and how many is told as
 * soon as there is room again. Never throws, never blocks: a function that logs in a loop must not stop the host.
 */
export function createJsonLog(options: { fd?: number; waitingMax?: number; clock?: () => number } = {}): JsonLog {
  const { fd = 1, waitingMax = WAITING_CHARS_MAX, clock = Date.now } = options;
  // Touching it makes the descriptor non-blocking: a full pipe costs a retry, not a thread that never comes back.
  if (fd === 1) process.stdout.on("error", () => undefined);
  let waiting: string[] = [];
  let waitingChars = 0;
  let dropped = 0;
  let rest: Buffer | null = null;
  let isWriting = false;
  let isGone = false;
  let idle: (() => void)[] = [];

  const add = (event: string, fields: object): void => {
    const line = `${JSON.stringify({ timeMs: clock(), event, ...fields })}\n`;
    waiting.push(line);
    waitingChars += line.length;
  };
  const takeBlock = (): Buffer | null => {
    if (dropped > 0) {
      add("log.dropped", { lines: dropped });
      dropped = 0;
    }
    let count = 0;
    for (let chars = 0; count < waiting.length && chars < BLOCK_CHARS; count++) chars += waiting[count]?.length ?? 0;
    const block = waiting.slice(0, count).join("");
    waiting = waiting.slice(count);
    waitingChars -= block.length;
    return block === "" ? null : Buffer.from(block);
  };
  const next = (): void => {
    rest ??= takeBlock();
    if (rest === null || isGone) {
      isWriting = false;
      for (const tell of idle.splice(0)) tell();
      return;
    }
    isWriting = true;
    const block = rest;
    write(fd, block, (error, written) => {
      if (error?.code === "EAGAIN") return void setTimeout(next, RETRY_MS);
      // A closed pipe loses lines, never the process.
      if (error !== null) isGone = true;
      rest = written < block.length ? block.subarray(written) : null;
      next();
    });
  };

  return {
    log(event, fields) {
      if (isGone) return;
      if (waitingChars > waitingMax) {
        dropped += 1;
        return;
      }
      add(event, fields);
      if (!isWriting) next();
    },
    async flush() {
      if (!isWriting) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      idle.push(resolve);
      const deadline = setTimeout(() => {
        isGone = true;
        idle = [];
        resolve();
      }, FLUSH_MS_MAX);
      await promise;
      clearTimeout(deadline);
    },
  };
}
