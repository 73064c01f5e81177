// A folder that appears whole or not at all: made under another name beside it, then renamed.
import { copyFile, mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import path from "node:path";

/**
 * Calls `fill` with an empty folder, which is `dir` afterwards. `dir` must not exist, or be empty. When `fill` throws,
 * nothing is left. @throws Error when something is in `dir`, before or meanwhile; what `fill` throws
 */
export async function fillFolder<T>(dir: string, fill: (staged: string) => Promise<T>): Promise<T> {
  const target = path.resolve(dir);
  await requireEmpty(target);
  const staged = `${target}.unfinished-${process.pid}`;
  await mkdir(path.dirname(target), { recursive: true });
  await rm(staged, { recursive: true, force: true });
  await mkdir(staged, { mode: 0o700 });
  try {
    const value = await fill(staged);
    // Renaming replaces an empty folder on POSIX only; and it must still be empty.
    await rmdir(target).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    });
    await rename(staged, target);
    await sync(path.dirname(target));
    return value;
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    throw error;
  }
}

/** A copy that is on the disk, not only on its way there. */
export async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await sync(to);
}

async function requireEmpty(dir: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (names.length > 0)
    throw new Error(`${dir}: expected an empty directory, or none; it holds ${names.slice(0, 3).join(", ")}`);
}

async function sync(fileOrFolder: string): Promise<void> {
  const handle = await open(fileOrFolder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
