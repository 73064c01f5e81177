// Runs functions: inside a transaction, inside each other, and as actions (embedded-convex §3.2). What callers from outside
// see of it is in functions.ts.
import { randomBytes } from "node:crypto";
import type { JSONValue } from "convex/values";
import { RunTrace } from "./determinism.ts";
import { NestedFailure, RefusedCall, tellError, type ToldError } from "./failures.ts";
import { type CallTree, Frame, runInFrame } from "./frames.ts";
import type { FunctionFiles, FunctionHost, HostLog, NestedCall } from "./functionHost.ts";
import { LIMITS } from "./limits.ts";
import type { CommitQueue, Transaction } from "./ports.ts";
import { type Registry, type RegisteredFunction, showAddress, type TargetArgs, targetOf } from "./registry.ts";
import { SEED_BYTES } from "./seededBytes.ts";
import { TransactionWork, type WorkTimers } from "./transactionWork.ts";
import { checkArgs, type CheckOptions, checkReturns } from "./valueChecks.ts";
import type { FunctionKind, Identity } from "./words.ts";

export interface EngineOptions {
  readonly registry: Registry;
  readonly store: { tableOf(component: string, id: string): string | null };
  readonly queue: CommitQueue;
  readonly files: FunctionFiles;
  readonly log: HostLog;
  readonly clock: () => number;
  readonly origin: () => string;
  readonly mapStack: (stack: string) => readonly string[];
  readonly timers: WorkTimers;
  readonly isDeterminismChecked: boolean;
}

/** A function to run, for whom. */
export interface TopCall {
  readonly tree: CallTree;
  readonly target: RegisteredFunction;
  readonly args: JSONValue;
  readonly identity: Identity | null;
  /** False in components: nobody is known there. */
  readonly isCallerKnown: boolean;
  readonly journal?: string | null;
  readonly depth?: number;
  readonly isNested?: boolean;
}

export type Result = { readonly valueJson: string } | { readonly failure: ToldError };

export interface Ran {
  readonly result: Result;
  readonly journal: string | null;
  /** What is to happen once it is committed. */
  readonly afterCommit: () => void;
}

/** Calls within calls; each open mutation among them holds a savepoint. */
const DEPTH_MAX = 64;
export class Engine implements FunctionHost {
  readonly registry: Registry;
  readonly store: FunctionHost["store"];
  readonly queue: CommitQueue;
  readonly files: FunctionFiles;
  readonly log: HostLog;
  readonly clock: () => number;
  readonly origin: () => string;
  readonly mapStack: (stack: string) => readonly string[];
  readonly #timers: WorkTimers;
  readonly #isDeterminismChecked: boolean;

  constructor(options: EngineOptions) {
    this.registry = options.registry;
    this.store = options.store;
    this.queue = options.queue;
    this.files = options.files;
    this.log = options.log;
    this.clock = options.clock;
    this.origin = options.origin;
    this.mapStack = options.mapStack;
    this.#timers = options.timers;
    this.#isDeterminismChecked = options.isDeterminismChecked;
  }

  /**
   * Runs a query or mutation in `transaction`. A failure leaves nothing of what it did, and is a result like a value; `seal`
   * is called with either, so that more can be written in the same transaction.
   */
  async runInTransaction(transaction: Transaction, call: TopCall, seal?: (result: Result) => void): Promise<Ran> {
    const isChecked = this.#isDeterminismChecked && call.target.kind === "mutation";
    if (!isChecked) return this.#runAlone(new TransactionWork(transaction, this.#timers), call, seal);
    return this.#runTwice(transaction, call, seal);
  }

  async #runTwice(transaction: Transaction, call: TopCall, seal: ((result: Result) => void) | undefined): Promise<Ran> {
    const seed = randomBytes(SEED_BYTES);
    const run = async (trace: RunTrace, isRehearsal: boolean, sealed?: (result: Result) => void) => {
      const observe = trace.observe.bind(trace);
      const work = new TransactionWork(transaction, this.#timers, { seed, observe });
      const tree = isRehearsal ? { ...call.tree, logLines: [], isRehearsal } : call.tree;
      const check = (result: Result) => {
        trace.end("failure" in result ? result.failure.text : result.valueJson);
        sealed?.(result);
      };
      return this.#runAlone(work, { ...call, tree }, check);
    };
    const first = new RunTrace(transaction.nowMs);
    await run(first, true);
    const second = new RunTrace(transaction.nowMs);
    const name = showAddress(call.target.address);
    return run(second, false, (result) => {
      const difference = first.differenceTo(second);
      if (difference !== null && "valueJson" in result) {
        throw new RefusedCall(`${name} does not do the same when it runs again (--check-determinism): ${difference}`);
      }
      seal?.(result);
    });
  }

