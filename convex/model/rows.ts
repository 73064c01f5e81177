// The only writer of the tables whose rows the change feed carries (kinds.ts): each write notes its change in the same
// transaction. A test reads the sources of this folder and finds every write that goes around it.
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { kindOf } from "./kinds.ts";
import type { Fields, Kind, KindTable, SessionName } from "./kinds/kind.ts";
import type { ChangeOp, Origin } from "./validators.ts";

/** Of this arm. */
export const OWN_ORIGIN: Origin = "candidate";

export interface Write {
  /** Epoch ms, by the clock of whoever writes. */
  readonly at: number;
  /** Of rows that are stored under their session. */
  readonly session?: SessionName;
  /** The row's kind shows something beside the row that has changed with it. */
  readonly isTouched?: boolean;
}

export const changeOf = (ctx: QueryCtx, kind: string, key: string): Promise<Doc<"changes"> | null> =>
  ctx.db
    .query("changes")
    .withIndex("by_kind_and_key", (q) => q.eq("kind", kind).eq("key", key))
    .first();

export interface Noted {
  readonly kind: string;
  readonly key: string;
  readonly userId: string;
  readonly op: ChangeOp;
  readonly version: number;
  readonly origin: Origin;
  readonly at: number;
  readonly row: string | null;
  /** The greatest version that the other arm wrote and that has been here. */
  readonly seen: number;
}

/** Puts a row's change at the end of the feed, in the place of the one before it. */
export async function note(ctx: MutationCtx, change: Noted, before: Doc<"changes"> | null): Promise<void> {
  const fields = { ...change, ts: ctx.db.vars.commitTs };
  if (before) await ctx.db.replace("changes", before._id, fields);
  else await ctx.db.insert("changes", fields);
}

function sessionOf(kind: Kind, { session }: Write): SessionName {
  if (session) return session;
  if (kind.session === "required") throw new TypeError(`a row of ${kind.name} is written without its session`);
  return { publicId: "", userId: "" };
}

/** Of one table or another: which one, the compiler cannot see. */
const plain = (row: object): Fields<KindTable> => row as Fields<KindTable>;

async function noteOwn(ctx: MutationCtx, kind: Kind, row: Fields<KindTable>, id: string | null, write: Write) {
  const session = sessionOf(kind, write);
  const key = kind.key(row, session);
  const before = await changeOf(ctx, kind.name, key);
  const op = id === null ? "delete" : "upsert";
  const userId = kind.owner(row, session);
  const version = (before?.version ?? 0) + 1;
  const at = Math.trunc(write.at);
  const seen = before?.seen ?? 0;
  await note(ctx, { kind: kind.name, key, userId, op, version, origin: OWN_ORIGIN, at, row: id, seen }, before);
}

const isLive = (kind: Kind, row: Fields<KindTable>): boolean => kind.isLive?.(row) ?? true;

export async function put<T extends KindTable>(
  ctx: MutationCtx,
  table: T,
  fields: Fields<T>,
  write: Write,
): Promise<Id<T>> {
  const kind = kindOf(table);
  const id = await ctx.db.insert(table, fields);
  if (isLive(kind, plain(fields))) await noteOwn(ctx, kind, plain(fields), id, write);
  return id;
}

/** Only what the columns of the kind show counts as a write of the row. */
export async function patch<T extends KindTable>(
  ctx: MutationCtx,
  table: T,
  row: Doc<T>,
  changes: Partial<Fields<T>>,
  write: Write,
): Promise<void> {
  const kind = kindOf(table);
  const names = Object.keys(changes) as (keyof Fields<T>)[];
  const changed = names.filter((name) => changes[name] !== row[name]);
  if (changed.length > 0) await ctx.db.patch(table, row._id, changes as never);
  const next = plain({ ...row, ...changes });
  if (!isLive(kind, next)) return;
  const isShown = changed.some((name) => kind.shown.has(name as never));
  if (isShown || write.isTouched || !isLive(kind, plain(row))) await noteOwn(ctx, kind, next, row._id, write);
}

export async function remove<T extends KindTable>(
  ctx: MutationCtx,
  table: T,
  row: Doc<T>,
  write: Write,
): Promise<void> {
  const kind = kindOf(table);
  await ctx.db.delete(table, row._id);
  if (isLive(kind, plain(row))) await noteOwn(ctx, kind, plain(row), null, write);
}

/** Removes a row without a tombstone: nobody has to hear of it, since its time is over or that of its session. */
export async function drop<T extends KindTable>(
  ctx: MutationCtx,
  table: T,
  row: Doc<T>,
  session?: SessionName,
): Promise<void> {
  const kind = kindOf(table);
  await ctx.db.delete(table, row._id);
  if (!isLive(kind, plain(row))) return;
  const change = await changeOf(ctx, kind.name, kind.key(plain(row), session ?? { publicId: "", userId: "" }));
  if (change?.row === row._id) await ctx.db.delete("changes", change._id);
}

/** Gives a row of an earlier version, which no write has noted, its place in the feed. */
export async function noteUnnoted<T extends KindTable>(ctx: MutationCtx, table: T, row: Doc<T>, write: Write) {
  const kind = kindOf(table);
  if (!isLive(kind, plain(row))) return;
  if (await changeOf(ctx, kind.name, kind.key(plain(row), sessionOf(kind, write)))) return;
  await noteOwn(ctx, kind, plain(row), row._id, write);
}
