// A tutor turn in two transactions: what it leaves in any case (log row, user row, mode), then effect and reply together
// (contract tutor-socket.md §2, §6; G13). The queue of the service keeps turns of one instance apart, a lease those of two.
import { ConvexError } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import type { UserMutationCtx, UserQueryCtx } from "./idempotency.ts";
import { KEPT_MS } from "./idempotency.ts";
import { claimLease, holdsLease, isHeldByOther, releaseLease } from "./leases.ts";
import { appendLog, type LogEntry } from "./logs.ts";
import { messagesBelow } from "./messages.ts";
import { drop, patch, put, type Write } from "./rows.ts";
import { ownedSession, ownedSessionRow } from "./sessions.ts";

/** Rows of O1 (tutor-socket.md §1). */
export const OPENING_ROWS = 50;
/** Chat rows of the executor's prompt (services.md §2). */
export const PROMPT_ROWS = 20;

export async function openSession(ctx: UserQueryCtx, id: string) {
  const session = await ownedSession(ctx, id);
  if (!session) return null;
  return {
    session: session._id,
    ...(await stateOf(ctx, session)),
    messages: await messagesBelow(ctx, session._id, session.latestTurnNo + 1, OPENING_ROWS),
  };
}

async function stateOf(ctx: QueryCtx, session: Doc<"sessions">) {
  const context = await ctx.db.get("sessionContexts", session.contextId);
  return {
    contextJson: context?.json ?? "{}",
    interactionMode: session.interactionMode,
    folderId: session.folderId,
    latestTurnNo: session.latestTurnNo,
    logRows: session.logRows,
    revision: session.revision ?? 0,
    conceptEventRows: session.conceptEventRows,
    analysisStatus: session.analysisStatus,
  };
}

export interface TurnStart {
  readonly session: Id<"sessions">;
  readonly now: number;
  /** Of the service. */
  readonly instance: string;
  /** The turn goes on: nobody else may write until it is finished or given up. */
  readonly holds: boolean;
  readonly clientMessageId?: string;
  readonly interactionMode?: string;
  readonly log?: LogEntry;
  readonly userText?: string;
  /** The caller holds the newest chat rows up to this turn: they are not read again. */
  readonly knownThrough?: number;
  /** The session's revision that they are of; absent: 0. */
  readonly knownRevision?: number;
  /** Answers as if it had happened and stores nothing. */
  readonly dryRun?: boolean;
}

const processedRow = (ctx: QueryCtx, session: Id<"sessions">, clientMessageId: string) =>
  ctx.db
    .query("processedMessages")
    .withIndex("by_session_and_client_message_id", (q) =>
      q.eq("session", session).eq("clientMessageId", clientMessageId),
    )
    .first();

/** The remembered row of an id, unless its 24 h are over: then it is removed and the id is new. */
async function remembered(ctx: UserMutationCtx, turn: TurnStart, session: Doc<"sessions">) {
  if (turn.clientMessageId === undefined) return null;
  const row = await processedRow(ctx, turn.session, turn.clientMessageId);
  if (!row || row.createdAt > turn.now - KEPT_MS) return row;
  await drop(ctx, "processedMessages", row, session);
  return null;
}

/** A frame that only leaves its traces waits for a running turn like any other, and holds nothing itself. */
async function mayWrite(ctx: UserMutationCtx, { session, instance, holds }: TurnStart): Promise<boolean> {
  return holds ? claimLease(ctx, session, instance) : !(await isHeldByOther(ctx, session, instance));
}

