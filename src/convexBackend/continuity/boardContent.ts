// A stored board as the feed carries it: the whole document, and what a digest counts of it (contract rest.md §7).
import type { Id } from "../../../convex/_generated/dataModel.js";
import { BoardUnreadableError, createBoardStorage } from "../board/storage.ts";
import { asUser } from "../ports.ts";
import type { Services } from "../services.ts";
import type { RowTexts } from "./digest.ts";
import { bytesOf, withBoard } from "./largeBoards.ts";

export interface BoardPlace {
  readonly session: Id<"sessions">;
  readonly lastSeq: number;
}

export interface StoredBoard {
  /** What makes up the document. Reading it uses it up: the bytes may go to another thread. */
  readonly updates: readonly Uint8Array[];
  /** Whether the document is as it was at `lastSeq`; else it has gone on since, which the feed tells of further on. */
  readonly isExact: boolean;
}

/** Null: its session has been deleted since. */
export async function loadBoard(services: Services, owner: string, place: BoardPlace): Promise<StoredBoard | null> {
  const storage = createBoardStorage(services.store, services.clock, place.session, asUser(owner));
  const updates: Uint8Array[] = [];
  try {
    const isExact = await storage.readThrough(place.lastSeq, (update) => updates.push(update));
    return { updates, isExact };
  } catch (error) {
    if (error instanceof BoardUnreadableError && !(await storage.isThere())) return null;
    throw error;
  }
}

const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");

/** The document as one update, in base64. */
export const stateOf = ({ updates }: StoredBoard): Promise<string> =>
  withBoard(bytesOf(updates), async (ask) => {
    await ask("add", updates);
    return base64(await ask("state"));
  });

/** The row as a digest counts it, and the document if it is wanted, else nothing. */
export const shownBoard = (
  { updates }: StoredBoard,
  columns: Readonly<Record<string, unknown>>,
  isStateWanted: boolean,
): Promise<{ texts: RowTexts; state: string }> =>
  withBoard(bytesOf(updates), async (ask) => {
    await ask("add", updates);
    return { texts: await ask("texts", columns), state: isStateWanted ? base64(await ask("state")) : "" };
  });
