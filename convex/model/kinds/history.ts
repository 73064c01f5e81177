// Rows of a conversation: chat rows, board actions, log rows, concept events.
import type { Doc } from "../../_generated/dataModel.js";
import { KEPT_MS } from "../idempotency.ts";
import {
  type Applying,
  type Data,
  type Incoming,
  isList,
  isNumber,
  isObject,
  isOneOf,
  isText,
  isWhole,
  kind,
  orNull,
  Refusal,
  store,
  tailOf,
} from "./kind.ts";

const foreign = (): Error => new Error("a row of a session is applied without its session");

/** A repeated frame must find the row that its first one stored (contract tutor-socket.md §6). */
async function rememberInput({ ctx }: Applying, session: Doc<"sessions">, data: Data): Promise<void> {
  const { client_message_id: id, turn_no: turnNo, role, created_at: createdAt } = data;
  if (typeof id !== "string" || role !== "user") return;
  const known = await ctx.db
    .query("processedMessages")
    .withIndex("by_session_and_client_message_id", (q) => q.eq("session", session._id).eq("clientMessageId", id))
    .first();
  const stored = { userTurnNo: turnNo as number, hasLogRow: true };
  if (known) await ctx.db.patch("processedMessages", known._id, stored);
  else if ((createdAt as number) > Date.now() - KEPT_MS) {
    const fresh = { session: session._id, clientMessageId: id, framesJson: null, createdAt: createdAt as number };
    await ctx.db.insert("processedMessages", { ...fresh, ...stored });
  }
}

export const sessionMessages = kind<"sessionMessages">({
  name: "session_messages",
  table: "sessionMessages",
  session: "required",
  columns: {
    session_id: isText,
    turn_no: isWhole,
    role: isOneOf("user", "assistant"),
    text: orNull(isText),
    payload_json: orNull(isObject),
    whiteboard_snapshot_index: orNull(isWhole),
    client_message_id: orNull(isText),
    created_at: isWhole,
  },
  shown: new Set(["turnNo", "role", "text", "payloadJson", "snapshotIndex", "clientMessageId", "createdAt"]),
  key: (row, session) => `${session.publicId}/${row.turnNo}`,
  owner: (_row, session) => session.userId,
  keyOf: (data) => `${data["session_id"] as string}/${data["turn_no"] as number}`,
  async find(ctx, key, session) {
    if (!session) return null;
    return ctx.db
      .query("sessionMessages")
      .withIndex("by_session_and_turn_no", (q) => q.eq("session", session._id).eq("turnNo", Number(tailOf(key))))
      .first();
  },
  project: (_ctx, row, key) => ({
    session_id: key.slice(0, key.indexOf("/")),
    turn_no: row.turnNo,
    role: row.role,
    text: row.text,
    payload_json: row.payloadJson === null ? null : (JSON.parse(row.payloadJson) as unknown),
    whiteboard_snapshot_index: row.snapshotIndex,
    client_message_id: row.clientMessageId ?? null,
    created_at: row.createdAt,
  }),
  async apply(work, { data, existing, session }) {
    if (!session) throw foreign();
    const turnNo = data["turn_no"] as number;
    work.patchSession(session, { latestTurnNo: Math.max(session.latestTurnNo, turnNo) });
    await rememberInput(work, session, data);
    return store(work.ctx, "sessionMessages", existing, {
      session: session._id,
      turnNo,
      role: data["role"] as "user" | "assistant",
      text: data["text"] as string | null,
      payloadJson: data["payload_json"] === null ? null : JSON.stringify(data["payload_json"]),
      snapshotIndex: data["whiteboard_snapshot_index"] as number | null,
      clientMessageId: data["client_message_id"] as string | null,
      createdAt: data["created_at"] as number,
    });
  },
});

export const whiteboardSnapshots = kind<"whiteboardSnapshots">({
  name: "whiteboard_snapshots",
  table: "whiteboardSnapshots",
  session: "required",
  columns: { session_id: isText, snapshot_index: isWhole, actions_json: isList, created_at: isWhole },
  shown: new Set(["snapshotIndex", "actionsJson", "createdAt"]),
  key: (row, session) => `${session.publicId}/${row.snapshotIndex}`,
  owner: (_row, session) => session.userId,
  keyOf: (data) => `${data["session_id"] as string}/${data["snapshot_index"] as number}`,
  async find(ctx, key, session) {
    if (!session) return null;
    const index = Number(tailOf(key));
    return ctx.db
      .query("whiteboardSnapshots")
      .withIndex("by_session_and_snapshot_index", (q) => q.eq("session", session._id).eq("snapshotIndex", index))
      .first();
  },
  project: (_ctx, row, key) => ({
    session_id: key.slice(0, key.indexOf("/")),
    snapshot_index: row.snapshotIndex,
    actions_json: JSON.parse(row.actionsJson) as unknown,
    created_at: row.createdAt,
  }),
  async apply(work, { data, existing, session }) {
    if (!session) throw foreign();
    const snapshotIndex = data["snapshot_index"] as number;
    work.patchSession(session, {
      snapshotCount: session.snapshotCount + (existing ? 0 : 1),
      latestSnapshotIndex: Math.max(session.latestSnapshotIndex, snapshotIndex),
    });
    return store(work.ctx, "whiteboardSnapshots", existing, {
      session: session._id,
      snapshotIndex,
      actionsJson: JSON.stringify(data["actions_json"]),
      createdAt: data["created_at"] as number,
    });
  },
  removed(work, _row, session) {
    if (session) work.patchSession(session, { snapshotCount: Math.max(0, session.snapshotCount - 1) });
  },
});

