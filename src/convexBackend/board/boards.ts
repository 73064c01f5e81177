// The boards in memory: made by the first socket, dropped with the last (contract whiteboard-socket.md §2).
import * as Y from "yjs";
import type { Id } from "../../../convex/_generated/dataModel.js";
import { failureFields, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Clock, Identity, Store } from "../ports.ts";
import type { SessionWatches, Watched } from "../sessionWatches.ts";
import { createDrawnObjects } from "../tutor/drawnObjects.ts";
import { createLiveBoard, type LiveBoard, type UpdateOutcome } from "./liveBoard.ts";
import { createBoardStorage, type BoardStorage } from "./storage.ts";
import { type BoardWriter, createBoardWriter } from "./writer.ts";

const COLLECT_MS = 10_000;

/** A socket of a board. */
export interface Peer {
  send(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
}

/** Whose board, and with whose rights it is stored. */
export interface BoardKey {
  readonly id: string;
  readonly session: Id<"sessions">;
  readonly identity: Identity;
}

export interface RelayFaults {
  /** Bytes to send to one peer, or none. */
  relayed(bytes: Uint8Array): Uint8Array | null;
}

export interface Room {
  readonly state: () => Uint8Array;
  receive(
    bytes: Uint8Array,
    sender: Peer,
    options?: { readonly isUnsaved?: boolean; readonly hook?: RelayFaults },
  ): UpdateOutcome;
  leave(peer: Peer): void;
}

export interface Boards {
  /** Joins the session's board, loading it first when nobody has it open. Throws when it cannot be loaded. */
  join(key: BoardKey, peer: Peer): Promise<Room>;
  /** The current document: the live one, also while it is stored for the last time, else a copy of the stored one (§6). */
  read(key: BoardKey): Promise<Y.Doc>;
  noteTutorObjects(sessionId: string, ids: readonly string[]): void;
  /** Updates up to `seq` were stored beside the live board: it takes them over and relays them to its sockets. */
  noteStored(sessionId: string, seq: number): void;
  /** Forgets a deleted session's board without storing it. */
  drop(sessionId: string): void;
  isWriting(): boolean;
  /** Resolves once what this user's boards have shown so far is stored; where the store takes nothing, after some tries. */
  flushOf(userId: string): Promise<void>;
  /** Stores everything and stops the collection. */
  close(): Promise<void>;
}

interface Entry {
  readonly identity: Identity;
  readonly live: LiveBoard;
  readonly storage: BoardStorage;
  readonly writer: BoardWriter;
  readonly peers: Set<Peer>;
  hook: RelayFaults | null;
  isGone: boolean;
  stopWatching: () => void;
  /** What other instances have stored is being read. */
  following: Promise<void> | null;
  lastSeq: number;
}

export interface BoardsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly watches: SessionWatches;
  /** The session of an open board was deleted over another instance. */
  readonly onDeleted: (sessionId: string) => void;
}

