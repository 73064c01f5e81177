// Random bytes of the system, asked for many at a time: a request of its own for each costs more than what it is for.
import { randomFillSync } from "node:crypto";

const POOL_BYTES = 4_096;
const pool = new Uint8Array(POOL_BYTES);
let taken = POOL_BYTES;

/** `count` bytes that nobody had before. They are gone from the pool: who reads the memory later does not find them. */
export function takeRandom(count: number): Uint8Array<ArrayBuffer> {
  if (count > POOL_BYTES) return randomFillSync(new Uint8Array(count));
  if (taken + count > POOL_BYTES) {
    randomFillSync(pool);
    taken = 0;
  }
  const bytes = pool.slice(taken, taken + count);
  pool.fill(0, taken, taken + count);
  taken += count;
  return bytes;
}
