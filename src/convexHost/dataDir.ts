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
  /** What Node made of the host's own sources: a third of the time of a start. */
  readonly compiled: string;
  /** Why the watchdog ended the last process. */
  readonly note: string;
}

export function dataPathsOf(dataDir: string): DataPaths {
  const dir = path.resolve(dataDir);
  const at = (name: string) => path.join(dir, name);
  return {
    dir,
    store: at("data.sqlite3"),
    files: at("files"),
    cache: at("cache"),
    compiled: at("compiled"),
    note: at("ended-by-watchdog"),
  };
}
