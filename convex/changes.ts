import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { applyBatch, givenGroup, groupResult } from "./model/applyChange.ts";
import { incomingBoard, mergeBoard, placeOf } from "./model/boardMerge.ts";
import {
  fedChange,
  noteEarlier,
  readPage,
  readRows,
  readUsers,
  retain as retainFeed,
  rowData,
} from "./model/changes.ts";
import { clearUser as clear } from "./model/clear.ts";
import { serviceMutation, serviceQuery } from "./model/functions.ts";
import { sessionById } from "./model/sessions.ts";
import { origin } from "./model/validators.ts";

/** The largest page on the wire. */
const PAGE_MAX = 1_000;

export const page = serviceQuery({
  args: { after: v.number(), limit: v.number(), userId: v.optional(v.string()), origin: v.optional(origin) },
  returns: v.object({
    changes: v.array(fedChange),
    cursor: v.number(),
    more: v.boolean(),
    horizon: v.number(),
    kinds: v.array(v.string()),
  }),
  handler: (ctx, args) => readPage(ctx, { ...args, limit: Math.min(args.limit, PAGE_MAX) }),
});

/** Whoever has rows here, or had some that are remembered. */
export const users = serviceQuery({
  args: { after: v.string(), limit: v.number() },
  returns: v.array(v.string()),
  handler: (ctx, { after, limit }) => readUsers(ctx, after, Math.min(limit, PAGE_MAX + 1)),
});

/** Of shadow instances only; the service asks until there is no more. */
export const clearUser = serviceMutation({
  args: { userId: v.string() },
  returns: v.object({ more: v.boolean(), session: v.union(v.string(), v.null()) }),
  handler: (ctx, { userId }) => clear(ctx, userId),
});

/** Rows that a page had no room for. */
export const rows = serviceQuery({
  args: { wanted: v.array(v.object({ id: v.id("changes"), seq: v.number() })) },
  returns: v.array(v.union(rowData, v.null())),
  handler: (ctx, { wanted }) => readRows(ctx, wanted),
});

/** Of each session the highest numbers of the rows whose ids derive from them (G4); zeros where it is not here. */
export const rowNumbers = serviceQuery({
  args: { sessions: v.array(v.string()) },
  returns: v.array(v.object({ interaction_logs: v.number(), concept_events: v.number() })),
  handler: async (ctx, { sessions }) => {
    const found = await Promise.all(sessions.map((id) => sessionById(ctx, id)));
    return found.map((session) => ({
      interaction_logs: session?.logRows ?? 0,
      concept_events: session?.conceptEventRows ?? 0,
    }));
  },
});

export const apply = serviceMutation({
  args: { instance: v.string(), now: v.number(), groups: v.array(givenGroup) },
  returns: v.array(groupResult),
  handler: (ctx, args) => applyBatch(ctx, args),
});

/** Where the board of a change is, and whether the change is one; its `state` may be left empty. */
export const boardPlace = serviceQuery({
  args: { json: v.string() },
  returns: v.union(
    v.object({
      status: v.literal("found"),
      id: v.string(),
      session: v.id("sessions"),
      userId: v.string(),
      incoming: incomingBoard,
    }),
    v.object({ status: v.literal("removed") }),
    v.object({ status: v.literal("rejected"), reason: v.string() }),
  ),
  handler: (ctx, { json }) => placeOf(ctx, JSON.parse(json)),
});

export const merge = serviceMutation({
  args: {
    board: v.id("boards"),
    after: v.number(),
    update: v.optional(v.bytes()),
    incoming: incomingBoard,
    isMixed: v.boolean(),
    now: v.number(),
  },
  returns: v.union(
    v.object({ status: v.literal("stored"), seq: v.optional(v.number()) }),
    v.object({ status: v.literal("skipped") }),
    v.object({ status: v.literal("stale") }),
    v.object({ status: v.literal("gone") }),
  ),
  handler: (ctx, args) => mergeBoard(ctx, args),
});

export const retain = internalMutation({
  args: {},
  returns: v.number(),
  handler: (ctx): Promise<number> => retainFeed(ctx, Date.now()),
});

export const noteEarlierRows = internalMutation({
  args: { cursor: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { cursor }) => {
    await noteEarlier(ctx, Date.now(), cursor);
    return null;
  },
});
