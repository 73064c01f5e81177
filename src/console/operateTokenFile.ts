import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { TOKEN_BYTES_MIN } from "./tokens.ts";

export const OPERATE_TOKEN_FILE = "operate.token";

/**
 * The operate token of a loopback listener for which none is configured (ux.md §5): kept across restarts, 0600 in a
 * folder 0700 (security D5). A file that others may read, or that is too short, is replaced: it may have leaked.
 */
export async function ensureOperateToken(stateDir: string): Promise<{ readonly token: string; readonly file: string }> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await chmod(stateDir, 0o700);
  const file = join(stateDir, OPERATE_TOKEN_FILE);
  const known = await readPrivate(file);
  if (known !== null) return { token: known, file };
  const token = randomBytes(TOKEN_BYTES_MIN).toString("base64url");
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(`${token}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  return { token, file };
}

async function readPrivate(file: string): Promise<string | null> {
  try {
    const { mode } = await stat(file);
    const isPrivate = process.platform === "win32" || (mode & 0o077) === 0;
    const token = (await readFile(file, "utf8")).trim();
    return isPrivate && Buffer.byteLength(token) >= TOKEN_BYTES_MIN && /^\S+$/.test(token) ? token : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
