// Blobs without a row: removed once the COMMIT of their row's removal is over, or swept at start (embedded-convex §3.2).
import { opendir, rm } from "node:fs/promises";
import path from "node:path";
import { tableNumberOf } from "./ids.ts";
import type { CommitQueue, Transaction } from "./ports.ts";

/** Behind the name of a file that is still being written. */
export const DRAFT_SUFFIX = ".part";
/** Rows looked up in one transaction, so that calls need not wait for all of a sweep. */
const ROWS_PER_TRANSACTION = 500;

type IsRowThere = (transaction: Transaction, id: string) => boolean;

export interface Removals {
  /** Looks for the row of `id` after the transaction under way, and unlinks the blob of `dir` if there is none. */
  add(id: string): void;
  /** When all that was added is done. */
  settled(): Promise<void>;
}

/** Names that are not ids are ignored: they must not become a path. */
export function createRemovals(dir: string, queue: CommitQueue, isRowThere: IsRowThere): Removals {
  const waiting = new Set<string>();
  let isWorking = false;
  let work = Promise.resolve();

  // A transaction that begins now runs after the one under way, and ends after the COMMIT of both.
  const removeWaiting = async () => {
    isWorking = true;
    while (waiting.size > 0) {
      const ids = [...waiting].slice(0, ROWS_PER_TRANSACTION);
      for (const id of ids) waiting.delete(id);
      // A failed COMMIT leaves the question open, a failed unlink the file: the sweep at the next start sees to both.
      const gone = await idsWithoutRow(queue, isRowThere, ids).catch(() => []);
      await Promise.allSettled(gone.map((id) => rm(path.join(dir, id), { force: true })));
    }
    isWorking = false;
  };

  return {
    add(id) {
      if (tableNumberOf(id) === null) return;
      waiting.add(id);
      if (!isWorking) work = removeWaiting();
    },
    settled: () => work,
  };
}

/** Files that are neither drafts nor named like an id are not ours, and stay. Gives the number removed. */
export async function sweepOrphans(dir: string, queue: CommitQueue, isRowThere: IsRowThere): Promise<number> {
  const orphans: string[] = [];
  const ids: string[] = [];
  for await (const entry of await opendir(dir)) {
    if (entry.name.endsWith(DRAFT_SUFFIX)) orphans.push(entry.name);
    else if (tableNumberOf(entry.name) !== null) ids.push(entry.name);
  }
  for (let from = 0; from < ids.length; from += ROWS_PER_TRANSACTION) {
    orphans.push(...(await idsWithoutRow(queue, isRowThere, ids.slice(from, from + ROWS_PER_TRANSACTION))));
  }
  for (const name of orphans) await rm(path.join(dir, name), { force: true });
  return orphans.length;
}

async function idsWithoutRow(
  queue: CommitQueue,
  isRowThere: IsRowThere,
  ids: readonly string[],
): Promise<readonly string[]> {
  const find = (transaction: Transaction) => Promise.resolve(ids.filter((id) => !isRowThere(transaction, id)));
  return (await queue.run(find, false)).value;
}
