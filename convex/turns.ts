import { v } from "convex/values";
import { serviceQuery, userMutation, userQuery } from "./model/functions.ts";
import { claimLease, heldUntil, holdsLease, releaseLease } from "./model/leases.ts";
import { logEntry } from "./model/logs.ts";
import { ownedSessionRow, sessionById } from "./model/sessions.ts";
import { beginTurn, finishTurn, openSession } from "./model/turns.ts";
import { analysisStatus, message } from "./model/validators.ts";

const messages = v.array(message);
const state = {
  contextJson: v.string(),
  interactionMode: v.string(),
  folderId: v.union(v.string(), v.null()),
  latestTurnNo: v.number(),
  logRows: v.number(),
  revision: v.number(),
  conceptEventRows: v.number(),
  analysisStatus,
};

/** What a tutor socket needs at its handshake; null when the session is not the caller's. */
export const open = userQuery({
  args: { id: v.string() },
  returns: v.union(v.object({ session: v.id("sessions"), messages, ...state }), v.null()),
  handler: (ctx, { id }) => openSession(ctx, id),
});

export const begin = userMutation({
  args: {
    session: v.id("sessions"),
    now: v.number(),
    instance: v.string(),
    holds: v.boolean(),
    clientMessageId: v.optional(v.string()),
    interactionMode: v.optional(v.string()),
    log: v.optional(logEntry),
    userText: v.optional(v.string()),
    knownThrough: v.optional(v.number()),
    knownRevision: v.optional(v.number()),
    dryRun: v.optional(v.boolean()),
  },
  returns: v.union(
    v.object({ status: v.literal("gone") }),
    v.object({ status: v.literal("busy") }),
    v.object({ status: v.literal("stale"), logRows: v.number() }),
    v.object({ status: v.literal("repeat"), framesJson: v.string() }),
    v.object({
      status: v.literal("ready"),
      inputTurnNo: v.union(v.number(), v.null()),
      isInputReused: v.boolean(),
      processed: v.union(v.id("processedMessages"), v.null()),
      messages: v.union(messages, v.null()),
      ...state,
    }),
  ),
  handler: (ctx, args) => beginTurn(ctx, args),
});

export const finish = userMutation({
  args: {
    session: v.id("sessions"),
    now: v.number(),
    instance: v.string(),
    clientMessageId: v.optional(v.string()),
    processed: v.optional(v.id("processedMessages")),
    framesJson: v.string(),
    contextJson: v.string(),
    reply: v.optional(v.object({ turnNo: v.number(), text: v.string(), payloadJson: v.string() })),
    actionsJson: v.optional(v.string()),
    conceptEvents: v.array(
      v.object({ id: v.string(), concept: v.string(), outcome: v.string(), deltaMastery: v.number() }),
    ),
    claimJobId: v.optional(v.string()),
    dryRun: v.optional(v.boolean()),
  },
  returns: v.union(
    v.object({ status: v.literal("stored") }),
    v.object({ status: v.literal("stale") }),
    v.object({ status: v.literal("gone") }),
  ),
  handler: (ctx, args) => finishTurn(ctx, args),
});

/** A long turn goes on. False: it ran out and another instance has the session now. */
export const renew = userMutation({
  args: { session: v.id("sessions"), instance: v.string() },
  returns: v.boolean(),
  handler: async (ctx, { session, instance }) =>
    (await ownedSessionRow(ctx, session)) !== null &&
    (await holdsLease(ctx, session, instance)) &&
    (await claimLease(ctx, session, instance)),
});

/** A turn was given up. */
export const release = userMutation({
  args: { session: v.id("sessions"), instance: v.string() },
  returns: v.null(),
  handler: async (ctx, { session, instance }) => {
    if (await ownedSessionRow(ctx, session)) await releaseLease(ctx, session, instance);
    return null;
  },
});

/** Until when a turn holds the session, by the deployment's clock; 0: none does. Instances that wait subscribe to it. */
export const busyUntil = serviceQuery({
  args: { id: v.string() },
  returns: v.number(),
  handler: async (ctx, { id }) => {
    const session = await sessionById(ctx, id);
    return session ? heldUntil(ctx, session._id) : 0;
  },
});
