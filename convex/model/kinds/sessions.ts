import type { Doc } from "../../_generated/dataModel.js";
import type { MutationCtx } from "../../_generated/server.js";
import { contextOf, ownPartOf } from "./context.ts";
import { type Applying, type Data, type Fields, isObject, isOneOf, isText, isWhole, kind, orNull } from "./kind.ts";

/** Concept events that a session may have before it comes from the other arm: it counts them once. */
const EVENTS_COUNTED_MAX = 1_000;

const jsonOrNull = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

/** A folder shows how many sessions it has. */
export async function countInFolder(ctx: MutationCtx, folderId: string | null, by: 1 | -1): Promise<void> {
  if (folderId === null) return;
  const folder = await ctx.db
    .query("folders")
    .withIndex("by_public_id", (q) => q.eq("publicId", folderId))
    .first();
  if (folder) await ctx.db.patch("folders", folder._id, { sessionCount: Math.max(0, folder.sessionCount + by) });
}

/** Rows may be here already that the context of an older change does not know of yet. */
async function highest(ctx: MutationCtx, session: Doc<"sessions">) {
  const message = await ctx.db
    .query("sessionMessages")
    .withIndex("by_session_and_turn_no", (q) => q.eq("session", session._id))
    .order("desc")
    .first();
  const snapshot = await ctx.db
    .query("whiteboardSnapshots")
    .withIndex("by_session_and_snapshot_index", (q) => q.eq("session", session._id))
    .order("desc")
    .first();
  return { turnNo: message?.turnNo ?? 0, snapshotIndex: snapshot?.snapshotIndex ?? 0 };
}

const columnsOf = (data: Data, key: string) => ({
  publicId: key,
  userId: data["user_id"] as string,
  folderId: data["folder_id"] as string | null,
  analysisStatus: data["analysis_status"] as Fields<"sessions">["analysisStatus"],
  sessionAnalysis: data["session_analysis"] === null ? null : JSON.stringify(data["session_analysis"]),
  createdAt: data["created_at"] as number,
  updatedAt: data["updated_at"] as number,
  endedAt: data["ended_at"] as number | null,
});

async function change({ ctx, patchSession }: Applying, existing: Doc<"sessions">, data: Data, key: string) {
  const context = data["context"] as Record<string, unknown>;
  const columns = columnsOf(data, key);
  await ctx.db.patch("sessionContexts", existing.contextId, { json: JSON.stringify(context) });
  if (existing.folderId !== columns.folderId) {
    await countInFolder(ctx, existing.folderId, -1);
    await countInFolder(ctx, columns.folderId, 1);
  }
  const own = ownPartOf(context);
  const stored = await highest(ctx, existing);
  patchSession(existing, {
    ...columns,
    ...own,
    latestTurnNo: Math.max(own.latestTurnNo, stored.turnNo),
    latestSnapshotIndex: Math.max(own.latestSnapshotIndex, stored.snapshotIndex),
  });
  return existing._id;
}

async function create({ ctx }: Applying, data: Data, key: string) {
  const context = data["context"] as Record<string, unknown>;
  const columns = columnsOf(data, key);
  await countInFolder(ctx, columns.folderId, 1);
  const events = await ctx.db
    .query("conceptEvents")
    .withIndex("by_session_id", (q) => q.eq("sessionId", key))
    .take(EVENTS_COUNTED_MAX);
  return ctx.db.insert("sessions", {
    ...columns,
    ...ownPartOf(context),
    contextId: await ctx.db.insert("sessionContexts", { json: JSON.stringify(context) }),
    snapshotCount: 0,
    logRows: 0,
    conceptEventRows: events.length,
    revision: 1,
  });
}

export const sessions = kind<"sessions">({
  name: "sessions",
  table: "sessions",
  columns: {
    id: isText,
    user_id: isText,
    folder_id: orNull(isText),
    context: isObject,
    analysis_status: isOneOf("processing", "success", "failed", null),
    session_analysis: orNull(isObject),
    created_at: isWhole,
    updated_at: isWhole,
    ended_at: orNull(isWhole),
  },
  shown: new Set([
    "publicId",
    "userId",
    "folderId",
    "interactionMode",
    "latestTurnNo",
    "latestSnapshotIndex",
    "analysisStatus",
    "sessionAnalysis",
    "createdAt",
    "updatedAt",
    "endedAt",
  ]),
  key: (row) => row.publicId,
  owner: (row) => row.userId,
  keyOf: (data) => data["id"] as string,
  find: (ctx, key) =>
    ctx.db
      .query("sessions")
      .withIndex("by_public_id", (q) => q.eq("publicId", key))
      .first(),
  async project(ctx, row) {
    const context = await ctx.db.get("sessionContexts", row.contextId);
    return {
      id: row.publicId,
      user_id: row.userId,
      folder_id: row.folderId,
      context: contextOf(row, context?.json ?? "{}"),
      analysis_status: row.analysisStatus,
      session_analysis: jsonOrNull(row.sessionAnalysis),
      created_at: row.createdAt,
      updated_at: row.updatedAt,
      ended_at: row.endedAt,
    };
  },
  apply: (work, { data, key, existing }) => (existing ? change(work, existing, data, key) : create(work, data, key)),
  removed: (work, row) => work.dropSession(row),
});
