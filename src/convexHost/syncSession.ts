// One connection of the sync protocol: `(state, event) → [state, effects]` (embedded-convex §3.10). Pure; wsSync.ts does the
// I/O. What comes back from a run, a call or a token carries the generation it was begun with, and a stale one is ignored.
//
// unconnected  waits for `Connect`
// open         serves
// ended        a close was sent, or the socket is gone: nothing has an effect any more
import type { StaleQuery } from "./queryFacts.ts";
import {
  type Arrived,
  type Call,
  CLOSE,
  type Effect,
  type RanQuery,
  type Run,
  SESSION_LIMITS,
  type SessionEvent,
  type SessionState,
  type Step,
} from "./syncState.ts";
import { commonTs, deliver, isCurrent, isStale, type Queries, type Target, withResult } from "./syncTransition.ts";
import type { AddedQuery, ClientMessage, Credential, Version } from "./syncWire.ts";
import { type Caller, NOBODY, type Outcome } from "./words.ts";

/** A socket that has just been opened. */
export function openSession(nowMs: number): SessionState {
  return {
    phase: "unconnected",
    openedAtMs: nowMs,
    sessionId: "",
    caller: NOBODY,
    sent: { querySet: 0, identity: 0, ts: 0n },
    wanted: { querySet: 0, identity: 0 },
    queries: new Map(),
    querySetLength: 0,
    removals: [],
    run: null,
    runsApart: 0,
    owedTs: null,
    verifying: null,
    behindToken: [],
    mutations: [],
    mutating: null,
    actions: [],
    acting: new Map(),
    waitingLength: 0,
    isReadingPaused: false,
    generation: 0,
  };
}

/** What `event` makes of the connection, and what is to be done, in this order. */
export function reduce(state: SessionState, event: SessionEvent): Step {
  const effects: Effect[] = [];
  if (state.phase === "ended") {
    if (event.type === "ran") releaseAll(event.results, effects);
    return [state, effects];
  }
  const next = advance(happen(state, event, effects), event, effects);
  return [next, effects];
}

function happen(state: SessionState, event: SessionEvent, effects: Effect[]): SessionState {
  switch (event.type) {
    case "received":
      return receive(state, event, event, effects);
    case "unreadable":
      return fail(state, event.error, effects);
    case "verified":
      return event.generation === state.verifying ? authenticated(state, event.caller, event, effects) : state;
    case "refused":
      return event.generation === state.verifying ? refuse(state, event.error, true, effects) : state;
    case "stale":
      return markStale(state, event.queries);
    case "ran":
      return ran(state, event, effects);
    case "answered":
      return answered(state, event.generation, event.outcome, effects);
    case "woke":
      return state;
    case "ticked":
      return tick(state, event.nowMs, effects);
    case "closing":
      return end(state, event.code, event.reason, effects);
    case "disconnected":
      return { ...state, phase: "ended" };
  }
}

/** Begins whatever can be begun now. */
function advance(state: SessionState, event: SessionEvent, effects: Effect[]): SessionState {
  if (state.phase !== "open") return state;
  if (hasEnded(state.caller, event.nowMs)) {
    // A newer token that is being checked decides; until then nothing is done in the name of the old one.
    return state.verifying === null ? refuse(state, TOKEN_ENDED, false, effects) : pace(state, effects);
  }
  const called = startActions(startMutation(state, event, effects), event, effects);
  return called.phase === "open" ? pace(advanceTransition(called, event, effects), effects) : called;
}

// --- Messages of the client ---

function receive(state: SessionState, arrived: Arrived, event: SessionEvent, effects: Effect[]): SessionState {
  const { message, frameLength } = arrived;
  if (message.type === "Event") return state;
  if (state.phase === "unconnected") {
    if (message.type !== "Connect")
      return fail(state, `expected Connect as the first message, got ${message.type}`, effects);
    effects.push({ type: "claimSession", sessionId: message.sessionId });
    return { ...state, phase: "open", sessionId: message.sessionId };
  }
  if (state.verifying !== null) {
    const behindToken = [...state.behindToken, { message, frameLength }];
    return { ...state, behindToken, waitingLength: state.waitingLength + frameLength };
  }
  switch (message.type) {
    case "Connect":
      return fail(state, "expected Connect only once", effects);
    case "Authenticate":
      return authenticate(state, message.baseVersion, message.credential, event, effects);
    case "ModifyQuerySet":
      return modifyQuerySet(state, message, effects);
    case "Mutation":
    case "Action": {
      const call: Call = { message, caller: state.caller, frameLength };
      const waitingLength = state.waitingLength + frameLength;
      return message.type === "Mutation"
        ? { ...state, mutations: [...state.mutations, call], waitingLength }
        : { ...state, actions: [...state.actions, call], waitingLength };
    }
  }
}

