// Sessions (contract rest.md R5, R19–R21): ownership, listing, deletion.
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { ownedFolder } from "./folders.ts";
import { isHeldByOther } from "./leases.ts";
import { created, type Effect, noContent, type UserMutationCtx, type UserQueryCtx } from "./idempotency.ts";
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
  if (folder) await ctx.db.patch("folders", folder._id, { sessionCount: folder.sessionCount + 1 });
  const contextId = await ctx.db.insert("sessionContexts", { json: "{}" });
  await ctx.db.insert("sessions", {
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
  });
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

export async function removeSession(ctx: UserMutationCtx, id: string, instance: string): Promise<Effect> {
  const session = await ownedSession(ctx, id);
  if (!session) return null;
  if (await isHeldByOther(ctx, session._id, instance)) return "busy";
  const folder = session.folderId === null ? null : await ownedFolder(ctx, session.folderId);
  if (folder) await ctx.db.patch("folders", folder._id, { sessionCount: Math.max(0, folder.sessionCount - 1) });
  await ctx.db.delete("sessionContexts", session.contextId);
  await ctx.db.delete("sessions", session._id);
  await sweepSession(ctx, session._id);
  return noContent;
}

async function firstRows(ctx: MutationCtx, session: Id<"sessions">) {
  return [
    ...(await ctx.db
      .query("sessionMessages")
      .withIndex("by_session_and_turn_no", (q) => q.eq("session", session))
      .take(DELETE_BATCH)),
    ...(await ctx.db
      .query("whiteboardSnapshots")
      .withIndex("by_session_and_snapshot_index", (q) => q.eq("session", session))
      .take(DELETE_BATCH)),
    ...(await ctx.db
      .query("interactionLogs")
      .withIndex("by_session_and_row", (q) => q.eq("session", session))
      .take(DELETE_BATCH)),
    ...(await ctx.db
      .query("processedMessages")
      .withIndex("by_session_and_client_message_id", (q) => q.eq("session", session))
      .take(DELETE_BATCH)),
    ...(await ctx.db
      .query("turnLeases")
      .withIndex("by_session", (q) => q.eq("session", session))
      .take(DELETE_BATCH)),
    ...(await ctx.db
      .query("jobs")
      .withIndex("by_session", (q) => q.eq("session", session))
      .take(DELETE_BATCH)),
  ];
}

async function boardRows(ctx: MutationCtx, session: Id<"sessions">) {
  const board = await ctx.db
    .query("boards")
    .withIndex("by_session", (q) => q.eq("session", session))
    .first();
  if (!board) return [];
  const parts = [
    // An update and a part are up to 900 kB each: few per transaction.
    ...(await ctx.db
      .query("boardUpdates")
      .withIndex("by_board_and_seq", (q) => q.eq("board", board._id))
      .take(8)),
    ...(await ctx.db
      .query("boardSnapshots")
      .withIndex("by_board_and_generation_and_part", (q) => q.eq("board", board._id))
      .take(8)),
  ];
  return parts.length > 0 ? parts : [board];
}

/** Removes the rows of a deleted session, a batch a transaction; concept events stay (models.md §8). */
export async function sweepSession(ctx: MutationCtx, session: Id<"sessions">): Promise<void> {
  const rows = [...(await firstRows(ctx, session)), ...(await boardRows(ctx, session))];
  for (const row of rows) await ctx.db.delete(row._id);
  if (rows.length > 0) await ctx.scheduler.runAfter(0, internal.sessions.sweep, { session });
}
