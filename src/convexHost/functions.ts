// Calls from outside: which function, for whom, in which transaction, and what the caller is told and when
// (embedded-convex §3.2, §3.7, §3.10). Jobs and crons come in here too.
import type { JSONValue } from "convex/values";
import { type CallGuard, callName } from "./callGuard.ts";
import { CommitFailed } from "./commitQueue.ts";
import { Engine, type Ran, type Result, type TopCall } from "./engine.ts";
import { failureOf } from "./failures.ts";
import type { CallTree } from "./frames.ts";
import type { FunctionFiles, HostLog } from "./functionHost.ts";
import { runHttpAction } from "./httpActions.ts";
import { LIMITS } from "./limits.ts";
import type { Call, CallerAuth, CommitQueue, Committed, FunctionRunner, QueryCall, Transaction } from "./ports.ts";
import { takeRandom } from "./randomPool.ts";
import { canonicalPath, createRegistry, type RegisteredFunction, showAddress, targetOf } from "./registry.ts";
import { findOutcome, type SessionRequest, type StoredOutcome, storeOutcome } from "./sessionRequests.ts";
import { systemWorkTimers, type WorkTimers } from "./transactionWork.ts";
import type { LoadedRealm } from "./vmRealm.ts";
import { type Caller, type FunctionAddress, type FunctionKind, type Outcome, TransportError } from "./words.ts";

export interface FunctionRunnerOptions {
  readonly realm: Pick<LoadedRealm, "modules" | "mapStack">;
  readonly queue: CommitQueue;
  readonly store: { tableOf(component: string, id: string): string | null };
  readonly files: FunctionFiles;
  /** Who calls an HTTP action. */
  readonly auth: Pick<CallerAuth, "ofHeader">;
  /** Where this host is reached, without a "/" at the end. */
  readonly origin: () => string;
  /** Epoch ms. */
  readonly clock: () => number;
  readonly log: HostLog;
  /** Every mutation runs twice and must do the same (§3.11). */
  readonly isDeterminismChecked?: boolean;
  readonly timers?: WorkTimers;
  readonly guard: CallGuard;
}

/** The row of `_scheduled_functions` that a job runs for. */
export interface JobRef {
  readonly component: string;
  readonly id: string;
}

export type JobRun =
  | { readonly kind: "mutation"; readonly transaction: Transaction; readonly job: JobRef | null }
  | { readonly kind: "action"; readonly transaction: null; readonly job: JobRef | null };

export interface Functions extends FunctionRunner {
  /** null: there is no such function (any more). */
  kindOf(address: FunctionAddress): FunctionKind | null;
  /** The function that an entry of `component`'s `crons.ts` names. @throws Error when it names none */
  resolve(functionName: string, component: string): FunctionAddress;
  /**
   * Runs a job or a cron, without an identity; gives its value as JSON text. A mutation runs inside `transaction`, so that
   * the job's new state commits with its effect; a failed one has left nothing there. @throws Error with what it threw
   */
  runJob(address: FunctionAddress, args: JSONValue, run: JobRun): Promise<string>;
}

/** @throws Error when the realm's functions cannot be read */
export function createFunctionRunner(options: FunctionRunnerOptions): Functions {
  return new Runner(options);
}

const REQUEST_ID_BYTES = 8;

interface GuardedCall extends TopCall {
  /** For the guard. */
  readonly name: string;
}

class Runner implements Functions {
  readonly #engine: Engine;
  readonly #queue: CommitQueue;
  readonly #auth: Pick<CallerAuth, "ofHeader">;
  readonly #guard: CallGuard;
  #waiting = 0;

  constructor(options: FunctionRunnerOptions) {
    const { realm, auth, guard, isDeterminismChecked = false, timers = systemWorkTimers, ...shared } = options;
    const registry = createRegistry(realm);
    this.#queue = options.queue;
    this.#auth = auth;
    this.#guard = guard;
    this.#engine = new Engine({ ...shared, registry, mapStack: realm.mapStack, timers, isDeterminismChecked });
  }

  get ts(): bigint {
    return this.#queue.ts;
  }

  onCommit(listener: Parameters<FunctionRunner["onCommit"]>[0]): () => void {
    return this.#queue.onCommit(listener);
  }

  notReady(): string | null {
    return this.#queue.notReady();
  }

