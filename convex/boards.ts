import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import * as boards from "./model/boards.ts";
import { serviceQuery, userMutation, userQuery } from "./model/functions.ts";

const found = v.object({
  status: v.literal("found"),
  board: v.id("boards"),
  generation: v.number(),
  parts: v.number(),
  through: v.number(),
  nextSeq: v.number(),
});
const gone = v.object({ status: v.literal("gone") });
const stored = v.object({ status: v.literal("stored") });
const stale = v.object({ status: v.literal("stale") });

export const find = userQuery({
  args: { session: v.id("sessions") },
  returns: v.union(found, v.object({ status: v.literal("empty") }), gone),
  handler: (ctx, { session }) => boards.findBoard(ctx, session),
});

export const open = userMutation({
  args: { session: v.id("sessions"), now: v.number() },
  returns: v.union(found, gone),
  handler: async (ctx, { session, now }) => {
    const board = await boards.openBoard(ctx, session, now);
    if (board.status === "gone") return board;
    const { status, board: id, generation, parts, through, nextSeq } = board;
    return { status, board: id, generation, parts, through, nextSeq };
  },
});

export const append = userMutation({
  args: { board: v.id("boards"), update: v.bytes(), now: v.number() },
  returns: v.union(v.object({ status: v.literal("stored"), seq: v.number() }), gone),
  handler: (ctx, { board, update, now }) => boards.appendUpdate(ctx, board, update, now),
});

export const updates = userQuery({
  args: { board: v.id("boards"), after: v.number() },
  returns: v.object({
    updates: v.array(v.object({ seq: v.number(), update: v.bytes() })),
    hasMore: v.boolean(),
  }),
  handler: (ctx, { board, after }) => boards.updatesAfter(ctx, board, after),
});

export const part = userQuery({
  args: { board: v.id("boards"), generation: v.number(), part: v.number() },
  returns: v.union(v.bytes(), v.null()),
  handler: (ctx, args) => boards.readPart(ctx, args.board, args.generation, args.part),
});

export const draft = userMutation({
  args: { board: v.id("boards") },
  returns: v.union(v.object({ status: v.literal("drafted"), generation: v.number() }), gone),
  handler: (ctx, { board }) => boards.draftSnapshot(ctx, board),
});

export const writePart = userMutation({
  args: { board: v.id("boards"), generation: v.number(), part: v.number(), bytes: v.bytes() },
  returns: v.union(stored, stale, gone),
  handler: (ctx, args) => boards.writePart(ctx, args),
});

export const commitSnapshot = userMutation({
  // `now` is sent by instances of earlier versions.
  args: {
    board: v.id("boards"),
    generation: v.number(),
    parts: v.number(),
    through: v.number(),
    now: v.optional(v.number()),
  },
  returns: v.union(stored, stale, gone),
  handler: (ctx, args) => boards.commitSnapshot(ctx, args),
});

export const sweep = internalMutation({
  args: { board: v.id("boards") },
  returns: v.null(),
  handler: async (ctx, { board }) => {
    await boards.sweepBoard(ctx, board);
    return null;
  },
});

/** What an instance follows of a session that it holds open; null: the session is gone. Changes with every turn and update. */
export const watch = serviceQuery({
  args: { session: v.id("sessions") },
  returns: v.union(v.object({ lastSeq: v.number(), lastSnapshot: v.number() }), v.null()),
  handler: (ctx, { session }) => boards.watchSession(ctx, session),
});
