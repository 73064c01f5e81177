// Folders (contract rest.md R3, R4, R16–R18). A foreign folder answers like an unknown one (G8).
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { created, type Effect, noContent, ok, type UserMutationCtx, type UserQueryCtx } from "./idempotency.ts";
import { patch, put, remove } from "./rows.ts";
import { existed, ts } from "./time.ts";

/** R4 has no paging: this is the most one user sees. */
export const FOLDERS_LIST_MAX = 5_000;
/** Sessions detached per transaction when their folder goes. */
export const DETACH_BATCH = 200;

export async function ownedFolder(ctx: UserQueryCtx, id: string): Promise<Doc<"folders"> | null> {
  const folder = await folderById(ctx, id);
  return folder?.userId === ctx.userId ? folder : null;
}

const folderById = (ctx: QueryCtx, id: string) =>
  ctx.db
    .query("folders")
    .withIndex("by_public_id", (q) => q.eq("publicId", id))
    .first();

const render = (folder: Doc<"folders">) => ({
  id: folder.publicId,
  name: folder.name,
  created_at: ts(folder.createdAt),
});

export async function createFolder(
  ctx: UserMutationCtx,
  args: { id: string; spareId: string; name: string; now: number },
): Promise<Effect> {
  // A key may come again after its 24 h and would mint the id of the folder it made then.
  const publicId = (await folderById(ctx, args.id)) ? args.spareId : args.id;
  const fresh = {
    publicId,
    userId: ctx.userId,
    name: args.name,
    vectorStoreId: null,
    knowledgeBase: null,
    sessionCount: 0,
    documentCount: 0,
    createdAt: args.now,
    updatedAt: args.now,
  };
  await put(ctx, "folders", fresh, { at: args.now });
  return created({ id: publicId, name: args.name, created_at: ts(args.now) });
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export async function listFolders(ctx: UserQueryCtx, asOf: number | undefined) {
  const rows = await ctx.db
    .query("folders")
    .withIndex("by_user_id_and_created_at", (q) => q.eq("userId", ctx.userId))
    .order("desc")
    .take(FOLDERS_LIST_MAX);
  // Ties by id (R4): the index breaks them by creation.
  return rows
    .filter((row) => existed(row, asOf))
    .map((row) => ({ ...render(row), at: row.createdAt, kb: row.knowledgeBase }))
    .sort((a, b) => b.at - a.at || byId(a, b))
    .map(({ at: _at, kb, ...folder }) => ({ folder, knowledgeBase: kb }));
}

export async function readFolder(ctx: UserQueryCtx, id: string, asOf: number | undefined) {
  const folder = await ownedFolder(ctx, id);
  if (!folder || !existed(folder, asOf)) return null;
  return {
    folder: { ...render(folder), document_count: folder.documentCount, session_count: folder.sessionCount },
    knowledgeBase: folder.knowledgeBase,
  };
}

export async function renameFolder(
  ctx: UserMutationCtx,
  args: { id: string; name: string; now: number },
): Promise<Effect> {
  const folder = await ownedFolder(ctx, args.id);
  if (!folder) return null;
  if (folder.name !== args.name) {
    await patch(ctx, "folders", folder, { name: args.name, updatedAt: args.now }, { at: args.now });
  }
  return ok(render({ ...folder, name: args.name }));
}

export async function removeFolder(ctx: UserMutationCtx, id: string, now: number): Promise<Effect> {
  const folder = await ownedFolder(ctx, id);
  if (!folder) return null;
  await remove(ctx, "folders", folder, { at: now });
  await detachSessions(ctx, id, now);
  return noContent;
}

/** Sets `folder_id` of the folder's sessions to null, a batch a transaction (models.md §8). */
export async function detachSessions(ctx: MutationCtx, folderId: string, at: number): Promise<void> {
  const sessions = await ctx.db
    .query("sessions")
    .withIndex("by_folder_id", (q) => q.eq("folderId", folderId))
    .take(DETACH_BATCH);
  for (const session of sessions) await patch(ctx, "sessions", session, { folderId: null }, { at });
  if (sessions.length === DETACH_BATCH) {
    await ctx.scheduler.runAfter(0, internal.folders.detach, { folderId, at });
  }
}
