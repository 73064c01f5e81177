// The key that may do everything: one per data directory, in a file that only its owner reads (embedded-convex §3.7).
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";

const FILE_NAME = "admin-key";
const FORM = /^embedded\|[0-9a-f]{64}$/;

/**
 * The admin key of a data directory, made at first start: 256 random bits, mode 0600.
 * @throws Error when the file holds something else
 */
export function readAdminKey(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true });
  const file = path.join(dataDir, FILE_NAME);
  const stored = readIfThere(file) ?? makeKey(dataDir, file);
  const key = stored.trim();
  if (!FORM.test(key))
    throw new Error(`${file}: expected "embedded|" and 64 hex digits; remove the file for a new key`);
  // A copy or a restored backup may have widened it.
  chmodSync(file, 0o600);
  return key;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Under another name first: a crash must not leave half a key, and of two starts at once the first wins. */
function makeKey(dataDir: string, file: string): string {
  const draft = path.join(dataDir, `${FILE_NAME}.${randomBytes(8).toString("hex")}`);
  const descriptor = openSync(draft, "wx", 0o600);
  try {
    writeSync(descriptor, `embedded|${randomBytes(32).toString("hex")}\n`);
    fsyncSync(descriptor);
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    closeSync(descriptor);
    rmSync(draft);
  }
  return readFileSync(file, "utf8");
}

/** Compares in a time that tells nothing about where they differ, nor about the length. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (secret: string) => createHash("sha256").update(secret).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
