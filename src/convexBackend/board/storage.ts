// A board's document in the store: snapshot parts plus the updates after them (embedded-convex.md §7 "Yjs storage").
import * as Y from "yjs";
import { api } from "../../../convex/_generated/api.js";
import type { Id } from "../../../convex/_generated/dataModel.js";
import type { Clock, Identity, Store } from "../ports.ts";

const PART_BYTES = 900_000;
/** Compaction: whichever comes first, so that loading stays short. */
const LOG_UPDATES_MAX = 500;
const LOG_BYTES_LEAST = 64 * 1_024;

export class BoardUnreadableError extends Error {
  override readonly name = "BoardUnreadableError";
}

/** Bytes of exactly this view: the store takes whole buffers. */
const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

export interface BoardStorage {
  /** Applies everything stored to the document; throws {@link BoardUnreadableError} rather than leave it empty. */
  load(doc: Y.Doc): Promise<void>;
  /** Appends one merged update; compacts from the document when the log has grown long. */
  append(update: Uint8Array, doc: Y.Doc): Promise<void>;
  /** Replaces the log by a snapshot, so that the next load is one read. */
  compact(doc: Y.Doc): Promise<void>;
}

interface Head {
  readonly board: Id<"boards">;
  generation: number;
  through: number;
  last: number;
  logUpdates: number;
  logBytes: number;
  snapshotBytes: number;
}

export function createBoardStorage(
  store: Store,
  clock: Clock,
  session: Id<"sessions">,
  identity: Identity,
): BoardStorage {
  let head: Head | null = null;

  async function readSnapshot(board: Id<"boards">, generation: number, parts: number): Promise<Uint8Array | null> {
    if (parts === 0) return null;
    const chunks: Uint8Array[] = [];
    for (let part = 0; part < parts; part += 1) {
      const bytes = await store.query(api.boards.part, { board, generation, part }, identity);
      if (!bytes) throw new BoardUnreadableError(`part ${part} of ${parts} is missing`);
      chunks.push(new Uint8Array(bytes));
    }
    return Buffer.concat(chunks);
  }

  function apply(doc: Y.Doc, bytes: Uint8Array): void {
    try {
      Y.applyUpdate(doc, bytes, "store");
    } catch (cause) {
      throw new BoardUnreadableError("a stored update cannot be applied", { cause });
    }
  }

  async function load(doc: Y.Doc): Promise<void> {
    const found = await store.query(api.boards.find, { session }, identity);
    if (found.status !== "found") return;
    const snapshot = await readSnapshot(found.board, found.generation, found.parts);
    if (snapshot) apply(doc, snapshot);
    const { board, generation, through } = found;
    head = {
      board,
      generation,
      through,
      last: through,
      logUpdates: 0,
      logBytes: 0,
      snapshotBytes: snapshot?.length ?? 0,
    };
    for (let hasMore = true; hasMore; ) {
      const page = await store.query(api.boards.updates, { board, after: head.last }, identity);
      for (const update of page.updates) {
        apply(doc, new Uint8Array(update));
        head.logUpdates += 1;
        head.logBytes += update.byteLength;
      }
      head.last = page.last;
      hasMore = page.hasMore;
    }
  }

  async function opened(): Promise<Head | null> {
    if (head) return head;
    const found = await store.mutation(api.boards.open, { session, now: clock.now() }, identity);
    if (found.status === "gone") return null;
    const { board, generation, through, nextSeq } = found;
    head = { board, generation, through, last: nextSeq - 1, logUpdates: 0, logBytes: 0, snapshotBytes: 0 };
    return head;
  }

  async function compact(doc: Y.Doc): Promise<void> {
    const current = await opened();
    if (!current || current.logUpdates === 0) return;
    // The document holds at least everything up to `last`: what it holds beyond that is appended again, harmlessly.
    const { board, last: through } = current;
    const generation = current.generation + 1;
    const state = Y.encodeStateAsUpdate(doc);
    const parts = Math.ceil(state.length / PART_BYTES);
    for (let part = 0; part < parts; part += 1) {
      const bytes = buffer(state.subarray(part * PART_BYTES, (part + 1) * PART_BYTES));
      const written = await store.mutation(api.boards.writePart, { board, generation, part, bytes }, identity);
      if (written.status !== "stored") return;
    }
    const now = clock.now();
    const done = await store.mutation(api.boards.commitSnapshot, { board, generation, parts, through, now }, identity);
    if (done.status !== "stored") return;
    Object.assign(current, { generation, through, logUpdates: 0, logBytes: 0, snapshotBytes: state.length });
  }

  return {
    load,
    compact,
    async append(update, doc) {
      const current = await opened();
      // The session was deleted: there is nothing left to keep the board for.
      if (!current) return;
      const args = { board: current.board, update: buffer(update), now: clock.now() };
      const stored = await store.mutation(api.boards.append, args, identity);
      if (stored.status === "gone") return;
      current.last = stored.seq;
      current.logUpdates += 1;
      current.logBytes += update.length;
      const isLong = current.logBytes > Math.max(LOG_BYTES_LEAST, 2 * current.snapshotBytes);
      if (current.logUpdates > LOG_UPDATES_MAX || isLong) await compact(doc);
    },
  };
}
