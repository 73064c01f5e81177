// Texts of one user until all of them are known: in memory while they are few, in a file of their own beyond.
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY_CHARS_MAX = 8 * 1_048_576;

/** Where a text is. */
export type Spooled = string | { readonly at: number; readonly bytes: number };

export interface Spool {
  put(text: string): Promise<Spooled>;
  get(spooled: Spooled): Promise<string>;
  /** Removes the file. */
  close(): Promise<void>;
}

export function createSpool(memoryCharsMax = MEMORY_CHARS_MAX): Spool {
  let chars = 0;
  let end = 0;
  let file: Promise<{ readonly handle: FileHandle; readonly dir: string }> | null = null;

  async function opened() {
    const dir = await mkdtemp(join(tmpdir(), "switchyard-rows-"));
    // Rows may hold password hashes.
    return { handle: await open(join(dir, "rows"), "wx+", 0o600), dir };
  }

  return {
    async put(text) {
      if (chars + text.length <= memoryCharsMax) {
        chars += text.length;
        return text;
      }
      const bytes = Buffer.from(text, "utf8");
      const at = end;
      end += bytes.length;
      file ??= opened();
      const { handle } = await file;
      await handle.write(bytes, 0, bytes.length, at);
      return { at, bytes: bytes.length };
    },
    async get(spooled) {
      if (typeof spooled === "string") return spooled;
      if (!file) throw new TypeError("the text is of another spool");
      const { handle } = await file;
      const buffer = Buffer.alloc(spooled.bytes);
      await handle.read(buffer, 0, spooled.bytes, spooled.at);
      return buffer.toString("utf8");
    },
    async close() {
      if (!file) return;
      const { handle, dir } = await file;
      await handle.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