  async #runAlone(work: TransactionWork, call: TopCall, seal?: (result: Result) => void): Promise<Ran> {
    const { target, args, tree } = call;
    const frame = frameOf(call, work);
    const point = target.kind === "mutation" ? work.begin() : null;
    const watch = work.watch(() => showAddress(target.address));
    const ran = (result: Result): Ran => ({ result, journal: frame.nextJournal, afterCommit: () => work.runEffects() });
    try {
      const valueJson = await Promise.race([this.#invoke(target, args, frame), watch.hung]);
      const result = { valueJson };
      seal?.(result);
      if (point !== null && tree.isRehearsal) work.rollback(point);
      else if (point !== null) work.release(point);
      return ran(result);
    } catch (error) {
      if (point !== null) work.abandon(point);
      const result = { failure: this.#tell(error, tree, target) };
      seal?.(result);
      return ran(result);
    } finally {
      watch.stop();
      frame.end();
      work.end();
    }
  }

  /** Never within a transaction of the caller's. Ends after 10 min at the latest. */
  async runAction(call: TopCall): Promise<Result> {
    const { target, args, tree } = call;
    return this.act(frameOf(call, null), (frame) => this.#invoke(target, args, frame)).then(
      (valueJson) => ({ valueJson }),
      (error: unknown) => ({ failure: this.#tell(error, tree, target) }),
    );
  }

  /** Runs an action's body as `frame`, and fails it when its time is up. */
  async act<T>(frame: Frame, body: (frame: Frame) => Promise<T>): Promise<T> {
    const { late, callOff } = this.limitTime(frame);
    try {
      return await Promise.race([body(frame), late]);
    } finally {
      callOff();
    }
  }

  /** `late` rejects when the time of an action is up, and the function may do nothing more. `callOff` when it has ended. */
  limitTime(frame: Frame): { readonly late: Promise<never>; readonly callOff: () => void } {
    const { promise: late, reject } = Promise.withResolvers<never>();
    late.catch(() => undefined);
    const callOff = this.#timers.set(() => {
      frame.end();
      reject(new Error(`${frame.address.path} has run for ${LIMITS.actionMs} ms, the most an action may`));
    }, LIMITS.actionMs);
    return { late, callOff };
  }

  resolve(frame: Frame, args: TargetArgs, kinds: readonly FunctionKind[]): RegisteredFunction {
    const { address, isPublicOnly } = targetOf(args, frame.address.component);
    const found = this.registry.find(address);
    if (found === null || (isPublicOnly && found.isInternal)) {
      throw new Error(`There is no ${isPublicOnly ? "public " : ""}function ${showAddress(address)}`);
    }
    if (!kinds.includes(found.kind)) {
      throw new Error(
        `${showAddress(address)} is a function of kind "${found.kind}", expected "${kinds.join('" or "')}"`,
      );
    }
    return found;
  }

  async callNested(frame: Frame, { target, args, limits, isStale }: NestedCall): Promise<JSONValue> {
    const { work, tree } = frame;
    if (work === null) throw new Error(`${frame.address.path} has no transaction`);
    const transaction = isStale ? work.transaction.stale() : frame.transaction;
    const child = frameOf({ ...calleeOf(frame, target), tree, target, args, isNested: true }, work, transaction);
    const point = target.kind === "mutation" || (limits !== undefined && limits !== null) ? work.begin(limits) : null;
    try {
      const valueJson = await this.#invoke(target, args, child);
      if (point !== null) work.release(point);
      return JSON.parse(valueJson) as JSONValue;
    } catch (error) {
      if (point !== null) work.rollback(point);
      throw new NestedFailure(tellError(error, this.mapStack));
    }
  }

  async callFromAction(frame: Frame, target: RegisteredFunction, args: JSONValue): Promise<JSONValue> {
    const call: TopCall = { ...calleeOf(frame, target), tree: frame.tree, target, args };
    const result = target.kind === "action" ? await this.runAction(call) : (await this.commit(call)).result;
    if ("failure" in result) throw new NestedFailure(result.failure);
    return JSON.parse(result.valueJson) as JSONValue;
  }

  /** A query or mutation in a transaction of its own. */
  async commit(call: TopCall): Promise<Ran> {
    const isWritable = call.target.kind === "mutation";
    const { value } = await this.queue.run((transaction) => this.runInTransaction(transaction, call), isWritable);
    value.afterCommit();
    return value;
  }

  async transact<T>(isWritable: boolean, body: (transaction: Transaction, work: TransactionWork) => T): Promise<T> {
    const { value } = await this.queue.run(async (transaction) => {
      const work = new TransactionWork(transaction, this.#timers);
      return { result: body(transaction, work), work };
    }, isWritable);
    value.work.runEffects();
    return value.result;
  }

  /** Checks what goes in, runs it, waits for what it began, checks what comes out. */
  async #invoke(target: RegisteredFunction, args: JSONValue, frame: Frame): Promise<string> {
    const { component } = target.address;
    const options: CheckOptions = {
      allowsCommitTs: frame.isNested,
      tableOf: (id) => this.store.tableOf(component, id),
    };
    if (frame.depth > DEPTH_MAX) throw new Error(`Functions call each other more than ${DEPTH_MAX} deep`);
    try {
      checkArgs(target, args, options);
      frame.work?.leaveHost();
      const valueJson = await runInFrame(frame, () => target.invoke(JSON.stringify([args])));
      frame.work?.enterHost();
      await frame.drain();
      checkReturns(target, valueJson, options);
      return valueJson;
    } catch (error) {
      frame.end();
      // What it began and did not await ends before its effects are undone.
      await frame.drain();
      throw error;
    } finally {
      frame.end();
    }
  }

  #tell(error: unknown, tree: CallTree, { address }: RegisteredFunction): ToldError {
    const told = tellError(error, this.mapStack);
    if (!tree.isRehearsal) this.log("function.failed", { ...address, requestId: tree.requestId, error: told.text });
    return told;
  }
}

function frameOf(
  call: TopCall,
  work: TransactionWork | null,
  transaction: Transaction | null = work?.transaction ?? null,
): Frame {
  const { tree, target, identity, isCallerKnown, journal = null, depth = 0, isNested = false } = call;
  const { kind, address } = target;
  return new Frame({ tree, kind, address, identity, isCallerKnown, work, transaction, journal, depth, isNested });
}

/** Identity does not cross into a component, nor out of one (embedded-convex §3.7). */
function calleeOf(frame: Frame, target: RegisteredFunction) {
  const isSame = target.address.component === frame.address.component;
  return {
    identity: isSame ? frame.identity : null,
    isCallerKnown: isSame && frame.isCallerKnown,
    depth: frame.depth + 1,
  };
}
