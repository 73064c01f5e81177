// Tables of the tutoring platform (contract models.md §8). Public ids are UUIDs; `_id`s never leave the arm (G4).
// Free-form JSON (contexts, payloads, board actions, bodies) is stored as JSON text: its keys may be any text and its
// depth any number, and a Convex value allows neither.
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { analysisStatus, changeOp, jobKind, jobStatus, messageRole, origin } from "./model/validators.ts";

const nullableText = v.union(v.string(), v.null());
const nullableMs = v.union(v.number(), v.null());

export default defineSchema({
  // Written by folders.ts, later by the document jobs; read by their owner. Bounded by what a user creates.
  folders: defineTable({
    publicId: v.string(),
    userId: v.string(),
    name: v.string(),
    vectorStoreId: nullableText,
    knowledgeBase: nullableText,
    // Counters instead of counting by collecting.
    sessionCount: v.number(),
    documentCount: v.number(),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_public_id", ["publicId"])
    .index("by_user_id_and_created_at", ["userId", "createdAt"]),

  // One row a session: ownership, counters and status. Written by sessions.ts and turns.ts (one writer per session).
  sessions: defineTable({
    publicId: v.string(),
    userId: v.string(),
    folderId: nullableText,
    contextId: v.id("sessionContexts"),
    interactionMode: v.string(),
    latestTurnNo: v.number(),
    latestSnapshotIndex: v.number(),
    snapshotCount: v.number(),
    logRows: v.number(),
    conceptEventRows: v.number(),
    /** Grows when rows come from the other arm: what an instance keeps of the session is then read again. Absent: 0. */
    revision: v.optional(v.number()),
    analysisStatus,
    sessionAnalysis: nullableText,
    createdAt: v.number(),
    updatedAt: v.number(),
    endedAt: nullableMs,
  })
    .index("by_public_id", ["publicId"])
    .index("by_user_id_and_created_at", ["userId", "createdAt"])
    .index("by_folder_id", ["folderId"]),

  // The session context of models.md §1, rewritten by every turn: apart from the row that lists read.
  sessionContexts: defineTable({ json: v.string() }),

  // Which instance of the service runs a turn of a session, until when: one writer per session (G13). Written by
  // turns.ts only; apart from the session's row because it changes with every turn.
  turnLeases: defineTable({ session: v.id("sessions"), instance: v.string(), until: v.number() }).index("by_session", [
    "session",
  ]),

  // Chat rows, append-only, gapless `turnNo` per session. Written by turns.ts.
  sessionMessages: defineTable({
    session: v.id("sessions"),
    turnNo: v.number(),
    role: messageRole,
    text: nullableText,
    payloadJson: nullableText,
    snapshotIndex: nullableMs,
    /** Of the frame whose input this is; absent in rows of earlier versions, null where there was none. */
    clientMessageId: v.optional(nullableText),
    createdAt: v.number(),
  }).index("by_session_and_turn_no", ["session", "turnNo"]),

  // Board actions of a turn, append-only. Written by turns.ts, replayed at connect and by R7.
  whiteboardSnapshots: defineTable({
    session: v.id("sessions"),
    snapshotIndex: v.number(),
    actionsJson: v.string(),
    createdAt: v.number(),
  }).index("by_session_and_snapshot_index", ["session", "snapshotIndex"]),

  // Append-only, `row` counts from 1 per session; the public id derives from it (G4).
  interactionLogs: defineTable({
    publicId: v.string(),
    session: v.id("sessions"),
    row: v.number(),
    userId: v.string(),
    role: v.string(),
    content: v.string(),
    contentType: v.string(),
    eventType: v.string(),
    createdAt: v.number(),
  })
    .index("by_session_and_row", ["session", "row"])
    .index("by_public_id", ["publicId"]),

  // One row per user-model update; outlives its session (models.md §8), hence the public session id.
  conceptEvents: defineTable({
    publicId: v.string(),
    sessionId: v.string(),
    userId: v.string(),
    concept: v.string(),
    outcome: v.string(),
    deltaMastery: v.number(),
    createdAt: v.number(),
  })
    .index("by_session_id", ["sessionId"])
    .index("by_public_id", ["publicId"]),

  // Remembered `client_message_id`s (tutor-socket.md §6); `framesJson` is null until a turn of that id succeeded.
  processedMessages: defineTable({
    session: v.id("sessions"),
    clientMessageId: v.string(),
    userTurnNo: nullableMs,
    hasLogRow: v.boolean(),
    framesJson: nullableText,
    createdAt: v.number(),
  })
    .index("by_session_and_client_message_id", ["session", "clientMessageId"])
    .index("by_created_at", ["createdAt"]),

  // Stored 2xx outcomes of keyed requests (G10), kept 24 h.
  idempotency: defineTable({
    userId: v.string(),
    method: v.string(),
    path: v.string(),
    key: v.string(),
    fingerprint: v.string(),
    status: v.number(),
    body: nullableText,
    createdAt: v.number(),
  })
    .index("by_user_id_and_method_and_path_and_key", ["userId", "method", "path", "key"])
    .index("by_created_at", ["createdAt"]),

  // Queued by the mutation that causes the job; run by the service's workers.
  jobs: defineTable({
    publicId: v.string(),
    kind: jobKind,
    session: v.union(v.id("sessions"), v.null()),
    userId: v.string(),
    status: jobStatus,
    progress: v.number(),
    attempts: v.number(),
    errorCode: nullableText,
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_public_id", ["publicId"])
    .index("by_session", ["session"]),

  // `publicId` is the `sub` of the tokens. Written by accounts.ts only.
  accounts: defineTable({
    publicId: v.string(),
    /** Null only in rows of the other arm, which gives an address to one account. */
    email: nullableText,
    name: v.string(),
    password: nullableText,
    role: v.string(),
    subscriptionTier: v.string(),
    learningPreferencesJson: v.string(),
    emotionalProfileJson: v.string(),
    ability: v.number(),
    failedLogins: v.number(),
    lockedUntil: nullableMs,
    createdAt: v.number(),
    lastActive: v.number(),
  })
    .index("by_public_id", ["publicId"])
    .index("by_email", ["email"]),

  // Swept once expired: an expired token is refused without it.
  revokedTokens: defineTable({ jti: v.string(), userId: v.string(), expiresAt: v.number() })
    .index("by_jti", ["jti"])
    .index("by_expires_at", ["expiresAt"]),

  // A board's document is snapshot `generation` plus the updates after `through`; a draft of a coming snapshot takes
  // `nextGeneration`. Written by boards.ts only.
  boards: defineTable({
    session: v.id("sessions"),
    generation: v.number(),
    nextGeneration: v.number(),
    parts: v.number(),
    through: v.number(),
    nextSeq: v.number(),
    updatedAt: v.number(),
  }).index("by_session", ["session"]),
  boardUpdates: defineTable({ board: v.id("boards"), seq: v.number(), update: v.bytes() }).index("by_board_and_seq", [
    "board",
    "seq",
  ]),
  boardSnapshots: defineTable({
    board: v.id("boards"),
    generation: v.number(),
    part: v.number(),
    bytes: v.bytes(),
  }).index("by_board_and_generation_and_part", ["board", "generation", "part"]),

  // The change feed (contract rest.md §7): one row per row of a kind in model/kinds.ts, and per tombstone. Written by
  // model/rows.ts and model/applyChange.ts in the transaction of the write itself; read by changes.ts. `ts` is the order of
  // commits; `row` is the store id of the row, null in a tombstone.
  changes: defineTable({
    kind: v.string(),
    key: v.string(),
    userId: v.string(),
    op: changeOp,
    version: v.number(),
    origin,
    at: v.number(),
    row: v.union(v.string(), v.null()),
    /** The greatest version of the row that the other arm wrote and that has been here; absent: none. */
    seen: v.optional(v.number()),
    ts: v.commitTs(),
  })
    .index("by_kind_and_key", ["kind", "key"])
    .index("by_ts", ["ts"])
    .index("by_op_and_ts", ["op", "ts"])
    .index("by_user_id_and_ts", ["userId", "ts"]),

  // At most one row, written by the retention of the feed: `horizon` is the cursor below which changes may be gone.
  feedState: defineTable({ horizon: v.number(), recordedKinds: v.array(v.string()) }),

  // The three below: written and read by probe.ts for the contract suite of hosts (embedded-convex.md §8), empty
  // wherever PROBE_ENABLED is not set. One `run` a suite, removed at its end; a suite writes some hundred rows.
  probeValues: defineTable({ run: v.string(), key: v.string(), value: v.optional(v.any()) })
    .index("by_run_and_key", ["run", "key"])
    .index("by_run_and_value", ["run", "value"]),
  probeCounters: defineTable({ run: v.string(), count: v.number() }).index("by_run", ["run"]),
  probeEvents: defineTable({ run: v.string(), name: v.string(), at: v.commitTs() }).index("by_run_and_at", [
    "run",
    "at",
  ]),
});
