// What lies where in a data directory.
import path from "node:path";

export interface DataPaths {
  readonly dir: string;
  /** The SQLite file. */
  readonly store: string;
  /** Blobs, each named after its id. */
  readonly files: string;
  /** What can be made again: the last bundle. */
  readonly cache: string;
  /** Why the watchdog ended the last process. */
  readonly note: string;
}

export function dataPathsOf(dataDir: string): DataPaths {
  const dir = path.resolve(dataDir);
  const at = (name: string) => path.join(dir, name);
  return { dir, store: at("data.sqlite3"), files: at("files"), cache: at("cache"), note: at("ended-by-watchdog") };
}
