// The queries of the sync protocol's connections (embedded-convex §3.10): a commit's touched keys make results stale, and
// equal (path, args) share one run when the function did not read the identity, or read the same one.
import type { FunctionRunner, QueryCall } from "./ports.ts";
import { type Fact, QueryFacts, type QueryResult, type StaleQuery, type Watcher } from "./queryFacts.ts";
import { QueryGate } from "./queryGate.ts";
import { runQueryBatch } from "./refusals.ts";
import type { AddedQuery } from "./syncWire.ts";
import type { Caller } from "./words.ts";

export interface Answer {
  /** The moment of all of them when they were run alone; null when each has its own. */
  readonly ts: bigint | null;
  /** In the order asked. Each fact is held for the asker: `Watcher.hold` takes it over, `release` gives it up. */
  readonly results: readonly QueryResult[];
}

export interface Subscriptions {
  /** The newest commit heard of: the facts held tell whether one up to here touched them. */
  readonly ts: bigint;
  /**
   * Answers from results that still hold, from runs of other connections that began after the newest commit, else from one
   * run of the caller's own. `isAlone`: all of them in one run, hence of one moment. @throws what `runQueries` throws
   */
  run(queries: readonly AddedQuery[], caller: Caller, isAlone: boolean): Promise<Answer>;
  release(fact: Fact): void;
  /** `onStale` is told of the facts held that a commit made stale, each once. */
  watch(onStale: (queries: readonly StaleQuery[]) => void): Watcher;
  /** How many facts are kept, to be compared with commits or to be shared. */
  readonly watched: number;
  close(): void;
}

/** Subscriptions over `runner`; they listen to its commits until `close`. */
export function createSubscriptions(runner: FunctionRunner): Subscriptions {
  const facts = new QueryFacts(runner.ts);
  const stopListening = runner.onCommit((ts, touched) => facts.hear(ts, touched));
  const runs = new SharedRuns(runner, facts);
  return {
    get ts() {
      return facts.ts;
    },
    run: (queries, caller, isAlone) => (isAlone ? runs.runOwn(queries, caller) : runs.runShared(queries, caller)),
    release: (fact) => facts.release(fact),
    watch: (onStale) => facts.watch(onStale),
    get watched() {
      return facts.watched;
    },
    close: stopListening,
  };
}

interface PendingRun {
  readonly query: AddedQuery;
  readonly key: string;
  readonly callerKey: string;
  /** The newest commit heard of when it began: it need not have seen a later one. null: it has not begun. */
  since: bigint | null;
  joiners: number;
  readonly result: Promise<QueryResult>;
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Joined {
  readonly run: PendingRun;
  /** Of the one who joined. */
  readonly callerKey: string;
}

/** Results by their position among the queries asked. */
type Results = (QueryResult | undefined)[];

/** Paths of functions known to read the identity; a program has far fewer. */
const IDENTITY_READERS_MAX = 10_000;

class SharedRuns {
  readonly #runner: FunctionRunner;
  readonly #facts: QueryFacts;
  readonly #gate = new QueryGate();
  readonly #pending = new Map<string, PendingRun>();
  readonly #identityReaders = new Set<string>();

  constructor(runner: FunctionRunner, facts: QueryFacts) {
    this.#runner = runner;
    this.#facts = facts;
  }

