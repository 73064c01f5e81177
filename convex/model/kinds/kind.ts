// What the change feed knows of one kind of row (contract rest.md §7): its key, its owner, its columns, and how a row that
// comes from the other arm is stored. `kinds.ts` lists them.
import type { WithoutSystemFields } from "convex/server";
import type { Doc, Id } from "../../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../../_generated/server.js";

export type KindTable =
  | "folders"
  | "sessions"
  | "sessionMessages"
  | "whiteboardSnapshots"
  | "boards"
  | "interactionLogs"
  | "conceptEvents"
  | "processedMessages"
  | "accounts"
  | "revokedTokens";

export type Fields<T extends KindTable> = WithoutSystemFields<Doc<T>>;

/** What the rows of a session take from it: the beginning of their key, and their owner. */
export type SessionName = Pick<Doc<"sessions">, "publicId" | "userId">;

/** A row as it travels: the columns of the contract. */
export type Data = Readonly<Record<string, unknown>>;

/** Why a change cannot be stored, for its sender. One that begins with `later:` may be sent again as it is. */
export class Refusal {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Changes of one session or user being applied in one transaction. */
export interface Applying {
  readonly ctx: MutationCtx;
  /** The session of a row, with what this transaction has changed of it; null when it is unknown here. */
  session(publicId: string): Promise<Doc<"sessions"> | null>;
  /** Written once, at the end. */
  patchSession(session: Doc<"sessions">, changes: Partial<Fields<"sessions">>): void;
  /** Removes a session with all its rows, in batches. */
  dropSession(session: Doc<"sessions">): Promise<void>;
}

export interface Incoming<T extends KindTable> {
  readonly data: Data;
  readonly key: string;
  readonly existing: Doc<T> | null;
  /** Of rows of a session: always there. */
  readonly session: Doc<"sessions"> | null;
  /** Number of the row in its session, which its id was made from; absent where it is not known. */
  readonly row?: number | undefined;
}

export interface KindOf<T extends KindTable> {
  readonly name: string;
  readonly table: T;
  readonly columns: Readonly<Record<string, Check>>;
  /** Columns that no digest shows. */
  readonly secrets?: readonly string[];
  /** Fields of the stored row that its columns show: a patch of others is no write. */
  readonly shown: ReadonlySet<keyof Fields<T>>;
  /** `required`: the row is stored under its session and waits for it. `named`: it names one and outlives it. */
  readonly session?: "required" | "named";
  readonly key: (row: Fields<T>, session: SessionName) => string;
  readonly owner: (row: Fields<T>, session: SessionName) => string;
  readonly keyOf: (data: Data) => string;
  /** Whether the stored row is a row of the kind already. */
  readonly isLive?: (row: Fields<T>) => boolean;
  /** Epoch ms from which the row no longer counts, purged or not. */
  readonly keptUntil?: (row: Doc<T>) => number;
  readonly find: (ctx: QueryCtx, key: string, session: Doc<"sessions"> | null) => Promise<Doc<T> | null>;
  readonly project: (ctx: QueryCtx, row: Doc<T>, key: string) => Promise<Data> | Data;
  readonly apply: (work: Applying, incoming: Incoming<T>) => Promise<Id<T> | Refusal>;
  /** Beside the row itself: counters of its session. */
  readonly removed?: (work: Applying, row: Doc<T>, session: Doc<"sessions"> | null) => Promise<void> | void;
}

/** One of any table: each function gets only rows of its own, which the compiler cannot see through a list. */
export type Kind = KindOf<KindTable>;

export const kind = <T extends KindTable>(of: KindOf<T>): Kind => of as unknown as Kind;

/** Replaces the row, or makes it. */
export async function store<T extends KindTable>(
  ctx: MutationCtx,
  table: T,
  existing: Doc<T> | null,
  fields: Fields<T>,
): Promise<Id<T>> {
  if (!existing) return ctx.db.insert(table, fields);
  await ctx.db.patch(table, existing._id, fields as never);
  return existing._id;
}

/** The part of a key behind the session's. */
export const tailOf = (key: string): string => key.slice(key.indexOf("/") + 1);

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === "string";
export const isWhole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
export const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isList: Check = Array.isArray;
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const isOneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
