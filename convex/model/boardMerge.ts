// A board that comes from the other arm is merged by the service; here its bytes are appended and its version set, in one
// transaction (contract rest.md §7).
import { type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { compareWrites, readChange } from "./changeShape.ts";
import { MERGED_KIND } from "./kinds.ts";
import { changeOf, note, OWN_ORIGIN, type Noted } from "./rows.ts";
import { sessionById } from "./sessions.ts";
import { origin } from "./validators.ts";

export const incomingBoard = v.object({ version: v.number(), origin, at: v.number(), updatedAt: v.number() });
type IncomingBoard = Infer<typeof incomingBoard>;

const rejected = (reason: string) => ({ status: "rejected" as const, reason });

/** Where the board of a change is; `removed`: its session was deleted here. */
export async function placeOf(ctx: QueryCtx, given: unknown) {
  const change = readChange(given);
  if (typeof change === "string") return rejected(change);
  const { kind, key: id, userId, version, origin: from, at, data } = change;
  if (kind.name !== MERGED_KIND || !data) return rejected("the change is none of a board");
  const session = await sessionById(ctx, id);
  if (!session) {
    const isRemoved = (await changeOf(ctx, "sessions", id))?.op === "delete";
    return isRemoved ? { status: "removed" as const } : rejected("later: the session is not here yet");
  }
  if (session.userId !== userId) return rejected("the row belongs to another user");
  const incoming = { version, origin: from, at, updatedAt: data["updated_at"] as number };
  return { status: "found" as const, id, session: session._id, userId, incoming };
}

export interface Merge {
  readonly board: Id<"boards">;
  /** The newest update that the merging saw: a later one, and it is done again. */
  readonly after: number;
  /** What the board lacks; absent: nothing, its contents are the incoming ones already. */
  readonly update?: ArrayBuffer;
  readonly incoming: IncomingBoard;
  /** The board had something of its own too. */
  readonly isMixed: boolean;
  readonly now: number;
}

interface Version extends Pick<Noted, "version" | "origin" | "at"> {
  readonly updatedAt: number;
}

/** Both had something: a write of our own. Else the incoming one, if it is the later. */
function versionOf(merge: Merge, stored: Doc<"changes"> | null): Version | null {
  const { incoming, isMixed, now } = merge;
  if (!isMixed && (!stored || compareWrites(incoming, stored) > 0)) return incoming;
  if (!merge.update) return null;
  const version = Math.max(stored?.version ?? 0, incoming.version) + 1;
  return { version, origin: OWN_ORIGIN, at: now, updatedAt: now };
}

export async function mergeBoard(ctx: MutationCtx, merge: Merge) {
  const board = await ctx.db.get("boards", merge.board);
  const session = board && (await ctx.db.get("sessions", board.session));
  if (!board || !session) return { status: "gone" as const };
  if (board.nextSeq !== merge.after + 1) return { status: "stale" as const };
  const stored = await changeOf(ctx, MERGED_KIND, session.publicId);
  const version = versionOf(merge, stored);
  if (!version) return { status: "skipped" as const };
  const { updatedAt, ...noted } = version;
  const { update } = merge;
  if (update) await ctx.db.insert("boardUpdates", { board: board._id, seq: board.nextSeq, update });
  await ctx.db.patch("boards", board._id, { nextSeq: board.nextSeq + (update ? 1 : 0), updatedAt });
  const { publicId: key, userId } = session;
  const seen = stored?.seen ?? 0;
  await note(ctx, { kind: MERGED_KIND, key, userId, op: "upsert", ...noted, row: board._id, seen }, stored);
  return { status: "stored" as const, ...(update && { seq: board.nextSeq }) };
}