  async runShared(queries: readonly AddedQuery[], caller: Caller): Promise<Answer> {
    const results: Results = queries.map((query) => this.#facts.take(keyOf(query, caller)));
    const joined = new Map<number, Joined>();
    const own: number[] = [];
    queries.forEach((query, at) => {
      if (results[at] !== undefined) return;
      const run = this.#join(query, caller);
      if (run === undefined) own.push(at);
      else joined.set(at, { run, callerKey: callerKeyOf(query, caller) });
    });
    try {
      // Begun before anything is waited for: so the connections that ask next can join it.
      const ownRun = this.#runInto(results, own, queries, caller);
      const unshared = this.#takeJoined(results, joined);
      await settleAll([ownRun, unshared]);
      await this.#runInto(results, await unshared, queries, caller);
    } catch (error) {
      for (const result of results) if (result !== undefined) this.#facts.release(result.fact);
      throw error;
    }
    return { ts: null, results: results.filter((result) => result !== undefined) };
  }

  async runOwn(queries: readonly AddedQuery[], caller: Caller): Promise<Answer> {
    const runs = queries.map((query) => this.#announce(query, caller));
    try {
      await this.#gate.enter(runs.length);
      try {
        return await this.#runInside(runs, caller);
      } finally {
        this.#gate.leave(runs.length);
      }
    } catch (error) {
      for (const run of runs) run.reject(error);
      throw error;
    } finally {
      this.#withdraw(runs);
    }
  }

  async #runInside(runs: readonly PendingRun[], caller: Caller): Promise<Answer> {
    for (const run of runs) run.since = this.#facts.ts;
    const calls = runs.map(({ query }) => callOf(query));
    const endRun = this.#facts.beginRun();
    try {
      const { ts, outcomes } = await runQueryBatch(this.#runner, calls, caller);
      // Before their joiners are counted: nobody may join any more.
      this.#withdraw(runs);
      const results = outcomes.flatMap((outcome, at) => {
        const run = runs[at];
        if (run === undefined) return [];
        if (outcome.hasReadIdentity) this.#noteIdentityReader(nameOf(run.query));
        const result = this.#facts.learn(run.key, outcome, ts, 1 + run.joiners);
        run.resolve(result);
        return [result];
      });
      return { ts, results };
    } finally {
      endRun();
    }
  }

  #withdraw(runs: readonly PendingRun[]): void {
    for (const run of runs) {
      for (const key of [run.key, run.callerKey]) if (this.#pending.get(key) === run) this.#pending.delete(key);
    }
  }

  #announce(query: AddedQuery, caller: Caller): PendingRun {
    const { promise: result, resolve, reject } = Promise.withResolvers<QueryResult>();
    result.catch(() => undefined); // nobody may have joined
    const [key, callerKey] = [keyOf(query, caller), callerKeyOf(query, caller)];
    const run = { query, key, callerKey, since: null, joiners: 0, result, resolve, reject };
    this.#pending.set(key, run);
    this.#pending.set(callerKey, run);
    return run;
  }

  #join(query: AddedQuery, caller: Caller): PendingRun | undefined {
    const othersToo = this.#identityReaders.has(nameOf(query)) ? undefined : this.#pending.get(keyOf(query, caller));
    const pending = this.#pending.get(callerKeyOf(query, caller)) ?? othersToo;
    if (pending === undefined || (pending.since ?? this.#facts.ts) !== this.#facts.ts) return undefined;
    pending.joiners += 1;
    return pending;
  }

  /** Waits for the runs joined; gives the positions whose answer was for another caller only, to be run again. */
  async #takeJoined(results: Results, joined: ReadonlyMap<number, Joined>): Promise<readonly number[]> {
    const unshared: number[] = [];
    const waits = [...joined].map(async ([at, { run, callerKey }]) => {
      const result = await run.result;
      if (result.outcome.hasReadIdentity && run.callerKey !== callerKey) {
        this.#facts.release(result.fact);
        unshared.push(at);
      } else results[at] = result;
    });
    await settleAll(waits);
    return unshared;
  }

  async #runInto(
    results: Results,
    positions: readonly number[],
    queries: readonly AddedQuery[],
    caller: Caller,
  ): Promise<void> {
    const own = positions.flatMap((at) => queries[at] ?? []);
    if (own.length === 0) return;
    const answer = await this.runOwn(own, caller);
    positions.forEach((at, position) => {
      results[at] = answer.results[position];
    });
  }

  #noteIdentityReader(name: string): void {
    if (this.#identityReaders.size >= IDENTITY_READERS_MAX) this.#identityReaders.clear();
    this.#identityReaders.add(name);
  }
}

/** Equal for calls that may share a result; what only admins may call is theirs. */
function keyOf(query: AddedQuery, caller: Caller): string {
  return `${JSON.stringify([caller.isAdmin, query.component, query.path, query.journal])}${query.argsJson}`;
}

/** Equal for calls that may share a result also when the function asks who calls. */
function callerKeyOf(query: AddedQuery, caller: Caller): string {
  return `${JSON.stringify(caller.identity)}${keyOf(query, caller)}`;
}

function nameOf(query: AddedQuery): string {
  return JSON.stringify([query.component, query.path]);
}

function callOf({ path, args, journal, component }: AddedQuery): QueryCall {
  return component === "" ? { path, args, journal } : { path, args, journal, component };
}

/** Waits for all, then throws what the first of them threw: a result that comes late must not be lost, but released. */
async function settleAll(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const settled of await Promise.allSettled(promises)) {
    if (settled.status === "rejected") throw settled.reason;
  }
}
