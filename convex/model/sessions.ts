// Sessions (contract rest.md R5, R19–R21): ownership, listing, deletion.
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { ownedFolder } from "./folders.ts";
import { isHeldByOther } from "./leases.ts";
import { created, type Effect, noContent, type UserMutationCtx, type UserQueryCtx } from "./idempotency.ts";
import { countInFolder } from "./kinds/sessions.ts";
import type { KindTable, SessionName } from "./kinds/kind.ts";
import { drop, put, remove } from "./rows.ts";
import { existed, ts } from "./time.ts";

/** Rows of one table removed per transaction. */
export const DELETE_BATCH = 200;

export const sessionById = (ctx: QueryCtx, id: string): Promise<Doc<"sessions"> | null> =>
  ctx.db
    .query("sessions")
    .withIndex("by_public_id", (q) => q.eq("publicId", id))
    .first();

export async function ownedSession(ctx: UserQueryCtx, id: string): Promise<Doc<"sessions"> | null> {
  const session = await sessionById(ctx, id);
  return session?.userId === ctx.userId ? session : null;
}

/** The same by store id: the service keeps it for the life of a socket. A deleted session answers null. */
export async function ownedSessionRow(ctx: UserQueryCtx, id: Id<"sessions">): Promise<Doc<"sessions"> | null> {
  const session = await ctx.db.get("sessions", id);
  return session?.userId === ctx.userId ? session : null;
}

export const render = (session: Doc<"sessions">) => ({
  id: session.publicId,
  folder_id: session.folderId,
  interaction_mode: session.interactionMode,
  latest_turn_no: session.latestTurnNo,
  analysis_status: session.analysisStatus,
  created_at: ts(session.createdAt),
  updated_at: ts(session.updatedAt),
  ended_at: session.endedAt === null ? null : ts(session.endedAt),
});

export interface NewSession {
  readonly id: string;
  readonly spareId: string;
  readonly folderId: string | null;
  readonly now: number;
}

export async function createSession(ctx: UserMutationCtx, args: NewSession): Promise<Effect> {
  const publicId = (await sessionById(ctx, args.id)) ? args.spareId : args.id;
  // An unknown or foreign folder is ignored (R5).
  const folder = args.folderId === null ? null : await ownedFolder(ctx, args.folderId);
  await countInFolder(ctx, folder?.publicId ?? null, 1);
  const contextId = await ctx.db.insert("sessionContexts", { json: "{}" });
  const fresh = {
    publicId,
    userId: ctx.userId,
    folderId: folder?.publicId ?? null,
    contextId,
    interactionMode: "chat_and_whiteboard",
    latestTurnNo: 0,
    latestSnapshotIndex: 0,
    snapshotCount: 0,
    logRows: 0,
    conceptEventRows: 0,
    analysisStatus: null,
    sessionAnalysis: null,
    createdAt: args.now,
    updatedAt: args.now,
    endedAt: null,
  };
  await put(ctx, "sessions", fresh, { at: args.now });
  return created({ session_id: publicId });
}

/** Newest first, ties by id; `before` excludes itself and everything newer, an unknown one everything (R19). */
export async function listSessions(
  ctx: UserQueryCtx,
  args: { limit: number; before?: string | undefined; asOf?: number | undefined },
) {
  const bound = args.before === undefined ? null : await ownedSession(ctx, args.before);
  if (args.before !== undefined && !bound) return { sessions: [], next_before: null };
  const rows = await ctx.db
    .query("sessions")
    .withIndex("by_user_id_and_created_at", (q) =>
      bound ? q.eq("userId", ctx.userId).lte("createdAt", bound.createdAt) : q.eq("userId", ctx.userId),
    )
    .order("desc")
    .take(args.limit + TIES_MAX);
  const sorted = rows
    .filter((row) => existed(row, args.asOf))
    .sort((a, b) => b.createdAt - a.createdAt || (a.publicId < b.publicId ? -1 : 1));
  const from = bound ? sorted.findIndex((row) => row._id === bound._id) + 1 : 0;
  const page = sorted.slice(from, from + args.limit);
  const hasMore = sorted.length > from + args.limit;
  return { sessions: page.map(render), next_before: hasMore ? (page.at(-1)?.publicId ?? null) : null };
}

/** Sessions one user can make within one millisecond and still page over exactly. */
export const TIES_MAX = 64;

export async function removeSession(
  ctx: UserMutationCtx,
  { id, instance, now }: { id: string; instance: string; now: number },
): Promise<Effect> {
  const session = await ownedSession(ctx, id);
  if (!session) return null;
  if (await isHeldByOther(ctx, session._id, instance)) return "busy";
  await remove(ctx, "sessions", session, { at: now });
  await endSession(ctx, session, now, false);
  return noContent;
}