export function createBoards({ store, clock, log, metrics, watches, onDeleted }: BoardsDeps): Boards {
  const entries = new Map<string, Promise<Entry>>();
  const loaded = new Map<string, Entry>();
  /** Boards that are being stored after their last socket: a new socket waits for them, a reader sees what is stored. */
  const leaving = new Map<
    string,
    { readonly identity: Identity; readonly doc: Y.Doc; readonly stored: Promise<void> }
  >();

  const storageOf = (key: BoardKey) => createBoardStorage(store, clock, key.session, key.identity);

  async function load(key: BoardKey): Promise<Entry> {
    await leaving.get(key.id)?.stored;
    const storage = storageOf(key);
    const doc = new Y.Doc();
    await storage.load(doc);
    const peers = new Set<Peer>();
    const closeAll = (): void => {
      for (const peer of peers) peer.close(1011, "Internal error");
    };
    const writer = createBoardWriter(storage, doc, log, closeAll);
    const entry: Entry = {
      identity: key.identity,
      live: undefined as never,
      storage,
      writer,
      peers,
      hook: null,
      isGone: false,
      stopWatching: () => {},
      following: null,
      lastSeq: 0,
    };
    const drawn = createDrawnObjects(store, key);
    const live = createLiveBoard(doc, {
      relay(bytes, except) {
        const sent = entry.hook ? entry.hook.relayed(bytes) : bytes;
        if (sent) for (const peer of peers) if (peer !== except) peer.send(sent);
      },
      changed: (bytes) => writer.add(bytes),
      learnTutorObjects: async () => live.noteTutorObjects(await drawn.news()),
    });
    live.noteTutorObjects(await drawn.news());
    Object.assign(entry, { live });
    entry.stopWatching = watches.watch(key, (watched) => {
      if (watched) follow(entry, watched);
      else onDeleted(key.id);
    });
    loaded.set(key.id, entry);
    metrics.yjsDocuments.set(loaded.size);
    return entry;
  }

  /** Another instance's updates, in the store's order. */
  function follow(entry: Entry, watched: Pick<Watched, "lastSeq">): void {
    entry.lastSeq = Math.max(entry.lastSeq, watched.lastSeq);
    entry.following ??= followAll(entry).finally(() => {
      entry.following = null;
    });
  }

  async function followAll(entry: Entry): Promise<void> {
    let through = -1;
    while (through < entry.lastSeq) {
      through = entry.lastSeq;
      try {
        await entry.storage.follow(through, (update) => entry.live.follow(update));
      } catch (error) {
        log.error("board not followed", failureFields(error));
        for (const peer of entry.peers) peer.close(1011, "Internal error");
      }
    }
  }

  function forget(id: string): void {
    loaded.get(id)?.stopWatching();
    entries.delete(id);
    loaded.delete(id);
    metrics.yjsDocuments.set(loaded.size);
  }

  async function settle(entry: Entry): Promise<void> {
    await entry.live.settled();
    await entry.writer.flush();
    if (entry.isGone) return;
    await entry.storage.tidy(entry.live.state).catch(() => log.warn("board not compacted"));
  }

  function leave(id: string, entry: Entry, peer: Peer): void {
    entry.peers.delete(peer);
    if (entry.peers.size > 0 || loaded.get(id) !== entry) return;
    forget(id);
    const stored = settle(entry).finally(() => {
      if (leaving.get(id)?.stored === stored) leaving.delete(id);
    });
    leaving.set(id, { identity: entry.identity, doc: entry.live.doc, stored });
  }

  function receiveOf(entry: Entry): Room["receive"] {
    return (bytes, sender, { isUnsaved = false, hook = null as RelayFaults | null } = {}) => {
      if (isUnsaved) {
        for (const peer of entry.peers) if (peer !== sender) peer.send(bytes);
        return "applied";
      }
      entry.hook = hook;
      const outcome = entry.live.receive(bytes, sender);
      entry.hook = null;
      metrics.yjsUpdates.labels({ outcome }).inc();
      return outcome;
    };
  }

  const collector = setInterval(() => {
    for (const entry of loaded.values()) entry.live.collect(clock.now());
  }, COLLECT_MS);
  collector.unref();

  return {
    async join(key, peer) {
      let loading = entries.get(key.id);
      if (!loading) {
        loading = load(key);
        entries.set(key.id, loading);
        loading.catch(() => entries.delete(key.id));
      }
      const entry = await loading;
      // The last socket may have left while this one waited.
      if (loaded.get(key.id) !== entry) return this.join(key, peer);
      entry.peers.add(peer);
      return { state: () => entry.live.state(), receive: receiveOf(entry), leave: (p) => leave(key.id, entry, p) };
    },
    async read(key) {
      const known = loaded.get(key.id)?.live ?? leaving.get(key.id);
      if (known) return known.doc;
      const doc = new Y.Doc();
      await storageOf(key).load(doc);
      return doc;
    },
    noteTutorObjects: (sessionId, ids) => loaded.get(sessionId)?.live.noteTutorObjects(ids),
    noteStored(sessionId, lastSeq) {
      const entry = loaded.get(sessionId);
      if (entry) follow(entry, { lastSeq });
    },
    drop(sessionId) {
      const entry = loaded.get(sessionId);
      if (!entry) return;
      entry.isGone = true;
      forget(sessionId);
    },
    isWriting: () => ![...loaded.values()].some((entry) => entry.writer.isFailing),
    async flushOf(userId) {
      const isTheirs = ({ identity }: { readonly identity: Identity }): boolean =>
        identity.role === "user" && identity.subject === userId;
      await Promise.all([
        ...[...loaded.values()].filter(isTheirs).map((entry) => entry.writer.flush()),
        ...[...leaving.values()].filter(isTheirs).map(({ stored }) => stored),
      ]);
    },
    async close() {
      clearInterval(collector);
      for (const entry of loaded.values()) {
        entry.stopWatching();
        await settle(entry);
      }
      await Promise.all([...leaving.values()].map(({ stored }) => stored));
    },
  };
}