  async run(call: Call): Promise<Outcome> {
    return this.#admitted(async () => {
      const target = this.#find(call, call.caller, call.kind);
      const top = this.#topCall(target, call.args, call.caller, null);
      if (target.kind === "action") {
        const result = await this.#engine.runAction(top);
        return outcomeOf(top.tree, { result, ts: this.ts });
      }
      const guarded = this.#guarded(top);
      return target.kind === "query" ? this.#runQuery(guarded) : this.#runMutation(guarded, call.request ?? null);
    });
  }

  async runQueries(
    queries: readonly QueryCall[],
    caller: Caller,
  ): Promise<{ readonly ts: bigint; readonly outcomes: readonly Outcome[] }> {
    return this.#admitted(async () => {
      const calls = queries.map((query) => {
        const target = this.#find(query, caller, "query");
        return this.#guarded(this.#topCall(target, query.args, caller, query.journal));
      });
      // Asked for in one go they run one behind the other, and nothing is written between them.
      const outcomes = await Promise.all(calls.map((call) => this.#runQuery(call)));
      const ts = outcomes[0]?.ts ?? this.ts;
      if (outcomes.some((outcome) => outcome.ts !== ts))
        throw new Error("queries of one batch ran at different timestamps");
      return { ts, outcomes };
    });
  }

  async runHttp(request: Request): Promise<Response | null> {
    return this.#admitted(() => runHttpAction(this.#engine, this.#auth, newTree(this.#engine, null), request));
  }

  kindOf(address: FunctionAddress): FunctionKind | null {
    return this.#engine.registry.find(address)?.kind ?? null;
  }

  resolve(functionName: string, component: string): FunctionAddress {
    const { address } = targetOf({ name: functionName }, component);
    const found = this.#engine.registry.find(address);
    if (found === null) throw new Error(`There is no function ${showAddress(address)}`);
    return found.address;
  }

  async runJob(address: FunctionAddress, args: JSONValue, run: JobRun): Promise<string> {
    const target = this.#engine.registry.find(address);
    if (target === null || target.kind !== run.kind) throw new Error(`There is no ${run.kind} ${showAddress(address)}`);
    const tree = newTree(this.#engine, run.job);
    const top: TopCall = { tree, target, args, identity: null, isCallerKnown: false };
    const result =
      run.kind === "action" ? await this.#engine.runAction(top) : await this.#runInside(run.transaction, top);
    if ("failure" in result) throw new Error(result.failure.text);
    return result.valueJson;
  }

  /** Its audit lines are written now: who gave the transaction will not say when it is committed. */
  async #runInside(transaction: Transaction, top: TopCall): Promise<Result> {
    const ran = await this.#engine.runInTransaction(transaction, top);
    ran.afterCommit();
    return ran.result;
  }

  /** @throws TransportError 429 */
  #guarded(top: TopCall): GuardedCall {
    const name = callName(top.target.address, top.args);
    this.#guard.check(name);
    return { ...top, name };
  }

  async #runQuery(top: GuardedCall): Promise<Outcome> {
    const committed = await this.#commit((transaction) => this.#runGuarded(transaction, top), false);
    const { value, ts, reads } = committed;
    return outcomeOf(top.tree, { result: value.result, ts, reads, journal: value.journal });
  }

  async #runMutation(top: GuardedCall, request: SessionRequest | null): Promise<Outcome> {
    const { tree } = top;
    const { value, ts } = await this.#commit(async (transaction): Promise<Ran | StoredOutcome> => {
      const stored = request === null ? null : findOutcome(transaction, request);
      if (stored !== null) return stored;
      const seal = (result: Result) => {
        if (request !== null)
          storeOutcome(transaction, request, { result: toldOf(result, tree), logLines: tree.logLines });
      };
      return this.#runGuarded(transaction, top, seal);
    }, true);
    if (!("afterCommit" in value)) return { ...value, ts, reads: [], hasReadIdentity: false, journal: null };
    value.afterCommit();
    return outcomeOf(tree, { result: value.result, ts });
  }

  async #runGuarded(transaction: Transaction, top: GuardedCall, seal?: (result: Result) => void): Promise<Ran> {
    this.#guard.begin(top.name);
    try {
      return await this.#engine.runInTransaction(transaction, top, seal);
    } finally {
      this.#guard.end();
    }
  }

  /** What fails here is the host's own trouble: what a function throws is a result. @throws TransportError */
  async #commit<T>(body: (transaction: Transaction) => Promise<T>, isWritable: boolean): Promise<Committed<T>> {
    try {
      return await this.#queue.run(body, isWritable);
    } catch (error) {
      if (error instanceof TransportError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      this.#engine.log("host.callLost", { message });
      if (error instanceof CommitFailed) throw new TransportError(503, "CommitFailed", message);
      throw new TransportError(500, "InternalServerError", message);
    }
  }

  async #admitted<T>(body: () => Promise<T>): Promise<T> {
    if (this.#waiting >= LIMITS.waitingCalls) {
      const message = `${LIMITS.waitingCalls} calls are waiting already, the most the embedded host takes`;
      throw new TransportError(503, "TooManyConcurrentRequests", message);
    }
    this.#waiting += 1;
    try {
      return await body();
    } finally {
      this.#waiting -= 1;
    }
  }

  /** The same answer for what is not there and for what the caller may not call. @throws TransportError */
  #find(call: Pick<Call, "path" | "component">, caller: Caller, kind: Call["kind"]): RegisteredFunction {
    const { component = "" } = call;
    const address = { component, path: canonicalPath(call.path) };
    const found = component === "" || caller.isAdmin ? this.#engine.registry.find(address) : null;
    if (found === null || (found.isInternal && !caller.isAdmin)) {
      const message = `Could not find public function for '${call.path}'. Is it exported, and not internal?`;
      throw new TransportError(404, "FunctionNotFound", message);
    }
    if (kind !== "any" && found.kind !== kind) {
      const message = `Trying to execute ${call.path} as ${kind}, but it is defined as ${found.kind}.`;
      throw new TransportError(400, "WrongFunctionKind", message);
    }
    return found;
  }

  #topCall(target: RegisteredFunction, args: JSONValue, caller: Caller, journal: string | null): TopCall {
    const isApp = target.address.component === "";
    const identity = isApp ? caller.identity : null;
    return { tree: newTree(this.#engine, null), target, args, identity, isCallerKnown: isApp, journal };
  }
}

function newTree(host: Engine, job: JobRef | null): CallTree {
  const requestId = Buffer.from(takeRandom(REQUEST_ID_BYTES).buffer).toString("hex");
  return { host, requestId, logLines: [], job, hasReadIdentity: false, isRehearsal: false };
}

function toldOf(result: Result, tree: CallTree): Outcome["result"] {
  return "failure" in result ? { failure: failureOf(result.failure, tree.requestId) } : result;
}

function outcomeOf(
  tree: CallTree,
  told: { readonly result: Result; readonly ts: bigint } & Partial<Pick<Outcome, "reads" | "journal">>,
): Outcome {
  const { result, ts, reads = [], journal = null } = told;
  const { logLines, hasReadIdentity } = tree;
  return { result: toldOf(result, tree), ts, logLines, reads, hasReadIdentity, journal };
}
