// The state at the start of a transaction, for queries that it calls with `useStaleSnapshot` (embedded-convex §3.2).
import type { Budget } from "./limits.ts";
import type { Savepoint, Transaction, TransactionUsage } from "./ports.ts";
import { TransactionReads, type TransactionStore } from "./transactionReads.ts";
import type { KeyInterval } from "./words.ts";

export interface StaleOptions {
  readonly nowMs: number;
  readonly snapshotTs: bigint;
  /** Runs one operation of the transaction it belongs to. */
  operate<T>(operation: () => T): T;
  goToStart(): void;
}

export class StaleTransaction extends TransactionReads implements Transaction {
  readonly nowMs: number;
  readonly snapshotTs: bigint;
  readonly isWritable = false;
  readonly reads: readonly KeyInterval[] = [];
  readonly #options: StaleOptions;

  constructor(store: TransactionStore, budget: Budget, options: StaleOptions) {
    super(store, budget);
    this.#options = options;
    this.nowMs = options.nowMs;
    this.snapshotTs = options.snapshotTs;
  }

  protected override operate<T>(operation: () => T): T {
    return this.#options.operate(operation);
  }

  override remember(): void {}

  override enter(): void {
    this.#options.goToStart();
  }

  /** What is read ahead stays true: the start never changes. */
  override version(): number {
    return 0;
  }

  insert(): never {
    return refuse();
  }

  patch(): never {
    return refuse();
  }

  replace(): never {
    return refuse();
  }

  remove(): never {
    return refuse();
  }

  begin(limits?: unknown): Savepoint {
    return this.operate(() => this.budget.begin(limits));
  }

  usage(): TransactionUsage {
    return this.budget.usage();
  }

  stale(): Transaction {
    return this;
  }
}

function refuse(): never {
  throw new Error("a stale snapshot cannot be written to");
}
