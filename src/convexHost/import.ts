// The way in: a snapshot of an embedded host or of a Convex deployment, unzipped, into an empty data directory
// (embedded-convex §3.11).
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Table } from "./catalog.ts";
import { dataPathsOf } from "./dataDir.ts";
import { writeDocument } from "./documentRows.ts";
import { tableNumberOf } from "./ids.ts";
import { readLines } from "./lines.ts";
import { SYSTEM_TABLES } from "./schema.ts";
import {
  COMPONENTS_FOLDER,
  DOCUMENTS_FILE,
  IGNORED_FILES,
  isSnapshotName,
  parseDocumentLine,
  parseTableLine,
  type SnapshotSize,
  STORAGE_TABLE,
  type TableLine,
  TABLES_FOLDER,
} from "./snapshotLayout.ts";
import { createSqliteStore, type SqliteStore } from "./sqliteStore.ts";
import { copySynced, fillFolder } from "./stagedFolder.ts";
import type { StoredDocument } from "./words.ts";

interface ComponentFolder {
  readonly component: string;
  readonly dir: string;
  readonly tables: readonly TableLine[];
}

/**
 * Reads the snapshot in `snapshotDir` into `dataDir`, which must be empty or not there; ids and creation times stay. It is
 * all there afterwards, or nothing. Whether documents match the schema is seen at the next start.
 * @throws Error naming file and line, and what was expected there
 */
export async function importSnapshot(snapshotDir: string, dataDir: string): Promise<SnapshotSize> {
  const folders = await findComponents(path.resolve(snapshotDir), "");
  requireDistinctNumbers(folders);
  return fillFolder(dataDir, async (staged) => {
    const data = dataPathsOf(staged);
    await mkdir(data.files, { mode: 0o700 });
    const store = createSqliteStore(data.store, { clock: Date.now });
    try {
      return await readSnapshot(store, folders, data.files);
    } finally {
      store.close();
    }
  });
}

async function findComponents(dir: string, component: string): Promise<ComponentFolder[]> {
  const tables = await readTables(dir);
  const entries = (await readdir(dir)).filter((name) => !IGNORED_FILES.includes(name));
  const unknown = entries.find((name) => !name.startsWith("_") && !tables.some((table) => table.name === name));
  if (unknown !== undefined) {
    throw new Error(`${path.join(dir, unknown)}: expected only tables that ${TABLES_FOLDER}/${DOCUMENTS_FILE} names`);
  }
  const found: ComponentFolder[] = [{ component, dir, tables }];
  if (!entries.includes(COMPONENTS_FOLDER)) return found;
  for (const name of await readdir(path.join(dir, COMPONENTS_FOLDER))) {
    if (IGNORED_FILES.includes(name)) continue;
    const child = path.join(dir, COMPONENTS_FOLDER, name);
    if (!isSnapshotName(name)) throw new Error(`${child}: expected the name of a component`);
    found.push(...(await findComponents(child, component === "" ? name : `${component}/${name}`)));
  }
  return found;
}

async function readTables(dir: string): Promise<readonly TableLine[]> {
  const tables: TableLine[] = [];
  await eachLine(path.join(dir, TABLES_FOLDER, DOCUMENTS_FILE), (line) => {
    const table = parseTableLine(line);
    if (table !== null) tables.push(table);
  });
  if (tables.some(({ name }) => name === STORAGE_TABLE)) return tables;
  // Exports of Convex need not name it; its rows do.
  const files = path.join(dir, STORAGE_TABLE, DOCUMENTS_FILE);
  for await (const line of existsSync(files) ? readLines(files) : []) {
    const { _id: id } = JSON.parse(line) as { _id?: unknown };
    const number = typeof id === "string" ? tableNumberOf(id) : null;
    if (number === null) throw new Error(`${files}:1: _id: expected an id, got ${JSON.stringify(id)}`);
    return [...tables, { name: STORAGE_TABLE, id: number }];
  }
  return tables;
}

