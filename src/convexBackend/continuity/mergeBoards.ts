// A board that comes from the other arm is merged into the stored one, never put in its place (contract rest.md §7). What
// is open here hears of it as of any other instance's update, and relays it to its sockets.
import * as Y from "yjs";
import { api } from "../../../convex/_generated/api.js";
import { BOARD_BYTES_MAX } from "../board/liveBoard.ts";
import { createBoardStorage } from "../board/storage.ts";
import { AS_SERVICE, asUser } from "../ports.ts";
import type { Services } from "../services.ts";
import { APPLIED, rejected, type Result, SKIPPED } from "./results.ts";

/** Others append meanwhile: then it is merged again. */
const TRIES = 8;
/** The update of an empty document. */
const NOTHING = new Uint8Array([0, 0]).buffer;

type Place = Extract<Awaited<ReturnType<typeof placeOf>>, { status: "found" }>;

async function placeOf({ store }: Services, change: Readonly<Record<string, unknown>>) {
  const { state: _, ...rest } = change["data"] as Readonly<Record<string, unknown>>;
  const json = JSON.stringify({ ...change, data: { ...rest, state: "" } });
  return store.query(api.changes.boardPlace, { json }, AS_SERVICE);
}

/** The bytes of a base64 text, or null. */
function bytesOf(state: unknown): Uint8Array | null {
  if (typeof state !== "string") return null;
  const bytes = Buffer.from(state, "base64");
  return bytes.toString("base64") === state ? bytes : null;
}

function documentOf(bytes: Uint8Array): Y.Doc | null {
  if (bytes.length > BOARD_BYTES_MAX) return null;
  try {
    // Decoded first as a whole: a broken update must not be applied in part.
    Y.decodeUpdate(bytes);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, bytes);
    return doc;
  } catch {
    return null;
  }
}

export interface Merged {
  /** What the stored document lacks; null: nothing. */
  readonly update: Uint8Array | null;
  /** Whether the stored document had something that the incoming one lacks. */
  readonly isMixed: boolean;
}

/**
 * Merges into `stored`. Compared by state vector and deletions: a deletion alone moves no state vector.
 */
export function mergeInto(stored: Y.Doc, incoming: Y.Doc): Merged {
  const before = Y.snapshot(stored);
  const update = Y.encodeStateAsUpdate(incoming, Y.encodeStateVector(stored));
  Y.applyUpdate(stored, update);
  const after = Y.snapshot(stored);
  return {
    update: Y.equalSnapshots(before, after) ? null : update,
    isMixed: !Y.equalSnapshots(after, Y.snapshot(incoming)),
  };
}

async function mergeOnce(services: Services, place: Place, incoming: Y.Doc, hasBegun: boolean) {
  const { store, clock, boards } = services;
  const storage = createBoardStorage(store, clock, place.session, asUser(place.userId));
  const doc = new Y.Doc();
  await storage.load(doc);
  const { update, isMixed } = mergeInto(doc, incoming);
  if (Y.encodeStateAsUpdate(doc).length > BOARD_BYTES_MAX) return rejected("the board would become too large");
  if (!update && isMixed && !hasBegun) return SKIPPED;
  const now = clock.now();
  // After a snapshot that holds the update already, an empty row still has to say so.
  const bytes = update ?? (hasBegun ? new Uint8Array() : null);
  const merged = await storage.appendThrough(bytes, doc, (to) => {
    // A board begins with its first update, also when nothing is on it.
    const first = to.after === 0 && !to.update ? { update: NOTHING } : {};
    const args = { ...to, ...first, incoming: place.incoming, isMixed, now };
    return store.mutation(api.changes.merge, args, AS_SERVICE);
  });
  if (!merged || merged.status === "stale") return null;
  if (merged.status === "gone") return rejected("later: the session has just been removed");
  if (merged.status === "skipped") return SKIPPED;
  if (merged.seq !== undefined) boards.noteStored(place.id, merged.seq);
  await storage.tidy(doc).catch(() => services.log.warn("board not compacted"));
  return APPLIED;
}

/** `change` is an upsert of a board with data that is an object. */
export async function mergeBoard(services: Services, change: Readonly<Record<string, unknown>>): Promise<Result> {
  const place = await placeOf(services, change);
  if (place.status === "removed") return SKIPPED;
  if (place.status === "rejected") return rejected(place.reason);
  const bytes = bytesOf((change["data"] as Readonly<Record<string, unknown>>)["state"]);
  const incoming = bytes && documentOf(bytes);
  if (!incoming) return rejected("data.state is no Yjs update in base64, or too large");
  for (let tries = 0; tries < TRIES; tries += 1) {
    const result = await mergeOnce(services, place, incoming, tries > 0);
    if (result) return result;
  }
  return rejected("later: the board is written all the time");
}
