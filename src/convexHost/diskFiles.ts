// Blobs in one folder, each named after the id of its row in `_storage` (embedded-convex §3.2, §3.7). A blob is on disk before
// its row is, and leaves after its row did; what a crash leaves between the two has no row and is swept at the next start.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Value } from "convex/values";
import { tableNumberOf } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { createRemovals, DRAFT_SUFFIX, sweepOrphans } from "./orphanFiles.ts";
import type { CommitQueue, FileShelf, StoredFile, Transaction } from "./ports.ts";
import { createUploadTokens } from "./uploadTokens.ts";
import { type StoredDocument, TransportError } from "./words.ts";

const TABLE = "_storage";

export interface DiskFiles extends FileShelf {
  /** For a file of `component`, "" for the app. @throws Error when too many are open */
  issueUploadToken(component?: string): string;
  store(bytes: AsyncIterable<Uint8Array>, contentType: string | null, component?: string): Promise<string>;
  storeBytes(bytes: Uint8Array, contentType: string | null, component?: string): Promise<string>;
  /** As `storeBytes`, but the row is written by a mutation's own transaction, and the file goes if that rolls back. */
  storeInside(
    transaction: Transaction,
    component: string,
    bytes: Uint8Array,
    contentType: string | null,
  ): Promise<string>;
  /** null: not an id, or no such file (of that component, if one is named). */
  read(id: string, component?: string): Promise<FileContent | null>;
  /** As `read`, within a mutation's own transaction. */
  readInside(transaction: Transaction, component: string, id: string): Promise<FileContent | null>;
  /** Removes the blob once a COMMIT has removed its row; may be called before or after that, and keeps it on a rollback. */
  unlinkAfterCommit(id: string): void;
  /** Removes blobs without a row; for the start, before anything is stored. Gives their number. */
  sweepOrphans(): Promise<number>;
  /** When no removal is waiting any more. */
  settled(): Promise<void>;
}

export interface FileContent {
  readonly bytes: Buffer;
  readonly contentType: string | null;
}

export interface DiskFilesOptions {
  readonly dir: string;
  readonly queue: CommitQueue;
  /** Epoch ms. */
  readonly clock: () => number;
  /** Paths of all components, "" for the app; the app alone when left out. */
  readonly components?: () => readonly string[];
  readonly uploadBytesMax?: number;
}

interface Draft {
  readonly path: string;
  readonly size: number;
  readonly sha256Hex: string;
}

/** Makes the folder if there is none. */
export function createDiskFiles(options: DiskFilesOptions): DiskFiles {
  const { dir, queue, components = () => [""], uploadBytesMax = LIMITS.uploadBytes } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const tokens = createUploadTokens(options.clock);
  const pathOf = (id: string) => path.join(dir, id);
  const isRowThere = (transaction: Transaction, id: string) => rowOf(transaction, id, components()) !== null;
  const removals = createRemovals(dir, queue, isRowThere);

  const store = async (bytes: AsyncIterable<Uint8Array>, contentType: string | null, component = "") => {
    const draft = await writeDraft(dir, bytes, uploadBytesMax);
    let id: string | null = null;
    try {
      const insert = async (transaction: Transaction) => {
        id = insertRow(transaction, component, draft, contentType);
        await publish(dir, draft, pathOf(id));
        return id;
      };
      return (await queue.run(insert, true)).value;
    } catch (error) {
      await rm(draft.path, { force: true });
      if (id !== null) removals.add(id);
      throw error;
    }
  };

  const findInside = (transaction: Transaction, id: string, among: readonly string[]): StoredFile | null => {
    const row = rowOf(transaction, id, among);
    return row === null ? null : storedFile(row, pathOf(id));
  };
  const find = async (id: string, among: readonly string[]): Promise<StoredFile | null> => {
    if (tableNumberOf(id) === null) return null;
    return (await queue.run((transaction) => Promise.resolve(findInside(transaction, id, among)), false)).value;
  };

  return {
    issueUploadToken: (component = "") => tokens.issue(component),
    takeUploadToken: (token) => tokens.take(token),
    store,
    storeBytes: (bytes, contentType, component) => store(once(bytes), contentType, component),
    async storeInside(transaction, component, bytes, contentType) {
      const draft = await writeDraft(dir, once(bytes), uploadBytesMax);
      const id = insertRow(transaction, component, draft, contentType);
      removals.add(id);
      await publish(dir, draft, pathOf(id));
      return id;
    },
    find: (id) => find(id, components()),
    read: async (id, component) => contentOf(await find(id, component === undefined ? components() : [component])),
    readInside: (transaction, component, id) => contentOf(findInside(transaction, id, [component])),
    unlinkAfterCommit: removals.add,
    sweepOrphans: () => sweepOrphans(dir, queue, isRowThere),
    settled: removals.settled,
  };
}

function rowOf(transaction: Transaction, id: string, components: readonly string[]): StoredDocument | null {
  for (const component of components) {
    if (transaction.normalizeId(component, TABLE, id) === id) return transaction.get(component, TABLE, id);
  }
  return null;
}

function storedFile({ _id, sha256, size, contentType }: StoredDocument, filePath: string): StoredFile {
  if (typeof sha256 !== "string" || typeof size !== "number") {
    throw new Error(`row ${_id} of ${TABLE}: expected sha256 as text and size as number`);
  }
  return { path: filePath, size, sha256Hex: sha256, contentType: typeof contentType === "string" ? contentType : null };
}

/** null also for a file that was deleted since its row was read. */
async function contentOf(file: StoredFile | null): Promise<FileContent | null> {
  const bytes = file === null ? null : await readIfThere(file.path);
  return file === null || bytes === null ? null : { bytes, contentType: file.contentType };
}

function insertRow(transaction: Transaction, component: string, draft: Draft, contentType: string | null): string {
  const row: Record<string, Value> = { sha256: draft.sha256Hex, size: draft.size };
  if (contentType !== null) row["contentType"] = contentType;
  return transaction.insert(component, TABLE, row);
}

/** Streams to a file that no row names, and flushes it. @throws TransportError 413 beyond the limit, 507 on a full disk */
async function writeDraft(dir: string, bytes: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Draft> {
  const draftPath = path.join(dir, `${randomBytes(16).toString("hex")}${DRAFT_SUFFIX}`);
  const hash = createHash("sha256");
  let size = 0;
  const measured = async function* () {
    for await (const chunk of bytes) {
      size += chunk.length;
      if (size > bytesMax) throw new TransportError(413, "FileTooLarge", `A file has at most ${bytesMax} bytes`);
      hash.update(chunk);
      yield chunk;
    }
  };
  const handle = await open(draftPath, "wx", 0o600);
  try {
    await handle.writeFile(measured());
    await handle.sync();
  } catch (error) {
    await rm(draftPath, { force: true });
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    throw new TransportError(507, "DiskFull", "There is no space left for this file");
  } finally {
    await handle.close();
  }
  return { path: draftPath, size, sha256Hex: hash.digest("hex") };
}

/** Under its id, durably: the row that names it may be committed next. */
async function publish(dir: string, draft: Draft, finalPath: string): Promise<void> {
  await rename(draft.path, finalPath);
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readIfThere(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