/** A session that is removed: what its rows must know of it once it is gone. */
export interface Ended extends SessionName {
  readonly session: Id<"sessions">;
  readonly at: number;
  /** Removed on the other arm, whose feed tells of each row. */
  readonly isQuiet: boolean;
}

async function endRows<T extends KindTable>(ctx: MutationCtx, table: T, rows: readonly Doc<T>[], ended: Ended) {
  for (const row of rows) {
    if (ended.isQuiet) await drop(ctx, table, row, ended);
    else await remove(ctx, table, row, { at: ended.at, session: ended });
  }
  return rows.length;
}

async function endHistory(ctx: MutationCtx, ended: Ended): Promise<number> {
  const { session } = ended;
  const messages = await ctx.db
    .query("sessionMessages")
    .withIndex("by_session_and_turn_no", (q) => q.eq("session", session))
    .take(DELETE_BATCH);
  const snapshots = await ctx.db
    .query("whiteboardSnapshots")
    .withIndex("by_session_and_snapshot_index", (q) => q.eq("session", session))
    .take(DELETE_BATCH);
  const logs = await ctx.db
    .query("interactionLogs")
    .withIndex("by_session_and_row", (q) => q.eq("session", session))
    .take(DELETE_BATCH);
  const processed = await ctx.db
    .query("processedMessages")
    .withIndex("by_session_and_client_message_id", (q) => q.eq("session", session))
    .take(DELETE_BATCH);
  return (
    (await endRows(ctx, "sessionMessages", messages, ended)) +
    (await endRows(ctx, "whiteboardSnapshots", snapshots, ended)) +
    (await endRows(ctx, "interactionLogs", logs, ended)) +
    (await endRows(ctx, "processedMessages", processed, ended))
  );
}

async function endWork(ctx: MutationCtx, session: Id<"sessions">): Promise<number> {
  const leases = await ctx.db
    .query("turnLeases")
    .withIndex("by_session", (q) => q.eq("session", session))
    .take(DELETE_BATCH);
  for (const row of leases) await ctx.db.delete("turnLeases", row._id);
  const jobs = await ctx.db
    .query("jobs")
    .withIndex("by_session", (q) => q.eq("session", session))
    .take(DELETE_BATCH);
  for (const row of jobs) await ctx.db.delete("jobs", row._id);
  return leases.length + jobs.length;
}

async function endBoard(ctx: MutationCtx, ended: Ended): Promise<number> {
  const board = await ctx.db
    .query("boards")
    .withIndex("by_session", (q) => q.eq("session", ended.session))
    .first();
  if (!board) return 0;
  // An update and a part are up to 900 kB each: few per transaction.
  const updates = await ctx.db
    .query("boardUpdates")
    .withIndex("by_board_and_seq", (q) => q.eq("board", board._id))
    .take(8);
  for (const row of updates) await ctx.db.delete("boardUpdates", row._id);
  const parts = await ctx.db
    .query("boardSnapshots")
    .withIndex("by_board_and_generation_and_part", (q) => q.eq("board", board._id))
    .take(8);
  for (const row of parts) await ctx.db.delete("boardSnapshots", row._id);
  const removed = updates.length + parts.length;
  return removed > 0 ? removed : endRows(ctx, "boards", [board], ended);
}

/** Removes a batch of a session's rows; gives how many there were. Concept events stay (models.md §8). */
export const sweepBatch = async (ctx: MutationCtx, ended: Ended): Promise<number> =>
  (await endHistory(ctx, ended)) + (await endWork(ctx, ended.session)) + (await endBoard(ctx, ended));

/** Removes the rows of a deleted session, a batch a transaction. */
export async function sweepSession(ctx: MutationCtx, ended: Ended): Promise<void> {
  const { session, publicId, userId, at, isQuiet } = ended;
  if ((await sweepBatch(ctx, ended)) > 0)
    await ctx.scheduler.runAfter(0, internal.sessions.sweep, { session, publicId, userId, at, isQuiet });
}

/** What remains of a session once its row and context are gone. */
export async function endSession(ctx: MutationCtx, session: Doc<"sessions">, at: number, isQuiet: boolean) {
  await countInFolder(ctx, session.folderId, -1);
  await ctx.db.delete("sessionContexts", session.contextId);
  const { publicId, userId, _id } = session;
  await sweepSession(ctx, { session: _id, publicId, userId, at, isQuiet });
}