function modifyQuerySet(
  state: SessionState,
  message: ClientMessage & { readonly type: "ModifyQuerySet" },
  effects: Effect[],
): SessionState {
  const { baseVersion, newVersion } = message;
  if (baseVersion !== state.wanted.querySet || newVersion <= baseVersion) {
    const got = `${baseVersion} → ${newVersion}`;
    return fail(state, `expected a query set version after ${state.wanted.querySet}, got ${got}`, effects);
  }
  const queries = new Map(state.queries);
  const removals = [...state.removals];
  let { querySetLength } = state;
  for (const change of message.changes) {
    if (change.type === "Add") {
      const { query } = change;
      if (queries.has(query.queryId)) return fail(state, `query ${query.queryId} is there already`, effects);
      queries.set(query.queryId, { query, addedIn: newVersion, seen: null, sentDigest: null });
      querySetLength += lengthOf(query);
    } else {
      const held = queries.get(change.queryId);
      if (held === undefined) return fail(state, `query ${change.queryId} is not there`, effects);
      queries.delete(change.queryId);
      querySetLength -= lengthOf(held.query);
      effects.push({ type: "drop", queryId: change.queryId });
      // Only what the client has seen: so there are never more removals than queries that were sent.
      if (held.sentDigest !== null) removals.push({ queryId: change.queryId, removedIn: newVersion });
    }
  }
  if (queries.size > SESSION_LIMITS.queries || querySetLength > SESSION_LIMITS.querySetLength) {
    const limits = `${SESSION_LIMITS.queries} with ${SESSION_LIMITS.querySetLength} characters of arguments`;
    return end(state, CLOSE.policy, `TooManyQueries: at most ${limits}`, effects);
  }
  return { ...state, queries, querySetLength, removals, wanted: { ...state.wanted, querySet: newVersion } };
}

function lengthOf(query: AddedQuery): number {
  return query.path.length + query.argsJson.length;
}

// --- Identity ---

const TOKEN_ENDED = "the token has ended";

function authenticate(
  state: SessionState,
  baseVersion: number,
  credential: Credential,
  event: SessionEvent,
  effects: Effect[],
): SessionState {
  if (baseVersion !== state.wanted.identity) {
    return fail(state, `expected identity version ${state.wanted.identity}, got ${baseVersion}`, effects);
  }
  if (credential.tokenType === "None") return authenticated(state, NOBODY, event, effects);
  const generation = state.generation + 1;
  effects.push({ type: "verify", generation, credential });
  return { ...state, generation, verifying: generation };
}

function authenticated(state: SessionState, caller: Caller, event: SessionEvent, effects: Effect[]): SessionState {
  if (hasEnded(caller, event.nowMs)) return refuse(state, TOKEN_ENDED, true, effects);
  effects.push({ type: "wakeAt", atMs: caller.expiresAtMs });
  const wanted: Target = { ...state.wanted, identity: state.wanted.identity + 1 };
  const known: SessionState = { ...state, caller, wanted, verifying: null };
  // A fresh token of the same user changes no answer, and what waits need not end with the old one.
  if (isSameIdentity(state.caller, caller)) return receiveWaiting(renewed(known), event, effects);
  const run = state.run === null ? null : { ...state.run, isObsolete: true };
  return receiveWaiting({ ...known, run, queries: forget(state, caller) }, event, effects);
}

function renewed(state: SessionState): SessionState {
  const { caller } = state;
  const renew = (call: Call): Call => (isSameIdentity(call.caller, caller) ? { ...call, caller } : call);
  return { ...state, mutations: state.mutations.map(renew), actions: state.actions.map(renew) };
}

/** Without the results that another caller might not get. */
function forget(state: SessionState, caller: Caller): Queries {
  const hasChangedRights = caller.isAdmin !== state.caller.isAdmin;
  return new Map(
    [...state.queries].map(([queryId, held]) =>
      hasChangedRights || held.seen?.hasReadIdentity === true ? [queryId, { ...held, seen: null }] : [queryId, held],
    ),
  );
}

/** Takes what came behind a token, up to the next one. */
function receiveWaiting(state: SessionState, event: SessionEvent, effects: Effect[]): SessionState {
  const waiting = state.behindToken;
  let next: SessionState = { ...state, behindToken: [] };
  for (const [at, arrived] of waiting.entries()) {
    if (next.phase !== "open") return next;
    if (next.verifying !== null) return { ...next, behindToken: waiting.slice(at) };
    next = receive({ ...next, waitingLength: next.waitingLength - arrived.frameLength }, arrived, event, effects);
  }
  return next;
}

