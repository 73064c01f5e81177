// Names and shapes of the functions that the bench calls.
import { anyApi, type ApiFromModules, type FunctionReference } from "convex/server";
import type * as rows from "./functions/rows.ts";

export const api = anyApi as unknown as ApiFromModules<{ rows: typeof rows }>;

type Mutation<Args extends Record<string, unknown>, Result> = FunctionReference<"mutation", "public", Args, Result>;
type Query<Args extends Record<string, unknown>, Result> = FunctionReference<"query", "public", Args, Result>;

export interface Found {
  readonly status: string;
  readonly board: string;
  readonly generation: number;
  readonly parts: number;
  readonly through: number;
}

interface Snapshot extends Record<string, unknown> {
  readonly board: string;
  readonly generation: number;
}

/** Of the product's functions, what a board's load and append need (embedded-convex.md §7 "Yjs storage"). */
export const product = anyApi as unknown as {
  readonly sessions: {
    readonly create: Mutation<
      { now: number; id: string; spareId: string; folderId: string | null },
      { outcome: string; body?: string | null }
    >;
    readonly access: Query<{ id: string }, { access: string; session?: string }>;
  };
  readonly boards: {
    readonly open: Mutation<{ session: string; now: number }, Found>;
    readonly find: Query<{ session: string }, Found>;
    readonly append: Mutation<{ board: string; update: ArrayBuffer; now: number }, { status: string; seq?: number }>;
    readonly updates: Query<{ board: string; after: number }, { updates: { update: ArrayBuffer }[]; hasMore: boolean }>;
    readonly part: Query<Snapshot & { part: number }, ArrayBuffer | null>;
    readonly draft: Mutation<{ board: string }, { status: string; generation?: number }>;
    readonly writePart: Mutation<Snapshot & { part: number; bytes: ArrayBuffer }, { status: string }>;
    readonly commitSnapshot: Mutation<Snapshot & { parts: number; through: number; now: number }, { status: string }>;
  };
};
