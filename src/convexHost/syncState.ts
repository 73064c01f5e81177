// What a connection of the sync protocol knows, hears and does (embedded-convex §3.10): plain data for syncSession.ts.
import type { Fact, StaleQuery } from "./queryFacts.ts";
import type { Queries, Removal, Target } from "./syncTransition.ts";
import type { AddedQuery, ClientMessage, Credential, RequestMessage, ServerMessage, Version } from "./syncWire.ts";
import type { Caller, Outcome } from "./words.ts";

export const SESSION_LIMITS = {
  queries: 2_048,
  /** Paths and arguments of all queries together, as text. */
  querySetLength: 16 * 1_024 * 1_024,
  /** Messages that wait for a mutation, an action or a token before them: beyond it the socket is not read. */
  waiting: 1_024,
  waitingLength: 32 * 1_024 * 1_024,
  /** What a socket may still bring after it is no longer read. */
  waitingHard: 8 * 1_024,
  actionsAtOnce: 64,
  /** For the first message; a client may fetch a token before it. */
  connectMs: 60_000,
  /** Runs of single queries before all are run at once, which always makes one moment. */
  runsApart: 2,
} as const;

/** Why a socket is closed, as the protocol and the official client have it. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  policy: 1008,
  internal: 1011,
  tryAgain: 1013,
} as const;

export interface Call {
  readonly message: RequestMessage;
  /** Who called when it came. */
  readonly caller: Caller;
  readonly frameLength: number;
}

export interface Arrived {
  readonly message: ClientMessage;
  readonly frameLength: number;
}

export interface Run {
  readonly generation: number;
  readonly target: Target;
  readonly isAlone: boolean;
  /** The mutations that had ended when it began: it saw them. */
  readonly owedTs: bigint | null;
  /** Of another identity meanwhile: its results are not used, but the next run waits for it, so that there is one. */
  readonly isObsolete: boolean;
}

export interface SessionState {
  readonly phase: "unconnected" | "open" | "ended";
  readonly openedAtMs: number;
  readonly sessionId: string;
  readonly caller: Caller;
  /** End of the last transition sent. */
  readonly sent: Version;
  /** What the client asked for. */
  readonly wanted: Target;
  readonly queries: Queries;
  readonly querySetLength: number;
  readonly removals: readonly Removal[];
  readonly run: Run | null;
  /** Runs since the last transition that made no common moment. */
  readonly runsApart: number;
  /** A transition must follow with at least this moment: a mutation has been answered. */
  readonly owedTs: bigint | null;
  /** Generation of the token that is being checked. */
  readonly verifying: number | null;
  /** What came behind that token. */
  readonly behindToken: readonly Arrived[];
  readonly mutations: readonly Call[];
  readonly mutating: { readonly generation: number; readonly requestId: number } | null;
  readonly actions: readonly Call[];
  /** Request ids by generation. */
  readonly acting: ReadonlyMap<number, number>;
  readonly waitingLength: number;
  readonly isReadingPaused: boolean;
  /** The last one given out. */
  readonly generation: number;
}

/** One query's share of a run. */
export interface RanQuery {
  readonly queryId: number;
  readonly fact: Fact;
  readonly ts: bigint;
  readonly staleAt: bigint | null;
  readonly digest: string;
  readonly outcome: Outcome;
}

/** `heardTs`: the newest commit that subscriptions have heard of; `nowMs`: epoch. */
export type SessionEvent = { readonly nowMs: number; readonly heardTs: bigint } & SessionHappening;

export type SessionHappening =
  | { readonly type: "received"; readonly message: ClientMessage; readonly frameLength: number }
  /** The client broke the protocol. */
  | { readonly type: "unreadable"; readonly error: string }
  | { readonly type: "verified"; readonly generation: number; readonly caller: Caller }
  | { readonly type: "refused"; readonly generation: number; readonly error: string }
  | { readonly type: "stale"; readonly queries: readonly StaleQuery[] }
  /** `ts`: the one moment of a run alone, else null. */
  | {
      readonly type: "ran";
      readonly generation: number;
      readonly ts: bigint | null;
      readonly results: readonly RanQuery[];
    }
  /** A mutation or an action. */
  | { readonly type: "answered"; readonly generation: number; readonly outcome: Outcome }
  /** The moment asked for with `wakeAt`. */
  | { readonly type: "woke" }
  /** Every 15 s. */
  | { readonly type: "ticked" }
  /** We end it: superseded, too slow a reader, the host's own trouble, or its stop. */
  | { readonly type: "closing"; readonly code: number; readonly reason: string }
  | { readonly type: "disconnected" };

export type Effect =
  | { readonly type: "send"; readonly message: ServerMessage }
  | { readonly type: "close"; readonly code: number; readonly reason: string }
  /** This connection has the session now; the one that had it ends. */
  | { readonly type: "claimSession"; readonly sessionId: string }
  | {
      readonly type: "verify";
      readonly generation: number;
      readonly credential: Exclude<Credential, { tokenType: "None" }>;
    }
  /** null: never. In place of the moment asked for before. */
  | { readonly type: "wakeAt"; readonly atMs: number | null }
  | {
      readonly type: "run";
      readonly generation: number;
      readonly queries: readonly AddedQuery[];
      readonly caller: Caller;
      readonly isAlone: boolean;
    }
  | { readonly type: "hold"; readonly queryId: number; readonly fact: Fact }
  | { readonly type: "release"; readonly fact: Fact }
  | { readonly type: "drop"; readonly queryId: number }
  | { readonly type: "call"; readonly generation: number; readonly sessionId: string; readonly call: Call }
  | { readonly type: "pauseReading" }
  | { readonly type: "resumeReading" };

export type Step = readonly [SessionState, readonly Effect[]];
