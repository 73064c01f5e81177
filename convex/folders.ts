import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import * as folders from "./model/folders.ts";
import { userMutation, userQuery } from "./model/functions.ts";
import { once } from "./model/idempotency.ts";
import { folder, readArgs, writeArgs, writeOutcome } from "./model/validators.ts";

const knowledgeBase = v.union(v.string(), v.null());

export const create = userMutation({
  args: { ...writeArgs, id: v.string(), spareId: v.string(), name: v.string() },
  returns: writeOutcome,
  handler: (ctx, args) => once(ctx, args, () => folders.createFolder(ctx, args)),
});

export const list = userQuery({
  args: readArgs,
  returns: v.array(v.object({ folder, knowledgeBase })),
  handler: (ctx, { asOf }) => folders.listFolders(ctx, asOf),
});

export const get = userQuery({
  args: { ...readArgs, id: v.string() },
  returns: v.union(
    v.object({
      folder: v.object({ ...folder.fields, document_count: v.number(), session_count: v.number() }),
      knowledgeBase,
    }),
    v.null(),
  ),
  handler: (ctx, { id, asOf }) => folders.readFolder(ctx, id, asOf),
});

export const rename = userMutation({
  args: { ...writeArgs, id: v.string(), name: v.string() },
  returns: writeOutcome,
  handler: (ctx, args) => once(ctx, args, () => folders.renameFolder(ctx, args)),
});

export const remove = userMutation({
  args: { ...writeArgs, id: v.string() },
  returns: writeOutcome,
  handler: (ctx, args) => once(ctx, args, () => folders.removeFolder(ctx, args.id, args.now)),
});

export const detach = internalMutation({
  // `at` is absent in jobs of earlier versions.
  args: { folderId: v.string(), at: v.optional(v.number()) },
  returns: v.null(),
  handler: async (ctx, { folderId, at }) => {
    await folders.detachSessions(ctx, folderId, at ?? Date.now());
    return null;
  },
});
