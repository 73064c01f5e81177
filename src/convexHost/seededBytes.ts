// Randomness that is the same for the same seed and cannot be guessed without it: functions make tokens of it, and a
// mutation that is run again must see the same (embedded-convex §3.5, §3.11).
import { createCipheriv, randomBytes } from "node:crypto";

export const SEED_BYTES = 32;
const NO_NONCE = Buffer.alloc(16);
const CHUNK = Buffer.alloc(256);

/** AES-256-CTR's key stream under `seed` (32 bytes; made when first asked for bytes, if it is left out). */
export function createSeededBytes(seed?: Uint8Array): (count: number) => Uint8Array<ArrayBuffer> {
  let cipher: ReturnType<typeof createCipheriv> | null = null;
  let left = Buffer.alloc(0);
  return (count) => {
    cipher ??= createCipheriv("aes-256-ctr", seed ?? randomBytes(SEED_BYTES), NO_NONCE);
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      if (left.length === 0) left = cipher.update(CHUNK);
      const taken = left.subarray(0, count - filled);
      bytes.set(taken, filled);
      left = left.subarray(taken.length);
      filled += taken.length;
    }
    return bytes;
  };
}
