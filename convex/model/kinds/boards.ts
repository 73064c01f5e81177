import { isText, isWhole, kind, Refusal } from "./kind.ts";

/** `state` is made of the stored document by the service, which also merges what comes from the other arm. */
export const yjsSnapshots = kind<"boards">({
  name: "yjs_snapshots",
  table: "boards",
  session: "required",
  columns: { session_id: isText, state: isText, updated_at: isWhole },
  // Each append numbers itself: compaction alone leaves the document as it is.
  shown: new Set(["nextSeq", "updatedAt"]),
  key: (_row, session) => session.publicId,
  owner: (_row, session) => session.userId,
  keyOf: (data) => data["session_id"] as string,
  isLive: (row) => row.nextSeq > 1,
  async find(ctx, _key, session) {
    if (!session) return null;
    return ctx.db
      .query("boards")
      .withIndex("by_session", (q) => q.eq("session", session._id))
      .first();
  },
  project: (_ctx, row, key) => ({ session_id: key, updated_at: row.updatedAt }),
  apply: () => Promise.resolve(new Refusal("boards are merged, not replaced")),
});