export async function beginTurn(ctx: UserMutationCtx, turn: TurnStart) {
  const session = await ownedSessionRow(ctx, turn.session);
  if (!session) return { status: "gone" as const };
  const earlier = await remembered(ctx, turn, session);
  if (earlier?.framesJson) return { status: "repeat" as const, framesJson: earlier.framesJson };
  if (!(await mayWrite(ctx, turn))) return { status: "busy" as const };

  let { latestTurnNo, logRows } = session;
  let inputTurnNo = earlier?.userTurnNo ?? null;
  if (turn.log && !earlier?.hasLogRow) {
    if (turn.log.row !== logRows + 1) return { status: "stale" as const, logRows };
    logRows += 1;
    await appendLog(ctx, session, turn.log, turn.now);
  }
  if (turn.userText !== undefined && inputTurnNo === null) {
    latestTurnNo += 1;
    inputTurnNo = latestTurnNo;
    const row = {
      session: session._id,
      turnNo: latestTurnNo,
      role: "user" as const,
      text: turn.userText,
      payloadJson: null,
      snapshotIndex: null,
      clientMessageId: turn.clientMessageId ?? null,
      createdAt: turn.now,
    };
    await put(ctx, "sessionMessages", row, { at: turn.now, session });
  }
  const stored = { userTurnNo: inputTurnNo, hasLogRow: turn.log !== undefined || (earlier?.hasLogRow ?? false) };
  let processed = earlier?._id ?? null;
  if (earlier) await patch(ctx, "processedMessages", earlier, stored, { at: turn.now, session });
  else if (turn.clientMessageId !== undefined && (stored.userTurnNo !== null || stored.hasLogRow)) {
    const { session: id, clientMessageId, now } = turn;
    const row = { session: id, clientMessageId, ...stored, framesJson: null, createdAt: now };
    processed = await put(ctx, "processedMessages", row, { at: now, session });
  }
  const interactionMode = turn.interactionMode ?? session.interactionMode;
  const next = { ...session, interactionMode, latestTurnNo, logRows };
  const changed = interactionMode !== session.interactionMode || logRows !== session.logRows;
  if (changed || latestTurnNo !== session.latestTurnNo) {
    const changes = { interactionMode, latestTurnNo, logRows, updatedAt: turn.now };
    await patch(ctx, "sessions", session, changes, { at: turn.now });
  }
  const bound = inputTurnNo ?? latestTurnNo + 1;
  // The input of a repeated id may lie further back than what the caller holds.
  const isCurrent = (turn.knownRevision ?? 0) === (session.revision ?? 0);
  const isKnown = isCurrent && turn.knownThrough === session.latestTurnNo && bound > session.latestTurnNo;
  const ready = {
    status: "ready" as const,
    ...(await stateOf(ctx, next)),
    inputTurnNo,
    isInputReused: earlier !== null && earlier.userTurnNo !== null,
    processed,
    messages: isKnown ? null : await messagesBelow(ctx, session._id, bound, PROMPT_ROWS),
  };
  // Thrown, so that the transaction is rolled back.
  if (turn.dryRun) throw new ConvexError({ code: "DRY_RUN", outcome: ready });
  return ready;
}

export interface TurnEnd {
  readonly session: Id<"sessions">;
  readonly now: number;
  readonly instance: string;
  readonly clientMessageId?: string;
  /** Row of that id, when the turn's begin made or found one. */
  readonly processed?: Id<"processedMessages">;
  readonly framesJson: string;
  readonly contextJson: string;
  /** Absent for turns without a chat row: the confirmation of `end_session`. */
  readonly reply?: { readonly turnNo: number; readonly text: string; readonly payloadJson: string };
  readonly actionsJson?: string;
  readonly conceptEvents: readonly {
    readonly id: string;
    readonly concept: string;
    readonly outcome: string;
    readonly deltaMastery: number;
  }[];
  /** Claims the session's analysis: the id of the job to queue. */
  readonly claimJobId?: string;
  readonly dryRun?: boolean;
}

type Begun = Doc<"processedMessages"> | null;

async function rememberFrames(ctx: UserMutationCtx, turn: TurnEnd, begun: Begun, write: Write): Promise<void> {
  const { session, clientMessageId, framesJson, now } = turn;
  if (clientMessageId === undefined) return;
  if (begun) return patch(ctx, "processedMessages", begun, { framesJson }, write);
  const fresh = { session, clientMessageId, userTurnNo: null, hasLogRow: false, framesJson, createdAt: now };
  await put(ctx, "processedMessages", fresh, write);
}