/**
 * The client fetches another token and connects again. It ignores the error when it has moved on to a newer identity than
 * the one after `baseVersion`, so a token that was good once is named by the version it came with.
 */
function refuse(state: SessionState, error: string, authUpdateAttempted: boolean, effects: Effect[]): SessionState {
  const { identity } = state.wanted;
  const baseVersion = authUpdateAttempted ? identity : Math.max(0, identity - 1);
  effects.push({ type: "send", message: { type: "AuthError", error, baseVersion, authUpdateAttempted } });
  return end(state, CLOSE.normal, "AuthError", effects);
}

function hasEnded(caller: Caller, nowMs: number): boolean {
  return caller.expiresAtMs !== null && nowMs >= caller.expiresAtMs;
}

function isSameIdentity(one: Caller, other: Caller): boolean {
  return one.isAdmin === other.isAdmin && JSON.stringify(one.identity) === JSON.stringify(other.identity);
}

// --- Mutations and actions ---

/** One after another: the client's order is the order in which they happen. */
function startMutation(state: SessionState, event: SessionEvent, effects: Effect[]): SessionState {
  const [call, ...mutations] = state.mutations;
  if (state.mutating !== null || call === undefined) return state;
  if (hasEnded(call.caller, event.nowMs)) return refuse(state, TOKEN_ENDED, false, effects);
  const generation = state.generation + 1;
  effects.push({ type: "call", generation, sessionId: state.sessionId, call });
  const mutating = { generation, requestId: call.message.requestId };
  return { ...state, generation, mutations, mutating, waitingLength: state.waitingLength - call.frameLength };
}

function startActions(state: SessionState, event: SessionEvent, effects: Effect[]): SessionState {
  const begun = state.actions.slice(0, SESSION_LIMITS.actionsAtOnce - state.acting.size);
  if (state.phase !== "open" || begun.length === 0) return state;
  if (begun.some(({ caller }) => hasEnded(caller, event.nowMs))) return refuse(state, TOKEN_ENDED, false, effects);
  let { generation, waitingLength } = state;
  const acting = new Map(state.acting);
  for (const call of begun) {
    generation += 1;
    waitingLength -= call.frameLength;
    acting.set(generation, call.message.requestId);
    effects.push({ type: "call", generation, sessionId: state.sessionId, call });
  }
  return { ...state, generation, waitingLength, acting, actions: state.actions.slice(begun.length) };
}

function answered(state: SessionState, generation: number, outcome: Outcome, effects: Effect[]): SessionState {
  if (state.mutating?.generation === generation) {
    const { requestId } = state.mutating;
    effects.push({ type: "send", message: { type: "MutationResponse", requestId, outcome } });
    const owedTs = state.owedTs === null || outcome.ts > state.owedTs ? outcome.ts : state.owedTs;
    return { ...state, mutating: null, owedTs };
  }
  const requestId = state.acting.get(generation);
  if (requestId === undefined) return state;
  effects.push({ type: "send", message: { type: "ActionResponse", requestId, outcome } });
  const acting = new Map(state.acting);
  acting.delete(generation);
  return { ...state, acting };
}

// --- Queries and transitions ---

function markStale(state: SessionState, stale: readonly StaleQuery[]): SessionState {
  const queries = new Map(state.queries);
  for (const { queryId, staleAt } of stale) {
    const held = queries.get(queryId);
    if (held?.seen?.staleAt === null) queries.set(queryId, { ...held, seen: { ...held.seen, staleAt } });
  }
  return { ...state, queries };
}

function ran(state: SessionState, event: SessionEvent & { readonly type: "ran" }, effects: Effect[]): SessionState {
  const { run } = state;
  const isUsed = run !== null && run.generation === event.generation && !run.isObsolete;
  if (!isUsed || hasEnded(state.caller, event.nowMs)) {
    releaseAll(event.results, effects);
    return run?.generation === event.generation ? { ...state, run: null } : state;
  }
  const queries = new Map(state.queries);
  for (const result of event.results) {
    const held = queries.get(result.queryId);
    if (held === undefined || held.addedIn > run.target.querySet) {
      effects.push({ type: "release", fact: result.fact });
    } else {
      effects.push({ type: "hold", queryId: result.queryId, fact: result.fact });
      queries.set(result.queryId, withResult(held, result));
    }
  }
  const next: SessionState = { ...state, queries, run: null };
  const ts =
    event.ts !== null
      ? latest(state.sent.ts, event.ts, run.owedTs ?? 0n)
      : commonTs(queries, run.target, state.sent.ts, event.heardTs);
  return ts === null ? { ...next, runsApart: next.runsApart + 1 } : transition(next, run.target, ts, effects);
}

