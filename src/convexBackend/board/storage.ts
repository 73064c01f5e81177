// A board's document in the store: snapshot parts plus the updates after them (embedded-convex.md §7 "Yjs storage").
import * as Y from "yjs";
import { api } from "../../../convex/_generated/api.js";
import type { Id } from "../../../convex/_generated/dataModel.js";
import type { Clock, Identity, Store } from "../ports.ts";

const PART_BYTES = 900_000;
/** Compaction: whichever comes first, so that loading stays short. */
const LOG_UPDATES_MAX = 500;
const LOG_BYTES_LEAST = 64 * 1_024;
/** A board that nobody has open keeps a log of so many. */
const TIDY_UPDATES_MAX = 50;
/** A snapshot that is replaced while it is read is read again. */
const SNAPSHOT_TRIES = 5;

export class BoardUnreadableError extends Error {
  override readonly name = "BoardUnreadableError";
}

/** Bytes of exactly this view: the store takes whole buffers. */
const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** A few at a time: the next is on its way while one is worked on, and a large board does not fill the queues. */
async function inFours<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let i = 0; i < count; i += 4) {
    made.push(...(await Promise.all(Array.from({ length: Math.min(4, count - i) }, (_, k) => make(i + k)))));
  }
  return made;
}

type Apply = (update: Uint8Array) => void;
/** The whole document as one update. */
export type Encode = () => Uint8Array | Promise<Uint8Array>;

export interface BoardStorage {
  /** Applies everything stored to the document; throws {@link BoardUnreadableError} rather than leave it empty. */
  load(doc: Y.Doc): Promise<void>;
  /**
   * Hands over what other instances have stored, up to `seq` at least, in their order, once each.
   * @throws BoardUnreadableError
   */
  follow(seq: number, apply: Apply): Promise<void>;
  /** Appends one merged update; compacts from the document when the log has grown long. */
  append(update: Uint8Array, doc: Y.Doc): Promise<void>;
  /** Hands over everything stored, as updates in their order; after a snapshot that was replaced meanwhile, anew. */
  read(apply: Apply): Promise<void>;
  /** Hands over what others have appended since, or everything again where the log no longer tells. */
  readOn(apply: Apply): Promise<void>;
  /**
   * Hands over what was stored up to `seq` and nothing later. False: a snapshot holds later updates too, and so does what
   * was handed over.
   */
  readThrough(seq: number, apply: Apply): Promise<boolean>;
  /** Whether the session is still there. */
  isThere(): Promise<boolean>;
  /**
   * Appends through `write`, which must store nothing once others have appended behind what was loaded; without an update
   * it only hears where the board is. `encode` gives the document with the update.
   */
  appendThrough<T>(
    update: Uint8Array | null,
    encode: Encode,
    write: (to: AppendPlace) => Promise<T>,
  ): Promise<T | null>;
  /** After the last socket: replaces a log by a snapshot that would make the next load slow. */
  tidy(encode: Encode): Promise<void>;
}

export interface AppendPlace {
  readonly board: Id<"boards">;
  /** The newest update that was loaded. */
  readonly after: number;
  readonly update?: ArrayBuffer;
}

interface Head {
  readonly board: Id<"boards">;
  through: number;
  /** Everything up to it is in the document. */
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
  /** Appended by ourselves, beyond what others have appended and we have not seen yet. */
  const own = new Set<number>();

  async function readSnapshot(board: Id<"boards">, generation: number, parts: number): Promise<Uint8Array | null> {
    if (parts === 0) return null;
    const chunks = await inFours(parts, async (part) => {
      const bytes = await store.query(api.boards.part, { board, generation, part }, identity);
      if (!bytes) throw new BoardUnreadableError(`part ${part} of ${parts} is missing`);
      return new Uint8Array(bytes);
    });
    return Buffer.concat(chunks);
  }

  /** The snapshot, without the log behind it. Another instance may replace it while its parts are read. */
  async function takeSnapshot(apply: Apply): Promise<Head | null> {
    for (let tries = 1; ; tries += 1) {
      const found = await store.query(api.boards.find, { session }, identity);
      if (found.status !== "found") return null;
      const { board, generation, through, parts } = found;
      try {
        const snapshot = await readSnapshot(board, generation, parts);
        if (snapshot) apply(snapshot);
        const snapshotBytes = snapshot?.length ?? 0;
        return { board, through, last: through, logUpdates: 0, logBytes: 0, snapshotBytes };
      } catch (error) {
        if (!(error instanceof BoardUnreadableError) || tries >= SNAPSHOT_TRIES) throw error;
      }
    }
  }

  function advance(current: Head, seq: number): void {
    current.last = seq;
    while (own.delete(current.last + 1)) current.last += 1;
  }

  /**
   * Reads on until nothing is missing. False when the log does not hold what comes next: it went into a snapshot, or was
   * too large for a row and stands in one (`isAfterSnapshot`: in the one just read).
   */
  async function readLog(
    current: Head,
    apply: Apply,
    isAfterSnapshot = false,
    through = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    for (let hasMore = true; hasMore; ) {
      const page = await store.query(api.boards.updates, { board: current.board, after: current.last }, identity);
      for (const { seq, update } of page.updates) {
        if (seq <= current.last) continue;
        if (seq > through) return true;
        if (seq !== current.last + 1) return false;
        if (update.byteLength > 0) apply(new Uint8Array(update));
        else if (!isAfterSnapshot) return false;
        current.logUpdates += 1;
        current.logBytes += update.byteLength;
        advance(current, seq);
      }
      ({ hasMore } = page);
    }
    return true;
  }

