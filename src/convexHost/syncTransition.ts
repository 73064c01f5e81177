// What a connection's queries gave, and when that makes one state of the database to send (embedded-convex §3.10). Pure.
import type { AddedQuery, Modification, Version } from "./syncWire.ts";
import type { Outcome } from "./words.ts";

/** The newest result of a query. */
export interface Seen {
  /** Read at this moment. */
  readonly ts: bigint;
  /** From when on another run may give another result; null: not that we know. */
  readonly staleAt: bigint | null;
  /** Equal digests: the same result, for the client. */
  readonly digest: string;
  readonly hasReadIdentity: boolean;
  /** null once the client has it. */
  readonly undelivered: Outcome | null;
}

export interface HeldQuery {
  /** With the journal of its newest result. */
  readonly query: AddedQuery;
  /** The version of the query set that brought it: an id may come again after its removal. */
  readonly addedIn: number;
  /** null: never run, or run for another identity. */
  readonly seen: Seen | null;
  /** Of the result that the client has; null: none yet. */
  readonly sentDigest: string | null;
}

export type Queries = ReadonlyMap<number, HeldQuery>;

export interface Removal {
  readonly queryId: number;
  readonly removedIn: number;
}

/** What the client asked for, and what a transition can bring it to. */
export type Target = Omit<Version, "ts">;

/** Whether it must be run before the client may have what is new. */
export function isStale({ seen }: HeldQuery): boolean {
  return seen === null || seen.staleAt !== null;
}

/** Whether the client has the newest result, and that still holds. */
export function isCurrent(held: HeldQuery): boolean {
  return !isStale(held) && held.seen?.undelivered === null;
}

/**
 * A moment at which all queries of `target` had their newest results at once, not before `sentTs`; null when there is none
 * that we know. `heardTs`: results are known to hold or not for commits up to here, and no further.
 */
export function commonTs(queries: Queries, target: Target, sentTs: bigint, heardTs: bigint): bigint | null {
  let ts = sentTs;
  let endsAt: bigint | null = null;
  for (const held of queries.values()) {
    if (held.addedIn > target.querySet) continue;
    if (held.seen === null) return null;
    if (held.seen.ts > ts) ts = held.seen.ts;
    const { staleAt } = held.seen;
    if (staleAt !== null && (endsAt === null || staleAt < endsAt)) endsAt = staleAt;
  }
  if (ts > heardTs || (endsAt !== null && endsAt <= ts)) return null;
  return endsAt === null ? heardTs : ts;
}

export interface Delivery {
  readonly queries: Queries;
  readonly removals: readonly Removal[];
  readonly modifications: readonly Modification[];
}

/** What the client lacks to be at `target`: removals first, because an id may have come again; only results that changed. */
export function deliver(queries: Queries, removals: readonly Removal[], target: Target): Delivery {
  const modifications: Modification[] = removals
    .filter(({ removedIn }) => removedIn <= target.querySet)
    .map(({ queryId }) => ({ type: "removed", queryId }));
  const after = new Map(queries);
  for (const [queryId, held] of queries) {
    const outcome = held.seen?.undelivered;
    if (held.addedIn > target.querySet || held.seen === null || outcome === null || outcome === undefined) continue;
    const { digest } = held.seen;
    after.set(queryId, { ...held, sentDigest: digest, seen: { ...held.seen, undelivered: null } });
    if (digest !== held.sentDigest) {
      modifications.push({ type: "result", queryId, outcome, journal: held.query.journal });
    }
  }
  return { queries: after, removals: removals.filter(({ removedIn }) => removedIn > target.querySet), modifications };
}

/** `held` with what a run gave. A page keeps its end: the journal of a run that made none stays the one before. */
export function withResult(
  held: HeldQuery,
  result: { readonly ts: bigint; readonly staleAt: bigint | null; readonly digest: string; readonly outcome: Outcome },
): HeldQuery {
  const { ts, staleAt, digest, outcome } = result;
  const query = { ...held.query, journal: outcome.journal ?? held.query.journal };
  const seen: Seen = { ts, staleAt, digest, hasReadIdentity: outcome.hasReadIdentity, undelivered: outcome };
  return { ...held, query, seen };
}
