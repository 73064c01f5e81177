import { isText, isWhole, kind, orNull, store } from "./kind.ts";

/** Sessions that a folder may have before it comes from the other arm: it counts them once. */
const SESSIONS_COUNTED_MAX = 5_000;

export const folders = kind<"folders">({
  name: "folders",
  table: "folders",
  columns: {
    id: isText,
    user_id: isText,
    name: isText,
    vector_store_id: orNull(isText),
    knowledge_base: orNull(isText),
    created_at: isWhole,
    updated_at: isWhole,
  },
  shown: new Set(["publicId", "userId", "name", "vectorStoreId", "knowledgeBase", "createdAt", "updatedAt"]),
  key: (row) => row.publicId,
  owner: (row) => row.userId,
  keyOf: (data) => data["id"] as string,
  find: (ctx, key) =>
    ctx.db
      .query("folders")
      .withIndex("by_public_id", (q) => q.eq("publicId", key))
      .first(),
  project: (_ctx, row) => ({
    id: row.publicId,
    user_id: row.userId,
    name: row.name,
    vector_store_id: row.vectorStoreId,
    knowledge_base: row.knowledgeBase,
    created_at: row.createdAt,
    updated_at: row.updatedAt,
  }),
  async apply({ ctx }, { data, key, existing }) {
    const held = existing
      ? null
      : await ctx.db
          .query("sessions")
          .withIndex("by_folder_id", (q) => q.eq("folderId", key))
          .take(SESSIONS_COUNTED_MAX);
    return store(ctx, "folders", existing, {
      publicId: key,
      userId: data["user_id"] as string,
      name: data["name"] as string,
      vectorStoreId: data["vector_store_id"] as string | null,
      knowledgeBase: data["knowledge_base"] as string | null,
      sessionCount: existing?.sessionCount ?? held?.length ?? 0,
      documentCount: existing?.documentCount ?? 0,
      createdAt: data["created_at"] as number,
      updatedAt: data["updated_at"] as number,
    });
  },
});
