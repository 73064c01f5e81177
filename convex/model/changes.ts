// Reading the change feed (contract rest.md §7), and its retention. Positions on the wire are whole microseconds of the
// commit timestamp: all changes of one transaction share theirs, and a page never splits one.
import { type Infer, v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { kindNamed, KINDS } from "./kinds.ts";
import type { Kind, SessionName } from "./kinds/kind.ts";
import { noteUnnoted } from "./rows.ts";
import { changeOp, origin } from "./validators.ts";

/** Of the feed: how long a reader may stay away. */
export const FEED_MS = 7 * 24 * 60 * 60 * 1_000;
/** Rows that one query reads: no further row once they weigh so much. */
export const DATA_CHARS_MAX = 3 * 1_048_576;
export const RETAIN_BATCH = 256;
/** Rows of one kind that one transaction gives their place in the feed. */
const UNNOTED_BATCH = 100;

const NS_PER_US = 1_000n;
const NS_PER_MS = 1_000_000n;

const position = (ts: bigint): number => Number(ts / NS_PER_US);
/** The first timestamp behind a position. */
const behind = (cursor: number): bigint => (BigInt(cursor) + 1n) * NS_PER_US;

export const rowData = v.object({
  /** JSON text of the row's columns; of a board without its `state`. */
  data: v.string(),
  /** Epoch ms from which the row no longer counts. */
  keptUntil: v.union(v.number(), v.null()),
  /** Columns that no digest shows. */
  secrets: v.array(v.string()),
  /** Of a board: where its document is, and its newest update. */
  board: v.union(v.object({ session: v.id("sessions"), lastSeq: v.number() }), v.null()),
});
type RowData = Infer<typeof rowData>;

export const fedChange = v.object({
  id: v.id("changes"),
  seq: v.number(),
  kind: v.string(),
  op: changeOp,
  key: v.string(),
  userId: v.string(),
  version: v.number(),
  origin,
  at: v.number(),
  seen: v.optional(v.number()),
  /** Null with `delete`, and where it is to be read by itself. */
  row: v.union(rowData, v.null()),
});
type FedChange = Infer<typeof fedChange>;

const seqOf = (change: Doc<"changes">): number => position(change.ts as bigint);

async function readRow(ctx: QueryCtx, change: Doc<"changes">): Promise<RowData | null> {
  const kind = kindNamed(change.kind);
  const row = kind && change.row !== null ? await ctx.db.get(kind.table, change.row as Id<typeof kind.table>) : null;
  if (!kind || !row) return null;
  const board = kind.table === "boards" ? boardOf(row as unknown as Doc<"boards">) : null;
  const data = JSON.stringify(await kind.project(ctx, row, change.key));
  return { data, keptUntil: kind.keptUntil?.(row) ?? null, secrets: [...(kind.secrets ?? [])], board };
}

const boardOf = (board: Doc<"boards">) => ({ session: board.session, lastSeq: board.nextSeq - 1 });

export interface PageRequest {
  readonly after: number;
  readonly limit: number;
  readonly userId?: string;
  /** Others are passed over; they count for the limit. */
  readonly origin?: Infer<typeof origin>;
}

function inOrder(ctx: QueryCtx, { after, userId }: PageRequest) {
  const from = behind(after);
  return userId === undefined
    ? ctx.db.query("changes").withIndex("by_ts", (q) => q.gte("ts", from))
    : ctx.db.query("changes").withIndex("by_user_id_and_ts", (q) => q.eq("userId", userId).gte("ts", from));
}

async function firstChanges(ctx: QueryCtx, request: PageRequest) {
  const taken: Doc<"changes">[] = [];
  for await (const change of inOrder(ctx, request)) {
    const last = taken.at(-1);
    if (last && taken.length >= request.limit && seqOf(change) !== seqOf(last)) return { taken, more: true };
    taken.push(change);
  }
  return { taken, more: false };
}

/** The horizon: a reader that stayed behind it may have missed changes. */
export async function horizonOf(ctx: QueryCtx): Promise<number> {
  return (await ctx.db.query("feedState").first())?.horizon ?? 0;
}

/** Changes behind a position with the rows as they are in the same moment. */
export async function readPage(ctx: QueryCtx, request: PageRequest) {
  const end = position(ctx.meta.getSnapshotTs());
  const { taken, more } = await firstChanges(ctx, request);
  const changes: FedChange[] = [];
  let chars = 0;
  for (const change of taken) {
    if (request.origin !== undefined && change.origin !== request.origin) continue;
    const { _id: id, _creationTime, ts: _ts, row: stored, ...fields } = change;
    const isDue = stored !== null && chars < DATA_CHARS_MAX;
    const row = isDue ? await readRow(ctx, change) : null;
    // A row whose session is being swept: its tombstone comes with a later change.
    if (isDue && !row) continue;
    chars += row?.data.length ?? 0;
    changes.push({ id, seq: seqOf(change), ...fields, row });
  }
  const last = taken.at(-1);
  const cursor = more && last ? seqOf(last) : Math.max(end, request.after);
  return { changes, cursor, more, horizon: await horizonOf(ctx), kinds: KINDS.map(({ name }) => name) };
}

/** The next users behind one, a step of the index each. */
export async function readUsers(ctx: QueryCtx, after: string, limit: number): Promise<string[]> {
  const users: string[] = [];
  for (let last = after; users.length < limit; ) {
    const next = await ctx.db
      .query("changes")
      .withIndex("by_user_id_and_ts", (q) => q.gt("userId", last))
      .first();
    if (next === null) break;
    last = next.userId;
    users.push(last);
  }
  return users;
}

/**
 * The rows of changes that a page named without them: as many as may be read at once. Null: the change has given way to a
 * later one, which the feed tells of further on.
 */
export async function readRows(
  ctx: QueryCtx,
  wanted: readonly { id: Id<"changes">; seq: number }[],
): Promise<(RowData | null)[]> {
  const rows: (RowData | null)[] = [];
  let chars = 0;
  for (const { id, seq } of wanted) {
    if (chars >= DATA_CHARS_MAX) break;
    const change = await ctx.db.get("changes", id);
    const row = change && seqOf(change) === seq ? await readRow(ctx, change) : null;
    chars += row?.data.length ?? 0;
    rows.push(row);
  }
  return rows;
}

async function stateOf(ctx: MutationCtx): Promise<Doc<"feedState">> {
  const state = await ctx.db.query("feedState").first();
  if (state) return state;
  const id = await ctx.db.insert("feedState", { horizon: 0, recordedKinds: [] });
  return { _id: id, _creationTime: 0, horizon: 0, recordedKinds: [] };
}

/** Drops what is older than the feed keeps: tombstones; of live rows the change stays, for its version. */
export async function retain(ctx: MutationCtx, now: number): Promise<number> {
  const cutoff = BigInt(Math.trunc(now - FEED_MS)) * NS_PER_MS;
  const newest = await ctx.db
    .query("changes")
    .withIndex("by_ts", (q) => q.lt("ts", cutoff))
    .order("desc")
    .first();
  const state = await stateOf(ctx);
  const horizon = newest ? seqOf(newest) : 0;
  if (horizon > state.horizon) await ctx.db.patch("feedState", state._id, { horizon });
  const tombstones = await ctx.db
    .query("changes")
    .withIndex("by_op_and_ts", (q) => q.eq("op", "delete").lt("ts", cutoff))
    .take(RETAIN_BATCH);
  for (const tombstone of tombstones) await ctx.db.delete("changes", tombstone._id);
  if (tombstones.length === RETAIN_BATCH) await ctx.scheduler.runAfter(0, internal.changes.retain, {});
  await noteEarlierRows(ctx, state, now, null);
  return tombstones.length;
}

async function sessionNameOf(ctx: QueryCtx, kind: Kind, row: object): Promise<SessionName | null> {
  if (kind.session !== "required") return { publicId: "", userId: "" };
  return ctx.db.get("sessions", (row as { session: Id<"sessions"> }).session);
}

/** Rows of versions without a feed, kind by kind: a batch a transaction, until every kind is recorded. */
export async function noteEarlierRows(
  ctx: MutationCtx,
  state: Doc<"feedState">,
  now: number,
  cursor: string | null,
): Promise<void> {
  const kind = KINDS.find(({ name }) => !state.recordedKinds.includes(name));
  if (!kind) return;
  const page = await ctx.db.query(kind.table).paginate({ cursor, numItems: UNNOTED_BATCH });
  for (const row of page.page) {
    const session = await sessionNameOf(ctx, kind, row);
    if (session) await noteUnnoted(ctx, kind.table, row, { at: now, session });
  }
  if (page.isDone) {
    await ctx.db.patch("feedState", state._id, { recordedKinds: [...state.recordedKinds, kind.name] });
  }
  const next = page.isDone ? null : page.continueCursor;
  await ctx.scheduler.runAfter(0, internal.changes.noteEarlierRows, { cursor: next });
}

export const noteEarlier = async (ctx: MutationCtx, now: number, cursor: string | null): Promise<void> =>
  noteEarlierRows(ctx, await stateOf(ctx), now, cursor);
