import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { medianOf } from "./measurement.ts";

/** About what a small transaction appends to the log. */
const BYTES = Buffer.alloc(8_192, 1);
const WRITES = 100;

/** What the disk alone takes for a durable write: no durable answer can be faster. */
export async function diskWriteTime(dir: string): Promise<number> {
  const path = join(dir, "disk-write");
  const file = openSync(path, "w", 0o600);
  try {
    return await medianOf(WRITES, () => {
      writeSync(file, BYTES);
      fdatasyncSync(file);
      return Promise.resolve();
    });
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