  const intoDocument = (doc: Y.Doc) => (update: Uint8Array) => {
    try {
      Y.applyUpdate(doc, update, "store");
    } catch (cause) {
      throw new BoardUnreadableError("a stored update cannot be applied", { cause });
    }
  };

  async function readAll(apply: Apply): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const taken = await takeSnapshot(apply);
      if (!taken || (await readLog(taken, apply, true))) {
        head = taken;
        for (const seq of own) if (!taken || seq <= taken.last) own.delete(seq);
        return;
      }
      if (tries >= SNAPSHOT_TRIES) throw new BoardUnreadableError("updates are missing");
    }
  }

  async function readThrough(seq: number, apply: Apply): Promise<boolean> {
    for (let tries = 1; ; tries += 1) {
      const taken = await takeSnapshot(apply);
      if (!taken) return false;
      if (await readLog(taken, apply, true, seq)) return taken.through <= seq && taken.last >= seq;
      if (tries >= SNAPSHOT_TRIES) throw new BoardUnreadableError("updates are missing");
    }
  }

  async function opened(): Promise<Head | null> {
    if (head) return head;
    const found = await store.mutation(api.boards.open, { session, now: clock.now() }, identity);
    if (found.status === "gone") return null;
    // What others have stored since the load is followed like anything else of theirs.
    const { board, through } = found;
    head = { board, through, last: 0, logUpdates: 0, logBytes: 0, snapshotBytes: 0 };
    return head;
  }

  async function writeSnapshot(current: Head, encode: Encode): Promise<"stored" | "stale" | "gone"> {
    // The document holds at least everything up to `last`: what it holds beyond that is appended again, harmlessly.
    const { board, last: through } = current;
    const state = await encode();
    const drafted = await store.mutation(api.boards.draft, { board }, identity);
    if (drafted.status === "gone") return "gone";
    const { generation } = drafted;
    const parts = Math.ceil(state.length / PART_BYTES);
    const written = await inFours(parts, (part) => {
      const bytes = buffer(state.subarray(part * PART_BYTES, (part + 1) * PART_BYTES));
      return store.mutation(api.boards.writePart, { board, generation, part, bytes }, identity);
    });
    const refused = written.find(({ status }) => status !== "stored");
    if (refused) return refused.status;
    const done = await store.mutation(api.boards.commitSnapshot, { board, generation, parts, through }, identity);
    // Stale: another instance was faster; the next one is tried when the log has grown again.
    if (done.status !== "stored") return done.status;
    Object.assign(current, { through, logUpdates: 0, logBytes: 0, snapshotBytes: state.length });
    return "stored";
  }

  async function follow(seq: number, apply: Apply): Promise<void> {
    const current = await opened();
    if (!current || current.last >= seq) return;
    if (!(await readLog(current, apply)) || current.last < seq) await readAll(apply);
  }

  async function readOn(apply: Apply): Promise<void> {
    if (!head || !(await readLog(head, apply))) await readAll(apply);
  }

  async function append(update: Uint8Array, doc: Y.Doc): Promise<void> {
    const current = await opened();
    // The session was deleted: there is nothing left to keep the board for.
    if (!current) return;
    const encode: Encode = () => Y.encodeStateAsUpdate(doc);
    const isLarge = update.length > PART_BYTES;
    // Its bytes go into a snapshot; the empty row behind it sends the others there.
    if (isLarge && (await writeSnapshot(current, encode)) === "stale") {
      throw new Error("another instance replaced the snapshot meanwhile"); // the writer tries again
    }
    const bytes = buffer(isLarge ? new Uint8Array() : update);
    const args = { board: current.board, update: bytes, now: clock.now() };
    const stored = await store.mutation(api.boards.append, args, identity);
    if (stored.status === "gone") return;
    own.add(stored.seq);
    advance(current, current.last);
    if (isLarge) return;
    current.logUpdates += 1;
    current.logBytes += bytes.byteLength;
    const isLong = current.logBytes > Math.max(LOG_BYTES_LEAST, 2 * current.snapshotBytes);
    if (current.logUpdates > LOG_UPDATES_MAX || isLong) await writeSnapshot(current, encode);
  }

  async function appendThrough<T>(
    update: Uint8Array | null,
    encode: Encode,
    write: (to: AppendPlace) => Promise<T>,
  ): Promise<T | null> {
    const current = await opened();
    if (!current) return null;
    const { board, last: after } = current;
    if (!update) return write({ board, after });
    const isLarge = update.length > PART_BYTES;
    if (isLarge && (await writeSnapshot(current, encode)) !== "stored") return null;
    return write({ board, after, update: buffer(isLarge ? new Uint8Array() : update) });
  }

  async function tidy(encode: Encode): Promise<void> {
    if (head && head.logUpdates > TIDY_UPDATES_MAX) await writeSnapshot(head, encode);
  }

  let turn: Promise<unknown> = Promise.resolve();
  /** One at a time: news of an update of our own may come before the answer that tells its number. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work, work);
    turn = done.catch(() => undefined);
    return done;
  }

  return {
    load: (doc) => inTurn(() => readAll(intoDocument(doc))),
    follow: (seq, apply) => inTurn(() => follow(seq, apply)),
    append: (update, doc) => inTurn(() => append(update, doc)),
    read: (apply) => inTurn(() => readAll(apply)),
    readOn: (apply) => inTurn(() => readOn(apply)),
    readThrough,
    isThere: async () => (await store.query(api.boards.find, { session }, identity)).status !== "gone",
    appendThrough,
    tidy: (encode) => inTurn(() => tidy(encode)),
  };
}
