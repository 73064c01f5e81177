// Keeps the last bundle of a functions folder beside the files it was made of, and gives it again while none has changed.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** What a cached bundle depends on. */
export interface CacheKey {
  /** Says how it was made: another maker's bundle is not taken. */
  readonly maker: string;
  /** The folder it was made of, absolute. */
  readonly root: string;
}

interface Stored {
  readonly maker: string;
  /** SHA-256 of `content`: a torn file is not taken. */
  readonly contentHash: string;
  /** Absolute path and SHA-256 of every file that went into it. */
  readonly inputs: readonly (readonly [file: string, hash: string])[];
  readonly content: string;
}

export const sha256Hex = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const fileOf = (dir: string, root: string): string => path.join(dir, `bundle-${sha256Hex(root).slice(0, 16)}.json`);

/** The stored content, or null when there is none, a file it was made of has changed, or it is torn. Never throws. */
export function readCached(dir: string, key: CacheKey): string | null {
  try {
    const stored = JSON.parse(readFileSync(fileOf(dir, key.root), "utf8")) as Stored;
    if (stored.maker !== key.maker || sha256Hex(stored.content) !== stored.contentHash) return null;
    return stored.inputs.every(([file, hash]) => sha256Hex(readFileSync(file)) === hash) ? stored.content : null;
  } catch {
    return null;
  }
}

/** Stores `content` in place of what the folder's entry was; written whole or not at all. */
export function writeCached(dir: string, key: CacheKey, inputs: readonly string[], content: string): void {
  const stored: Stored = {
    maker: key.maker,
    contentHash: sha256Hex(content),
    inputs: inputs.map((file) => [file, sha256Hex(readFileSync(file))]),
    content,
  };
  mkdirSync(dir, { recursive: true });
  const file = fileOf(dir, key.root);
  const half = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(half, JSON.stringify(stored));
    renameSync(half, file);
  } finally {
    rmSync(half, { force: true });
  }
}