/** An id says the number of its table and nothing of its component, so no number may be there twice. */
function requireDistinctNumbers(folders: readonly ComponentFolder[]): void {
  const seen = new Map<number, string>();
  for (const { component, tables } of folders) {
    for (const { name, id } of tables) {
      const here = component === "" ? name : `${component}/${name}`;
      const other = seen.get(id);
      if (other !== undefined)
        throw new Error(`tables ${other} and ${here} both have the number ${id}: expected one each`);
      seen.set(id, here);
    }
  }
}

async function readSnapshot(
  store: SqliteStore,
  folders: readonly ComponentFolder[],
  filesDir: string,
): Promise<SnapshotSize> {
  const size = { tables: 0, documents: 0, files: 0 };
  store.begin(true);
  const tables = declareTables(store, folders);
  let newestMs = 0;
  for (const { table, dir } of tables) {
    const isStorage = table.name === STORAGE_TABLE;
    const blobs = isStorage ? await blobsIn(path.join(dir, STORAGE_TABLE)) : new Map<string, string>();
    const write = async (line: string): Promise<void> => {
      const after = parseDocumentLine(line, table.number);
      const { _id: id, _creationTime: creationTime } = after.document;
      newestMs = Math.max(newestMs, creationTime);
      writeDocument(store.sql, { table, id, before: null, after }, () => undefined);
      if (isStorage) await copyBlob(after.document, blobs, filesDir);
      size[isStorage ? "files" : "documents"] += 1;
    };
    if (!isStorage) size.tables += 1;
    await eachLine(path.join(dir, table.name, DOCUMENTS_FILE), write);
  }
  store.takeTs(Date.now());
  // Later documents are newer than all of these.
  store.takeCreationTime(newestMs);
  store.commit();
  return size;
}

/** Gives the tables the numbers that their ids contain; system tables, which are empty, make way. */
function declareTables(
  store: SqliteStore,
  folders: readonly ComponentFolder[],
): readonly { readonly table: Table; readonly dir: string }[] {
  const { catalog, sql } = store;
  sql("DELETE FROM indexes").run();
  sql("DELETE FROM tables").run();
  catalog.load();
  const declared = folders.flatMap(({ component, dir, tables }) =>
    tables.map(({ name, id }) => ({ table: catalog.declare(component, name, id), dir })),
  );
  for (const { component } of folders) {
    for (const { name } of SYSTEM_TABLES) {
      if (catalog.find(component, name) === undefined) catalog.declare(component, name);
    }
  }
  return declared;
}

/** The names of the files in a `_storage` folder by id: Convex's exports add an extension. */
async function blobsIn(dir: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(dir);
  return new Map(names.map((name) => [name.split(".", 1)[0] ?? name, path.join(dir, name)]));
}

/** @throws Error when the file is missing or is not what its row says */
async function copyBlob(row: StoredDocument, blobs: ReadonlyMap<string, string>, to: string): Promise<void> {
  const source = blobs.get(row._id);
  if (source === undefined) throw new Error(`expected a file ${row._id} beside it`);
  const { size } = await stat(source);
  if (size !== row["size"]) throw new Error(`${source}: expected ${JSON.stringify(row["size"])} bytes, got ${size}`);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(source)) hash.update(chunk as Buffer);
  const digest = hash.digest();
  if (digest.toString("hex") !== row["sha256"] && digest.toString("base64") !== row["sha256"]) {
    throw new Error(`${source}: its SHA-256 is not ${JSON.stringify(row["sha256"])}`);
  }
  await copySynced(source, path.join(to, row._id));
}

/** @throws Error naming file and line */
async function eachLine(file: string, take: (line: string) => void | Promise<void>): Promise<void> {
  let at = 0;
  for await (const line of readLines(file)) {
    at += 1;
    if (line.trim() === "") continue;
    try {
      await take(line);
    } catch (error) {
      throw new Error(`${file}:${at}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}