/** Begins the run, or sends the transition, that the client still lacks. */
function advanceTransition(state: SessionState, event: SessionEvent, effects: Effect[]): SessionState {
  if (state.run !== null) return state;
  const held = [...state.queries.values()];
  const isUpToDate = isSameTarget(state.sent, state.wanted) && held.every(isCurrent);
  if (state.owedTs === null && isUpToDate) return state;
  const stale = held.filter(isStale);
  if (stale.length > 0 && state.runsApart < SESSION_LIMITS.runsApart) return startRun(state, stale, false, effects);
  const ts = stale.length > 0 ? null : commonTs(state.queries, state.wanted, state.sent.ts, event.heardTs);
  if (ts === null || (state.owedTs !== null && ts < state.owedTs)) return startRun(state, held, true, effects);
  return transition(state, state.wanted, ts, effects);
}

function startRun(
  state: SessionState,
  held: readonly { readonly query: AddedQuery }[],
  isAlone: boolean,
  effects: Effect[],
): SessionState {
  const generation = state.generation + 1;
  const queries = held.map(({ query }) => query);
  effects.push({ type: "run", generation, queries, caller: state.caller, isAlone });
  const run: Run = { generation, target: state.wanted, isAlone, owedTs: state.owedTs, isObsolete: false };
  return { ...state, generation, run };
}

/** Sends what is new at `ts`; nothing when nothing is and no mutation waits for it. */
function transition(state: SessionState, target: Target, ts: bigint, effects: Effect[]): SessionState {
  const { queries, removals, modifications } = deliver(state.queries, state.removals, target);
  const isOwed = state.owedTs !== null && ts >= state.owedTs;
  const next: SessionState = { ...state, queries, removals, runsApart: 0, owedTs: isOwed ? null : state.owedTs };
  if (!isOwed && modifications.length === 0 && isSameTarget(state.sent, target)) return next;
  const sent: Version = { ...target, ts };
  effects.push({ type: "send", message: { type: "Transition", start: state.sent, end: sent, modifications } });
  return { ...next, sent };
}

function isSameTarget(one: Target, other: Target): boolean {
  return one.querySet === other.querySet && one.identity === other.identity;
}

function latest(...moments: readonly bigint[]): bigint {
  return moments.reduce((newest, ts) => (ts > newest ? ts : newest), 0n);
}

function releaseAll(results: readonly RanQuery[], effects: Effect[]): void {
  for (const { fact } of results) effects.push({ type: "release", fact });
}

// --- Limits and ends ---

/** Stops reading a client that sends faster than its calls end, instead of queueing without end or losing them. */
function pace(state: SessionState, effects: Effect[]): SessionState {
  const count = state.behindToken.length + state.mutations.length + state.actions.length;
  if (count > SESSION_LIMITS.waitingHard) {
    return end(state, CLOSE.tryAgain, "TooManyConcurrentRequests: too many calls wait", effects);
  }
  const fill = Math.max(count / SESSION_LIMITS.waiting, state.waitingLength / SESSION_LIMITS.waitingLength);
  if (fill > 1 && !state.isReadingPaused) effects.push({ type: "pauseReading" });
  else if (fill < 0.5 && state.isReadingPaused) effects.push({ type: "resumeReading" });
  else return state;
  return { ...state, isReadingPaused: !state.isReadingPaused };
}

function tick(state: SessionState, nowMs: number, effects: Effect[]): SessionState {
  if (state.phase === "unconnected" && nowMs - state.openedAtMs >= SESSION_LIMITS.connectMs) {
    return end(state, CLOSE.policy, `expected Connect within ${SESSION_LIMITS.connectMs} ms`, effects);
  }
  effects.push({ type: "send", message: { type: "Ping" } });
  return state;
}

/** Protocol errors only: the official client never connects again after it. */
function fail(state: SessionState, error: string, effects: Effect[]): SessionState {
  effects.push({ type: "send", message: { type: "FatalError", error } });
  return end(state, CLOSE.protocol, error, effects);
}

function end(state: SessionState, code: number, reason: string, effects: Effect[]): SessionState {
  effects.push({ type: "close", code, reason });
  return { ...state, phase: "ended" };
}
