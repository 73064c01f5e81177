// Yjs storage: a snapshot in parts, then the updates after it. The service owns the live document and compacts from it;
// these functions own numbering and generations, so that a stale writer changes nothing.
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import type { UserMutationCtx, UserQueryCtx } from "./idempotency.ts";
import { patch, put } from "./rows.ts";
import { ownedSessionRow } from "./sessions.ts";

/** Updates one read returns, and one mutation deletes: at most so many, and no more once they weigh so much. */
export const UPDATES_BATCH = 500;
export const UPDATES_BATCH_BYTES = 4 * 1_048_576;
export const PART_BYTES_MAX = 900_000;

async function firstUpdates(rows: AsyncIterable<Doc<"boardUpdates">>) {
  const taken: Doc<"boardUpdates">[] = [];
  let bytes = 0;
  for await (const row of rows) {
    taken.push(row);
    bytes += row.update.byteLength;
    if (taken.length >= UPDATES_BATCH || bytes >= UPDATES_BATCH_BYTES) return { rows: taken, hasMore: true };
  }
  return { rows: taken, hasMore: false };
}

function boardOf(ctx: QueryCtx, session: Id<"sessions">): Promise<Doc<"boards"> | null> {
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

/** Numbers of the newest board update and of the newest board actions of the tutor. */
export async function watchSession(ctx: QueryCtx, id: Id<"sessions">) {
  const session = await ctx.db.get("sessions", id);
  if (!session) return null;
  const board = await boardOf(ctx, id);
  return { lastSeq: board ? board.nextSeq - 1 : 0, lastSnapshot: session.latestSnapshotIndex };
}

/** The board's row, made on its first write. */
export async function openBoard(ctx: UserMutationCtx, session: Id<"sessions">, now: number) {
  const owner = await ownedSessionRow(ctx, session);
  if (!owner) return { status: "gone" as const };
  const board = await boardOf(ctx, session);
  if (board) return { status: "found" as const, ...head(board) };
  const fresh = { session, generation: 0, nextGeneration: 1, parts: 0, through: 0, nextSeq: 1, updatedAt: now };
  return { status: "found" as const, board: await put(ctx, "boards", fresh, { at: now, session: owner }), ...fresh };
}

/** A board whose session is still the caller's, with that session. */
async function boardAndSession(ctx: UserQueryCtx, id: Id<"boards">) {
  const board = await ctx.db.get("boards", id);
  const session = board && (await ownedSessionRow(ctx, board.session));
  return board && session ? { board, session } : null;
}

const ownedBoard = async (ctx: UserQueryCtx, id: Id<"boards">): Promise<Doc<"boards"> | null> =>
  (await boardAndSession(ctx, id))?.board ?? null;

export async function appendUpdate(ctx: UserMutationCtx, id: Id<"boards">, update: ArrayBuffer, now: number) {
  const owned = await boardAndSession(ctx, id);
  if (!owned) return { status: "gone" as const };
  const { board, session } = owned;
  await ctx.db.insert("boardUpdates", { board: id, seq: board.nextSeq, update });
  await patch(ctx, "boards", board, { nextSeq: board.nextSeq + 1, updatedAt: now }, { at: now, session });
  return { status: "stored" as const, seq: board.nextSeq };
}

export async function updatesAfter(ctx: UserQueryCtx, id: Id<"boards">, after: number) {
  if (!(await ownedBoard(ctx, id))) return { updates: [], hasMore: false };
  const log = ctx.db.query("boardUpdates").withIndex("by_board_and_seq", (q) => q.eq("board", id).gt("seq", after));
  const { rows, hasMore } = await firstUpdates(log);
  return { updates: rows.map(({ seq, update }) => ({ seq, update })), hasMore };
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

type Parts = Partial<Pick<Doc<"boards">, "generation" | "nextGeneration" | "parts" | "through">>;

/** How the document is stored, not what it says: nothing for the change feed, and no name of its session needed. */
const patchParts = (ctx: MutationCtx, board: Doc<"boards">, parts: Parts): Promise<void> =>
  patch(ctx, "boards", board, parts, { at: 0 });

/** The generation of a snapshot to write: a number of its own, so that two writers never mix their parts. */
export async function draftSnapshot(ctx: UserMutationCtx, id: Id<"boards">) {
  const board = await ownedBoard(ctx, id);
  if (!board) return { status: "gone" as const };
  await patchParts(ctx, board, { nextGeneration: board.nextGeneration + 1 });
  return { status: "drafted" as const, generation: board.nextGeneration };
}

/** Writes a part of a drafted generation; it counts only once {@link commitSnapshot} names it. */
export async function writePart(
  ctx: UserMutationCtx,
  args: { board: Id<"boards">; generation: number; part: number; bytes: ArrayBuffer },
) {
  const board = await ownedBoard(ctx, args.board);
  if (!board) return { status: "gone" as const };
  if (!isDraft(board, args.generation)) return { status: "stale" as const };
  const existing = await partRow(ctx, args.board, args.generation, args.part);
  if (existing) await ctx.db.patch("boardSnapshots", existing._id, { bytes: args.bytes });
  else await ctx.db.insert("boardSnapshots", args);
  return { status: "stored" as const };
}

/** A later snapshot that was committed first ends all earlier drafts, and sweeps their parts. */
const isDraft = ({ generation, nextGeneration }: Doc<"boards">, drafted: number): boolean =>
  drafted > generation && drafted < nextGeneration;

export async function commitSnapshot(
  ctx: UserMutationCtx,
  args: { board: Id<"boards">; generation: number; parts: number; through: number },
) {
  const board = await ownedBoard(ctx, args.board);
  if (!board) return { status: "gone" as const };
  const { generation, parts, through } = args;
  if (!isDraft(board, generation) || through < board.through) return { status: "stale" as const };
  await patchParts(ctx, board, { generation, parts, through });
  await sweepBoard(ctx, board._id);
  return { status: "stored" as const };
}

/** Deletes what the current snapshot replaces: its updates and the parts of earlier generations, in batches. */
export async function sweepBoard(ctx: MutationCtx, id: Id<"boards">): Promise<void> {
  const board = await ctx.db.get("boards", id);
  if (!board) return;
  const replaced = ctx.db
    .query("boardUpdates")
    .withIndex("by_board_and_seq", (q) => q.eq("board", id).lte("seq", board.through));
  const updates = await firstUpdates(replaced);
  for (const row of updates.rows) await ctx.db.delete("boardUpdates", row._id);
  const parts = await ctx.db
    .query("boardSnapshots")
    .withIndex("by_board_and_generation_and_part", (q) => q.eq("board", id).lt("generation", board.generation))
    .take(8);
  for (const row of parts) await ctx.db.delete("boardSnapshots", row._id);
  if (updates.hasMore || parts.length === 8) {
    await ctx.scheduler.runAfter(0, internal.boards.sweep, { board: id });
  }
}
