// Embeddings that place texts with common words near each other (contract services.md §13).
import { wordsOf } from "./words.ts";

const utf8 = new TextEncoder();

/** FNV-1a, 32 bits, over the UTF-8 bytes. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

const r6 = (x: number): number => Math.floor(x * 1e6 + 0.5) / 1e6;

/** Each word adds +1, or −1 when bit 31 of its hash is set, in bucket hash mod dimensions; normalised; zeros when empty. */
export function embed(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of wordsOf(text)) {
    const hash = fnv1a32(word);
    const bucket = hash % dimensions;
    vector[bucket] = (vector[bucket] ?? 0) + (hash >= 0x80000000 ? -1 : 1);
  }
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return norm === 0 ? vector : vector.map((x) => r6(x / norm));
}

/** The API's base64 form: little-endian 32-bit floats. */
export function asBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, x] of vector.entries()) bytes.writeFloatLE(x, i * 4);
  return bytes.toString("base64");
}
