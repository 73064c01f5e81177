// One top-level query or mutation while it runs, shared by all functions it calls: its transaction, its savepoints, its own
// code's time, its randomness, and what happens outside the file only after the COMMIT (embedded-convex §3.2).
import type { Timers } from "./alarm.ts";
import { type Budget, LIMITS, LimitError } from "./limits.ts";
import type { Savepoint, Transaction } from "./ports.ts";
import { createSeededBytes } from "./seededBytes.ts";

/** Timers that do not hold the process, and a clock that only goes forward. */
export interface WorkTimers extends Timers {
  elapsedMs(): number;
}

export const systemWorkTimers: WorkTimers = {
  set(callback, delayMs) {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
  elapsedMs: () => performance.now(),
};

/** What the store's transactions offer beside the port: limits of nested calls, and the state that they began with. */
export interface WorkTransaction extends Transaction {
  readonly budget: Budget;
  /** @param limits `transactionLimits` of the nested call */
  begin(limits?: unknown): Savepoint;
  /** Sees what was there when the transaction began; adds no reads. */
  stale(): Transaction;
}

/** @throws Error for a transaction that is not the store's */
function workTransaction(transaction: Transaction): WorkTransaction {
  if ("budget" in transaction && "stale" in transaction) return transaction as WorkTransaction;
  throw new Error("expected a transaction with a budget and a stale view, as transaction.ts makes it");
}

/** A nested call's savepoint, and how many effects were planned before it. */
export interface NestedPoint {
  readonly savepoint: Savepoint;
  readonly effects: number;
}

export class TransactionWork {
  readonly transaction: WorkTransaction;
  readonly timers: WorkTimers;
  readonly seededBytes: (count: number) => Uint8Array;
  /** What the determinism check hears of; null when it is off. */
  readonly observe: ((operation: string, argsJson: string, resultJson: string) => void) | null;
  /** A part of the time in which the functions' own code runs ends now, or begins. */
  #ownMs = 0;
  #sinceMs: number;
  #effects: (() => void)[] = [];
  #points: NestedPoint[] = [];
  #hostWaits = 0;
  #isOver = false;

  constructor(
    transaction: Transaction,
    timers: WorkTimers,
    options: { readonly seed?: Uint8Array; readonly observe?: TransactionWork["observe"] } = {},
  ) {
    this.transaction = workTransaction(transaction);
    this.timers = timers;
    this.seededBytes = createSeededBytes(options.seed);
    this.observe = options.observe ?? null;
    this.#sinceMs = timers.elapsedMs();
  }

  /** Nothing may happen in it any more: it has ended, or was failed from outside while a handler hung. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Own code gives way to the host. @throws LimitError when it has run for more than 1 s in all */
  enterHost(): void {
    this.#ownMs += this.timers.elapsedMs() - this.#sinceMs;
    this.leaveHost();
    if (this.#ownMs > LIMITS.transactionCodeMs) throw new LimitError("transactionCodeMs", Math.round(this.#ownMs));
  }

  /** The host gives way to own code. */
  leaveHost(): void {
    this.#sinceMs = this.timers.elapsedMs();
  }

  /** Waits for I/O of the host's: neither own code's time nor a handler that hangs. */
  async waitFor<T>(promise: Promise<T>): Promise<T> {
    this.#hostWaits += 1;
    try {
      return await promise;
    } finally {
      this.#hostWaits -= 1;
      this.leaveHost();
    }
  }

  /** A nested call begins, with the `transactionLimits` it was given. @throws Error when they cannot be */
  begin(limits?: unknown): NestedPoint {
    const point = { savepoint: this.transaction.begin(limits), effects: this.#effects.length };
    this.#points.push(point);
    return point;
  }

  release(point: NestedPoint): void {
    if (this.#take(point)) point.savepoint.release();
  }

  rollback(point: NestedPoint): void {
    if (!this.#take(point)) return;
    point.savepoint.rollback();
    this.#effects.length = point.effects;
  }

  /** Innermost first; a point that was given up with an outer one is gone already. */
  #take(point: NestedPoint): boolean {
    if (this.#points.at(-1) !== point) return false;
    this.#points.pop();
    return true;
  }

  /** Rolls back `point` and all within it, which hung: they may have left theirs open. */
  abandon(point: NestedPoint): void {
    this.#isOver = true;
    while (this.#points.includes(point)) {
      const innermost = this.#points.at(-1);
      if (innermost !== undefined) this.rollback(innermost);
    }
  }

  /** Happens after the COMMIT, and not if the call that planned it is rolled back. */
  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  end(): void {
    this.#isOver = true;
  }

  /** To be called once the COMMIT is done. */
  runEffects(): void {
    for (const effect of this.#effects.splice(0)) effect();
  }

  /**
   * Rejects when own code has neither ended nor called the host for 1 s: a promise that never resolves must not hold the
   * queue. `stop` must be called when the function has settled.
   */
  watch(describe: () => string): { readonly hung: Promise<never>; readonly stop: () => void } {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    let callOff = () => {};
    const arm = (delayMs: number) => {
      callOff = this.timers.set(look, delayMs);
    };
    const look = () => {
      const idleMs = this.#hostWaits > 0 ? 0 : this.timers.elapsedMs() - this.#sinceMs;
      if (idleMs < HANG_MS) return arm(HANG_MS - idleMs);
      // The loop may have been busy elsewhere: what is ready to be heard gets its turn first.
      const since = this.#sinceMs;
      setImmediate(() => {
        if (isStopped) return;
        if (this.#sinceMs !== since || this.#hostWaits > 0) return arm(HANG_MS);
        reject(
          new Error(`${describe()} has not settled ${HANG_MS} ms after its last operation: it awaits what never comes`),
        );
      });
    };
    let isStopped = false;
    arm(HANG_MS);
    return {
      hung: promise,
      stop: () => {
        isStopped = true;
        callOff();
      },
    };
  }
}

/** embedded-convex §3.2, "Never wait". */
const HANG_MS = 1_000;
