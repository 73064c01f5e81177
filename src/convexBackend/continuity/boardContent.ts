// A stored board as the feed carries it: the whole document, and its two maps as plain JSON (contract rest.md §7).
import * as Y from "yjs";
import type { Id } from "../../../convex/_generated/dataModel.js";
import { BoardUnreadableError, createBoardStorage } from "../board/storage.ts";
import { asUser } from "../ports.ts";
import type { Services } from "../services.ts";

export interface BoardPlace {
  readonly session: Id<"sessions">;
  readonly lastSeq: number;
}

export interface StoredBoard {
  readonly doc: Y.Doc;
  /** Whether the document is as it was at `lastSeq`; else it has gone on since, which the feed tells of further on. */
  readonly isExact: boolean;
}

/** Null: its session has been deleted since. */
export async function loadBoard(services: Services, owner: string, place: BoardPlace): Promise<StoredBoard | null> {
  const doc = new Y.Doc();
  const storage = createBoardStorage(services.store, services.clock, place.session, asUser(owner));
  try {
    const isExact = await storage.loadThrough(doc, place.lastSeq);
    return { doc, isExact };
  } catch (error) {
    if (error instanceof BoardUnreadableError && (await isGone(services, owner, place))) return null;
    throw error;
  }
}

async function isGone({ store, clock }: Services, owner: string, { session }: BoardPlace): Promise<boolean> {
  const storage = createBoardStorage(store, clock, session, asUser(owner));
  return !(await storage.isThere());
}

export const stateOf = (doc: Y.Doc): string => Buffer.from(Y.encodeStateAsUpdate(doc)).toString("base64");

/** What JSON has no word for: bytes as base64, numbers that are none as null. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (value === undefined || value === null) return null;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

const mapOf = (doc: Y.Doc, name: string): Record<string, unknown> =>
  Object.fromEntries(
    [...doc.getMap<unknown>(name).entries()].map(([key, value]) => [
      key,
      plain(value instanceof Y.AbstractType ? (value.toJSON() as unknown) : value),
    ]),
  );

export const plainContent = (doc: Y.Doc) => ({ objects: mapOf(doc, "objects"), ephemeral: mapOf(doc, "ephemeral") });
