// A board that comes from the other arm is merged into the stored one, never put in its place (contract rest.md §7). What
// is open here hears of it as of any other instance's update, and relays it to its sockets.
import { api } from "../../../convex/_generated/api.js";
import { BOARD_BYTES_MAX } from "../board/liveBoard.ts";
import { type BoardStorage, createBoardStorage } from "../board/storage.ts";
import { AS_SERVICE, asUser } from "../ports.ts";
import type { Services } from "../services.ts";
import { type AskBoard, BoardNotDoneError, bytesOf, withBoard } from "./largeBoards.ts";
import { APPLIED, rejected, type Result, SKIPPED } from "./results.ts";

/** Others append meanwhile: then it is merged again. */
const TRIES = 8;
/** The update of an empty document. */
const NOTHING = new Uint8Array([0, 0]).buffer;
/** Handoff §7.2 Y5. */
const WARNED_BYTES = 8 * 1_048_576;
const TOO_LARGE = `larger than ${BOARD_BYTES_MAX / 1_048_576} MiB, which is not moved`;

type Place = Extract<Awaited<ReturnType<typeof placeOf>>, { status: "found" }>;

async function placeOf({ store }: Services, change: Readonly<Record<string, unknown>>) {
  const { state: _, ...rest } = change["data"] as Readonly<Record<string, unknown>>;
  const json = JSON.stringify({ ...change, data: { ...rest, state: "" } });
  return store.query(api.changes.boardPlace, { json }, AS_SERVICE);
}

/** The bytes of a base64 text, or null. */
function bytesIn(state: unknown): Uint8Array | null {
  if (typeof state !== "string") return null;
  const bytes = Buffer.from(state, "base64");
  return bytes.toString("base64") === state ? bytes : null;
}

/** One board on its way in. */
interface Incoming {
  readonly services: Services;
  readonly place: Place;
  readonly state: Uint8Array;
  /** How often it was tried; counts on when the board is read anew. */
  tries: number;
}

/** What is known of it while it is worked on. */
interface Round {
  readonly incoming: Incoming;
  readonly storage: BoardStorage;
  readonly ask: AskBoard;
  /** Of the stored board, at most. */
  bytes: number;
  /** The stored board counts as merged, and perhaps a snapshot says so in the store: only another reading tells. */
  isMerged: boolean;
}

/** Null: others have appended meanwhile. */
async function mergeOnce(round: Round, hasBegun: boolean): Promise<Result | null> {
  const { incoming, storage, ask } = round;
  const { services, place } = incoming;
  const { update, isMixed } = await ask("news");
  if (!update && isMixed && !hasBegun) return SKIPPED;
  const encode = (): Promise<Uint8Array> => {
    round.isMerged = true;
    return ask("merged");
  };
  const isLarge = round.bytes + (update?.length ?? 0) > BOARD_BYTES_MAX;
  if (isLarge && (await encode()).length > BOARD_BYTES_MAX) return rejected(`the board would become ${TOO_LARGE}`);
  const now = services.clock.now();
  // After a snapshot that holds the update already, an empty row still has to say so.
  const bytes = update ?? (hasBegun ? new Uint8Array() : null);
  const merged = await storage.appendThrough(bytes, encode, (to) => {
    // A board begins with its first update, also when nothing is on it.
    const first = to.after === 0 && !to.update ? { update: NOTHING } : {};
    const args = { ...to, ...first, incoming: place.incoming, isMixed, now };
    return services.store.mutation(api.changes.merge, args, AS_SERVICE);
  });
  if (!merged || merged.status === "stale") return null;
  if (merged.status === "gone") return rejected("later: the session has just been removed");
  if (merged.status === "skipped") return SKIPPED;
  if (merged.seq !== undefined) services.boards.noteStored(place.id, merged.seq);
  await storage.tidy(encode).catch(() => services.log.warn("board not compacted"));
  return APPLIED;
}

/** Tries until nobody is in between. Null: the stored board must be read anew, or it was tried often enough. */
async function mergeWith(round: Round, hasBegun: boolean): Promise<Result | null> {
  const { incoming, storage, ask } = round;
  if (!(await ask("take", incoming.state))) return rejected("data.state is no Yjs update in base64");
  while (incoming.tries < TRIES) {
    incoming.tries += 1;
    const result = await mergeOnce(round, hasBegun);
    if (result || round.isMerged) return result;
    // What came meanwhile is little: nearly all of the work stays done.
    const news: Uint8Array[] = [];
    await storage.readOn((update) => news.push(update));
    round.bytes += bytesOf(news);
    await ask("add", news);
  }
  return null;
}

async function mergeState(incoming: Incoming): Promise<Result> {
  const { services, place, state } = incoming;
  while (incoming.tries < TRIES) {
    const hasBegun = incoming.tries > 0;
    const storage = createBoardStorage(services.store, services.clock, place.session, asUser(place.userId));
    const stored: Uint8Array[] = [];
    await storage.read((update) => stored.push(update));
    const bytes = bytesOf(stored);
    const result = await withBoard(bytes + state.length, async (ask) => {
      await ask("add", stored);
      return mergeWith({ incoming, storage, ask, bytes, isMerged: false }, hasBegun);
    });
    if (result) return result;
  }
  return rejected("later: the board is written all the time");
}

/** `change` is an upsert of a board with data that is an object. */
export async function mergeBoard(services: Services, change: Readonly<Record<string, unknown>>): Promise<Result> {
  const place = await placeOf(services, change);
  if (place.status === "removed") return SKIPPED;
  if (place.status === "rejected") return rejected(place.reason);
  const state = bytesIn((change["data"] as Readonly<Record<string, unknown>>)["state"]);
  if (!state) return rejected("data.state is no Yjs update in base64");
  if (state.length > BOARD_BYTES_MAX) return rejected(`the board is ${TOO_LARGE}`);
  if (state.length > WARNED_BYTES) services.log.warn("large board taken", { bytes: state.length });
  try {
    return await mergeState({ services, place, state, tries: 0 });
  } catch (error) {
    if (error instanceof BoardNotDoneError) return rejected(error.message);
    throw error;
  }
}
