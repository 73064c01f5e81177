// Yjs storage: a snapshot in parts, then the updates after it. The service owns the live document and compacts from it;
// these functions own numbering and generations, so that a stale writer changes nothing.
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { UserMutationCtx, UserQueryCtx } from "./idempotency.ts";
import { ownedSessionRow } from "./sessions.ts";

/** Updates one read returns, and one mutation deletes. */
export const UPDATES_BATCH = 500;
export const PART_BYTES_MAX = 900_000;

function boardOf(ctx: UserQueryCtx, session: Id<"sessions">): Promise<Doc<"boards"> | null> {
  return ctx.db
    .query("boards")
    .withIndex("by_session", (q) => q.eq("session", session))
    .first();
}

const head = (board: Doc<"boards">) => ({
  board: board._id,
  generation: board.generation,
  parts: board.parts,
  through: board.through,
  nextSeq: board.nextSeq,
});

export async function findBoard(ctx: UserQueryCtx, session: Id<"sessions">) {
  if (!(await ownedSessionRow(ctx, session))) return { status: "gone" as const };
  const board = await boardOf(ctx, session);
  return board ? { status: "found" as const, ...head(board) } : { status: "empty" as const };
}

/** The board's row, made on its first write. */
export async function openBoard(ctx: UserMutationCtx, session: Id<"sessions">, now: number) {
  if (!(await ownedSessionRow(ctx, session))) return { status: "gone" as const };
  const board = await boardOf(ctx, session);
  if (board) return { status: "found" as const, ...head(board) };
  const fresh = { session, generation: 0, parts: 0, through: 0, nextSeq: 1, updatedAt: now };
  return { status: "found" as const, board: await ctx.db.insert("boards", fresh), ...fresh };
}

/** A board whose session is still the caller's. */
async function ownedBoard(ctx: UserQueryCtx, id: Id<"boards">): Promise<Doc<"boards"> | null> {
  const board = await ctx.db.get("boards", id);
  return board && (await ownedSessionRow(ctx, board.session)) ? board : null;
}

export async function appendUpdate(ctx: UserMutationCtx, id: Id<"boards">, update: ArrayBuffer, now: number) {
  const board = await ownedBoard(ctx, id);
  if (!board) return { status: "gone" as const };
  await ctx.db.insert("boardUpdates", { board: id, seq: board.nextSeq, update });
  await ctx.db.patch("boards", id, { nextSeq: board.nextSeq + 1, updatedAt: now });
  return { status: "stored" as const, seq: board.nextSeq };
}

export async function updatesAfter(ctx: UserQueryCtx, id: Id<"boards">, after: number) {
  if (!(await ownedBoard(ctx, id))) return { updates: [], last: after, hasMore: false };
  const rows = await ctx.db
    .query("boardUpdates")
    .withIndex("by_board_and_seq", (q) => q.eq("board", id).gt("seq", after))
    .take(UPDATES_BATCH);
  return {
    updates: rows.map((row) => row.update),
    last: rows.at(-1)?.seq ?? after,
    hasMore: rows.length === UPDATES_BATCH,
  };
}

const partRow = (ctx: UserQueryCtx, board: Id<"boards">, generation: number, part: number) =>
  ctx.db
    .query("boardSnapshots")
    .withIndex("by_board_and_generation_and_part", (q) =>
      q.eq("board", board).eq("generation", generation).eq("part", part),
    )
    .first();

export async function readPart(ctx: UserQueryCtx, id: Id<"boards">, generation: number, part: number) {
  if (!(await ownedBoard(ctx, id))) return null;
  return (await partRow(ctx, id, generation, part))?.bytes ?? null;
}

/** Writes a part of the coming generation; it counts only once {@link commitSnapshot} names it. */
export async function writePart(
  ctx: UserMutationCtx,
  args: { board: Id<"boards">; generation: number; part: number; bytes: ArrayBuffer },
) {
  const board = await ownedBoard(ctx, args.board);
  if (!board) return { status: "gone" as const };
  if (args.generation !== board.generation + 1) return { status: "stale" as const };
  const existing = await partRow(ctx, args.board, args.generation, args.part);
  if (existing) await ctx.db.patch("boardSnapshots", existing._id, { bytes: args.bytes });
  else await ctx.db.insert("boardSnapshots", args);
  return { status: "stored" as const };
}

export async function commitSnapshot(
  ctx: UserMutationCtx,
  args: { board: Id<"boards">; generation: number; parts: number; through: number; now: number },
) {
  const board = await ownedBoard(ctx, args.board);
  if (!board) return { status: "gone" as const };
  const { generation, parts, through, now } = args;
  if (generation !== board.generation + 1 || through < board.through) return { status: "stale" as const };
  await ctx.db.patch("boards", board._id, { generation, parts, through, updatedAt: now });
  await sweepBoard(ctx, board._id);
  return { status: "stored" as const };
}

/** Deletes what the current snapshot replaces: its updates and the parts of earlier generations, in batches. */
export async function sweepBoard(ctx: MutationCtx, id: Id<"boards">): Promise<void> {
  const board = await ctx.db.get("boards", id);
  if (!board) return;
  const updates = await ctx.db
    .query("boardUpdates")
    .withIndex("by_board_and_seq", (q) => q.eq("board", id).lte("seq", board.through))
    .take(UPDATES_BATCH);
  for (const row of updates) await ctx.db.delete("boardUpdates", row._id);
  const parts = await ctx.db
    .query("boardSnapshots")
    .withIndex("by_board_and_generation_and_part", (q) => q.eq("board", id).lt("generation", board.generation))
    .take(8);
  for (const row of parts) await ctx.db.delete("boardSnapshots", row._id);
  if (updates.length === UPDATES_BATCH || parts.length === 8) {
    await ctx.scheduler.runAfter(0, internal.boards.sweep, { board: id });
  }
}
