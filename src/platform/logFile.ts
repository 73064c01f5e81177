import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable } from "node:stream";

export const LOG_BYTES_MAX = 10 * 1024 * 1024;
const TAIL_BYTES = 4_096;

export interface LogFile {
  readonly path: string;
  /** Copies everything the stream says into the file. */
  take(stream: Readable): void;
  line(text: string): void;
  /** The last few kilobytes, for an error message. */
  tail(): string;
  /** Chunks that could not be written (disk full, folder removed). */
  readonly lost: number;
  close(): void;
}

/**
 * A bounded log: at `bytesMax` the file becomes `<path>.1`, replacing the one before, so a service that logs for days
 * keeps at most twice that. Writes are synchronous: nothing queues up in memory, and the last words before a crash stand.
 */
export function createLogFile(path: string, bytesMax = LOG_BYTES_MAX): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  const open = () => openSync(path, "a", 0o600);
  let fd: number | null = open();
  let size = fstatSync(fd).size;
  let tail = Buffer.alloc(0);
  let lost = 0;
  const rotate = (): void => {
    if (fd !== null) closeSync(fd);
    fd = null;
    renameSync(path, `${path}.1`);
    fd = open();
    size = 0;
  };
  const write = (chunk: Buffer): void => {
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    try {
      if (size > 0 && size + chunk.length > bytesMax) rotate();
      fd ??= open();
      size += writeSync(fd, chunk);
    } catch {
      lost += 1;
    }
  };
  return {
    path,
    take: (stream) => void stream.on("data", (chunk: Buffer) => write(chunk)),
    line: (text) => write(Buffer.from(`${text}\n`)),
    tail: () => tail.toString("utf8").trim(),
    get lost() {
      return lost;
    },
    close() {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}
