import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../cli/index.ts";
import { EXIT } from "../kernel/index.ts";

const SUBJECT_KEY_BYTES = 32;

/** null: there is none yet, or what is there is no key; hashes made with it would name their subjects. */
function readKey(file: string): Uint8Array | null {
  try {
    const key = readFileSync(file);
    return key.length === SUBJECT_KEY_BYTES ? key : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** The key of the subjects' hash, made once per installation (security D2), readable by its owner only (D5). */
export function ownSubjectKey(stateDir: string): Uint8Array {
  const file = join(stateDir, "subject.key");
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const known = readKey(file);
    if (known !== null) return known;
    const key = randomBytes(SUBJECT_KEY_BYTES);
    // Whole or not at all: half a key would be taken for a key at the next start.
    writeFileSync(`${file}.new`, key, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return key;
  } catch (error) {
    throw new StartError(
      `stateDir: ${stateDir} cannot be used; it must be a folder this user may write`,
      EXIT.unreachable,
      {
        cause: error,
      },
    );
  }
}
