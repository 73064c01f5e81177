import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const SECRET_BYTES = 48;
/** Contract G7: a process refuses a shorter one. */
const SECRET_LENGTH_MIN = 32;

/** Writes a file that only its owner may read, also when it stood there with looser rights; nobody ever sees half of it. */
export function writePrivate(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  // One that was left there keeps its own rights.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

/** A secret that services share: `given` by the environment, else kept in `file`, so that tokens outlive a restart. */
export function readOrMakeSecret(file: string, given: string | undefined): string {
  if (given) return given;
  try {
    const kept = readFileSync(file, "utf8").trim();
    if (kept.length >= SECRET_LENGTH_MIN) return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  writePrivate(file, `${secret}\n`);
  return secret;
}
