// One board in memory (contract whiteboard-socket.md §§3–4). Updates are handled one at a time: every step is synchronous.
import * as Y from "yjs";
import { changedKeys, isPlainObject, sanitised } from "./sanitise.ts";

export const BOARD_BYTES_MAX = 32 * 1_048_576;
/** A collection per transaction; what is left goes with the next. */
const COLLECTED_MAX = 10_000;

const SERVER = Symbol("server");
const REMOTE = Symbol("another instance");

export type UpdateOutcome = "applied" | "invalid" | "too_large";

export interface BoardEvents {
  /** Bytes to relay to all sockets but one (null: to all). */
  relay(bytes: Uint8Array, except: object | null): void;
  /** Bytes to store. */
  changed(bytes: Uint8Array): void;
  /** Asks for the ids of tutor objects that another instance drew, and notes them. */
  learnTutorObjects?(): Promise<void>;
}

export interface LiveBoard {
  readonly doc: Y.Doc;
  receive(bytes: Uint8Array, sender: object): UpdateOutcome;
  /** What another instance has received and stored: relayed to everybody here, nothing more. Throws on unreadable bytes. */
  follow(bytes: Uint8Array): void;
  /** Resolves when nothing waits for the ids of tutor objects. */
  settled(): Promise<void>;
  /** Deletes expired entries of `ephemeral` (§4). */
  collect(now: number): void;
  state(): Uint8Array;
  /** Ids the tutor put on the board: these keep their source. */
  noteTutorObjects(ids: readonly string[]): void;
}

/** A random Yjs client id of this process: all server-made changes carry it (§5). */
const SERVER_CLIENT_ID = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;

function isExpired(value: unknown, now: number): boolean {
  const metadata = isPlainObject(value) ? value["metadata"] : undefined;
  const expiresAt = isPlainObject(metadata) ? metadata["expiresAt"] : undefined;
  return typeof expiresAt === "number" && expiresAt < now;
}

/** `doc` must be loaded already: a client id is set only after that, or Yjs would change it. */
export function createLiveBoard(doc: Y.Doc, events: BoardEvents): LiveBoard {
  doc.clientID = SERVER_CLIENT_ID;
  const objects = doc.getMap<unknown>("objects");
  const ephemeral = doc.getMap<unknown>("ephemeral");
  const tutorIds = new Set<string>();
  let encodedBytes = Y.encodeStateAsUpdate(doc).length;
  let touched: string[] = [];
  let learning: Promise<void> | null = null;
  /** Keys whose claim waits for an answer. */
  const claimed = new Set<string>();

  objects.observe((event) => {
    const origin: unknown = event.transaction.origin;
    if (origin !== SERVER && origin !== REMOTE) touched.push(...changedKeys(event));
  });
  doc.on("update", (bytes: Uint8Array, origin: unknown) => {
    if (origin !== SERVER) return;
    encodedBytes += bytes.length;
    events.relay(bytes, null);
    events.changed(bytes);
  });

  function fits(bytes: number): boolean {
    if (encodedBytes + bytes <= BOARD_BYTES_MAX) return true;
    // The running sum counts what later updates replaced; only now is the exact size worth its price.
    encodedBytes = Y.encodeStateAsUpdate(doc).length;
    return encodedBytes + bytes <= BOARD_BYTES_MAX;
  }

  function apply(bytes: Uint8Array, sender: object): boolean {
    touched = [];
    try {
      // Decoded first as a whole: a broken update must not be applied in part.
      Y.decodeUpdate(bytes);
      Y.applyUpdate(doc, bytes, sender);
      return true;
    } catch {
      return false;
    }
  }

  function sanitise(keys: Iterable<string>): void {
    const claims = claimsOf(keys);
    if (claims.length === 0) return;
    doc.transact(() => {
      for (const [key, value] of claims) objects.set(key, value);
    }, SERVER);
  }

  /** Keys that say they are not the user's, and what they must say. */
  const claimsOf = (keys: Iterable<string>) =>
    [...keys]
      .filter((key) => !tutorIds.has(key))
      .map((key) => [key, sanitised(objects.get(key))] as const)
      .filter((claim) => claim[1] !== null);

  /** The tutor may have drawn an object in a turn of another instance: that is asked before its source is taken away. */
  function judge(): void {
    if (!events.learnTutorObjects) return sanitise(touched);
    for (const [key] of claimsOf(touched)) claimed.add(key);
    if (claimed.size === 0 || learning) return;
    learning = events
      .learnTutorObjects()
      // Not known is as good as not drawn.
      .catch(() => undefined)
      .then(() => {
        learning = null;
        const keys = [...claimed];
        claimed.clear();
        sanitise(keys);
      });
  }

  return {
    doc,
    receive(bytes, sender) {
      if (!fits(bytes.length)) return "too_large";
      if (!apply(bytes, sender)) return "invalid";
      encodedBytes += bytes.length;
      events.relay(bytes, sender);
      events.changed(bytes);
      judge();
      return "applied";
    },
    follow(bytes) {
      Y.applyUpdate(doc, bytes, REMOTE);
      encodedBytes += bytes.length;
      events.relay(bytes, null);
    },
    async settled() {
      await learning;
    },
    collect(now) {
      const expired: string[] = [];
      for (const [key, value] of ephemeral) {
        if (expired.length < COLLECTED_MAX && isExpired(value, now)) expired.push(key);
      }
      if (expired.length === 0) return;
      doc.transact(() => {
        for (const key of expired) ephemeral.delete(key);
      }, SERVER);
    },
    state: () => Y.encodeStateAsUpdate(doc),
    noteTutorObjects(ids) {
      for (const id of ids) tutorIds.add(id);
    },
  };
}