/** The number that a new row takes in its session, unless another row has it. */
async function freeRow(work: Applying, { existing, session, row }: Incoming<"interactionLogs">) {
  if (!session) throw foreign();
  if (existing) return existing.row;
  if (row === undefined) return new Refusal("no row number gives this id");
  const holder = await work.ctx.db
    .query("interactionLogs")
    .withIndex("by_session_and_row", (q) => q.eq("session", session._id).eq("row", row))
    .first();
  return holder ? new Refusal(`row ${row} of the session is another one`) : row;
}

export const interactionLogs = kind<"interactionLogs">({
  name: "interaction_logs",
  table: "interactionLogs",
  session: "required",
  columns: {
    id: isText,
    session_id: isText,
    user_id: isText,
    role: isText,
    content: isText,
    content_type: isText,
    event_type: isText,
    created_at: isWhole,
  },
  shown: new Set(["publicId", "userId", "role", "content", "contentType", "eventType", "createdAt"]),
  key: (row) => row.publicId,
  owner: (row) => row.userId,
  keyOf: (data) => data["id"] as string,
  find: (ctx, key) =>
    ctx.db
      .query("interactionLogs")
      .withIndex("by_public_id", (q) => q.eq("publicId", key))
      .first(),
  async project(ctx, row) {
    const session = await ctx.db.get("sessions", row.session);
    return {
      id: row.publicId,
      session_id: session?.publicId ?? null,
      user_id: row.userId,
      role: row.role,
      content: row.content,
      content_type: row.contentType,
      event_type: row.eventType,
      created_at: row.createdAt,
    };
  },
  async apply(work, incoming) {
    const { data, existing, session, key } = incoming;
    const row = await freeRow(work, incoming);
    if (row instanceof Refusal || !session) return row instanceof Refusal ? row : new Refusal("later: no session");
    if (existing && existing.session !== session._id) return new Refusal("the row is one of another session");
    work.patchSession(session, { logRows: Math.max(session.logRows, row) });
    return store(work.ctx, "interactionLogs", existing, {
      publicId: key,
      session: session._id,
      row,
      userId: data["user_id"] as string,
      role: data["role"] as string,
      content: data["content"] as string,
      contentType: data["content_type"] as string,
      eventType: data["event_type"] as string,
      createdAt: data["created_at"] as number,
    });
  },
});

export const conceptEvents = kind<"conceptEvents">({
  name: "concept_events",
  table: "conceptEvents",
  session: "named",
  columns: {
    id: isText,
    session_id: isText,
    user_id: isText,
    concept: isText,
    outcome: isText,
    delta_mastery: isNumber,
    created_at: isWhole,
  },
  shown: new Set(["publicId", "sessionId", "userId", "concept", "outcome", "deltaMastery", "createdAt"]),
  key: (row) => row.publicId,
  owner: (row) => row.userId,
  keyOf: (data) => data["id"] as string,
  find: (ctx, key) =>
    ctx.db
      .query("conceptEvents")
      .withIndex("by_public_id", (q) => q.eq("publicId", key))
      .first(),
  project: (_ctx, row) => ({
    id: row.publicId,
    session_id: row.sessionId,
    user_id: row.userId,
    concept: row.concept,
    outcome: row.outcome,
    delta_mastery: row.deltaMastery,
    created_at: row.createdAt,
  }),
  async apply(work, { data, key, existing, session, row }) {
    if (!existing && row === undefined) return new Refusal("no row number gives this id");
    if (session && row !== undefined) {
      work.patchSession(session, { conceptEventRows: Math.max(session.conceptEventRows, row) });
    }
    return store(work.ctx, "conceptEvents", existing, {
      publicId: key,
      sessionId: data["session_id"] as string,
      userId: data["user_id"] as string,
      concept: data["concept"] as string,
      outcome: data["outcome"] as string,
      deltaMastery: data["delta_mastery"] as number,
      createdAt: data["created_at"] as number,
    });
  },
});

/** The frames that an id was answered with: on the wire as JSON values, stored as the texts to send. */
export const processedMessages = kind<"processedMessages">({
  name: "processed_messages",
  table: "processedMessages",
  session: "required",
  columns: { session_id: isText, client_message_id: isText, frames: isList, created_at: isWhole },
  shown: new Set(["clientMessageId", "framesJson", "createdAt"]),
  key: (row, session) => `${session.publicId}/${row.clientMessageId}`,
  owner: (_row, session) => session.userId,
  keyOf: (data) => `${data["session_id"] as string}/${data["client_message_id"] as string}`,
  isLive: (row) => row.framesJson !== null,
  keptUntil: (row) => row.createdAt + KEPT_MS,
  async find(ctx, key, session) {
    if (!session) return null;
    const id = tailOf(key);
    return ctx.db
      .query("processedMessages")
      .withIndex("by_session_and_client_message_id", (q) => q.eq("session", session._id).eq("clientMessageId", id))
      .first();
  },
  project: (_ctx, row, key) => ({
    session_id: key.slice(0, key.indexOf("/")),
    client_message_id: row.clientMessageId,
    frames: (JSON.parse(row.framesJson ?? "[]") as string[]).map((text) => JSON.parse(text) as unknown),
    created_at: row.createdAt,
  }),
  async apply({ ctx }, { data, existing, session }) {
    if (!session) throw foreign();
    const frames = (data["frames"] as unknown[]).map((frame) => JSON.stringify(frame));
    return store(ctx, "processedMessages", existing, {
      session: session._id,
      clientMessageId: data["client_message_id"] as string,
      userTurnNo: existing?.userTurnNo ?? null,
      hasLogRow: existing?.hasLogRow ?? true,
      framesJson: JSON.stringify(frames),
      createdAt: data["created_at"] as number,
    });
  },
});
