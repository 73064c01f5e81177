// Bodies that both ends make for themselves, so that no end has to believe the other.
import { createCipheriv, createHash } from "node:crypto";

const NO_IV = Buffer.alloc(16);

/** `size` bytes that look like noise and depend on `seed` alone. */
export function bytesOf(seed: number, size: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeDoubleLE(seed);
  return createCipheriv("aes-128-ctr", key, NO_IV).update(Buffer.alloc(size));
}

export const sha256 = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** mulberry32: the same numbers from the same seed, 0 … 1. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Cut somewhere, as networks do; never into more than `most` pieces. */
export function piecesOf(bytes: Buffer, random: () => number, most = 6): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  while (at < bytes.length && pieces.length < most - 1) {
    const end = at + 1 + Math.floor(random() * (bytes.length - at));
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at));
  return pieces;
}
