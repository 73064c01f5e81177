// The way out of the embedded host: a snapshot in a folder (embedded-convex §3.11).
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import type { Table } from "./catalog.ts";
import { dataPathsOf } from "./dataDir.ts";
import { countDocuments, walkDocuments } from "./documentRows.ts";
import { createProcessLock } from "./processLock.ts";
import {
  DOCUMENTS_FILE,
  foldersOfComponent,
  README,
  type SnapshotSize,
  STORAGE_TABLE,
  TABLES_FOLDER,
} from "./snapshotLayout.ts";
import { createSqliteStore, type SqliteStore } from "./sqliteStore.ts";
import { copySynced, fillFolder } from "./stagedFolder.ts";

export interface ExportResult extends SnapshotSize {
  /** Scheduled functions that have not run: they are not part of a snapshot. */
  readonly jobsLeftOut: number;
}

/** Written at a time. */
const CHUNK_CHARS = 1_000_000;

/**
 * Writes all documents and files of `dataDir` to `snapshotDir`, which must be empty or not there. The host must not run on
 * the directory meanwhile: so everything is of one moment.
 * @throws DirectoryInUse; Error when there is no data, or a file is missing
 */
export async function exportSnapshot(dataDir: string, snapshotDir: string): Promise<ExportResult> {
  const data = dataPathsOf(dataDir);
  const file = await open(data.store, "r").catch(() => {
    throw new Error(
      `${data.dir}: expected the data directory of an embedded host; there is no ${path.basename(data.store)}`,
    );
  });
  await file.close();
  const lock = createProcessLock(data.dir);
  try {
    const store = createSqliteStore(data.store, { clock: Date.now });
    try {
      return await fillFolder(snapshotDir, (staged) => writeSnapshot(store, data.files, staged));
    } finally {
      store.close();
    }
  } finally {
    lock.release();
  }
}

async function writeSnapshot(store: SqliteStore, filesDir: string, root: string): Promise<ExportResult> {
  const tables = store.catalog.all().filter(({ name }) => !name.startsWith("_") || name === STORAGE_TABLE);
  const size = { tables: 0, documents: 0, files: 0 };
  await writeText(path.join(root, "README.md"), [README]);
  for (const [component, ofComponent] of Map.groupBy(tables, (table) => table.component)) {
    const folder = path.join(root, ...foldersOfComponent(component));
    await mkdir(path.join(folder, TABLES_FOLDER), { recursive: true });
    const lines = ofComponent.map(({ name, number }) => `${JSON.stringify({ name, id: number })}\n`);
    await writeText(path.join(folder, TABLES_FOLDER, DOCUMENTS_FILE), lines);
    for (const table of ofComponent) {
      const count = await writeTable(store, table, folder);
      if (table.name === STORAGE_TABLE) {
        size.files += await copyBlobs(store, table, filesDir, path.join(folder, STORAGE_TABLE));
      } else {
        size.tables += 1;
        size.documents += count;
      }
    }
  }
  return { ...size, jobsLeftOut: countJobs(store) };
}

async function writeTable(store: SqliteStore, table: Table, folder: string): Promise<number> {
  const dir = path.join(folder, table.name);
  await mkdir(dir);
  let count = 0;
  const lines = function* () {
    for (const { json } of walkDocuments(store.sql, table)) {
      count += 1;
      yield `${json}\n`;
    }
  };
  await writeText(path.join(dir, DOCUMENTS_FILE), lines());
  return count;
}

async function copyBlobs(store: SqliteStore, table: Table, from: string, to: string): Promise<number> {
  let count = 0;
  for (const { id } of walkDocuments(store.sql, table)) {
    await copySynced(path.join(from, id), path.join(to, id));
    count += 1;
  }
  return count;
}

function countJobs(store: SqliteStore): number {
  const tables = store.catalog.all().filter(({ name }) => name === "_scheduled_functions");
  let count = 0;
  for (const table of tables) {
    if (countDocuments(store.sql, table) === 0) continue;
    for (const { json } of walkDocuments(store.sql, table)) {
      const { state } = JSON.parse(json) as { state?: { kind?: string } };
      if (state?.kind === "pending") count += 1;
    }
  }
  return count;
}

/** Whole on the disk before the folder gets its name. */
async function writeText(file: string, lines: Iterable<string>): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    let chunk = "";
    for (const line of lines) {
      chunk += line;
      if (chunk.length < CHUNK_CHARS) continue;
      await handle.write(chunk);
      chunk = "";
    }
    await handle.write(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