async function storeReply(ctx: UserMutationCtx, turn: TurnEnd, write: Write): Promise<void> {
  if (!turn.reply) return;
  const { turnNo, text, payloadJson } = turn.reply;
  const snapshotIndex = turn.actionsJson === undefined ? null : turnNo;
  if (turn.actionsJson !== undefined) {
    const { session, actionsJson, now: createdAt } = turn;
    await put(ctx, "whiteboardSnapshots", { session, snapshotIndex: turnNo, actionsJson, createdAt }, write);
  }
  const row = { session: turn.session, turnNo, role: "assistant" as const, text, payloadJson, snapshotIndex };
  await put(ctx, "sessionMessages", { ...row, clientMessageId: null, createdAt: turn.now }, write);
}

/** One write of the session's row, of all that the turn changes of it. */
async function closeTurn(ctx: UserMutationCtx, session: Doc<"sessions">, turn: TurnEnd): Promise<void> {
  const { now, reply, claimJobId } = turn;
  const before = await ctx.db.get("sessionContexts", session.contextId);
  const isTouched = before?.json !== turn.contextJson;
  if (isTouched) await ctx.db.patch("sessionContexts", session.contextId, { json: turn.contextJson });
  const hasSnapshot = reply !== undefined && turn.actionsJson !== undefined;
  const changes = {
    latestTurnNo: reply?.turnNo ?? session.latestTurnNo,
    snapshotCount: session.snapshotCount + (hasSnapshot ? 1 : 0),
    latestSnapshotIndex: hasSnapshot ? reply.turnNo : session.latestSnapshotIndex,
    conceptEventRows: session.conceptEventRows + turn.conceptEvents.length,
    updatedAt: now,
    ...(claimJobId !== undefined && { analysisStatus: "processing" as const, endedAt: now }),
  };
  await patch(ctx, "sessions", session, changes, { at: now, isTouched });
  if (claimJobId !== undefined) await queueAnalysis(ctx, session, claimJobId, now);
}

/**
 * Stores everything a successful turn changes and gives the session up. `stale`: another instance has taken the session,
 * the analysis was claimed meanwhile, or the turn number is taken; nothing is stored and the caller starts over.
 */
export async function finishTurn(ctx: UserMutationCtx, turn: TurnEnd) {
  const session = await ownedSessionRow(ctx, turn.session);
  if (!session) return { status: "gone" as const };
  const row = turn.processed && (await ctx.db.get("processedMessages", turn.processed));
  if (row && row.session !== session._id) return { status: "gone" as const };
  // Its begin was a dry run too and claimed nothing.
  if (turn.dryRun) return { status: "stored" as const };
  if (!(await holdsLease(ctx, turn.session, turn.instance))) return { status: "stale" as const };
  if (turn.reply && turn.reply.turnNo !== session.latestTurnNo + 1) return { status: "stale" as const };
  if (turn.claimJobId !== undefined && session.analysisStatus !== null) return { status: "stale" as const };

  const { conceptEvents, now } = turn;
  const write = { at: now, session };
  await storeReply(ctx, turn, write);
  await rememberFrames(ctx, turn, row ?? null, write);
  for (const { id: publicId, ...event } of conceptEvents) {
    const owner = { sessionId: session.publicId, userId: ctx.userId, createdAt: now };
    await put(ctx, "conceptEvents", { publicId, ...owner, ...event }, write);
  }
  await closeTurn(ctx, session, turn);
  await releaseLease(ctx, turn.session, turn.instance);
  return { status: "stored" as const };
}

/** null → `processing`, once (services.md §9). The job row commits with the claim. */
async function queueAnalysis(ctx: UserMutationCtx, session: Doc<"sessions">, jobId: string, now: number) {
  await ctx.db.insert("jobs", {
    publicId: jobId,
    kind: "session_analysis",
    session: session._id,
    userId: ctx.userId,
    status: "queued",
    progress: 0,
    attempts: 0,
    errorCode: null,
    createdAt: now,
    updatedAt: now,
  });
}
