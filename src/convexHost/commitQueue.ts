// One transaction after another; those that wait share a COMMIT (embedded-convex §3.2, "Group commit").
import { setImmediate as nextTurn } from "node:timers/promises";
import { LIMITS } from "./limits.ts";
import type { CommitQueue, Committed, Transaction } from "./ports.ts";
import type { SqliteStore } from "./sqliteStore.ts";
import { SqliteTransaction } from "./transaction.ts";
import { type TouchedKey, TransportError } from "./words.ts";

/** The COMMIT of a group failed, or the file did before: nothing that the call did is kept. */
export class CommitFailed extends Error {
  override readonly name = "CommitFailed";
  constructor(cause: unknown) {
    super(`the commit failed, nothing of this call is stored: ${reasonOf(cause)}`, { cause });
  }
}

type CommitListener = (ts: bigint, touched: readonly TouchedKey[]) => void;

/** A call that waits for its turn. */
interface Job {
  readonly isWritable: boolean;
  /** Gives what to do once its group is on the disk. Never rejects. */
  run(transaction: SqliteTransaction): Promise<() => void>;
  fail(error: Error): void;
}

const GROUP_MAX = 256;
/** A group that takes longer is committed, so that the event loop gets a turn long before the watchdog ends the process. */
const GROUP_MS_MAX = 100;
/** How often `notReady` looks whether writing works again. */
const PROBE_PAUSE_MS = 1_000;

export interface CommitQueueOptions {
  /** Epoch ms. */
  readonly clock: () => number;
}

class SqliteCommitQueue implements CommitQueue {
  readonly #store: SqliteStore;
  readonly #clock: () => number;
  readonly #listeners = new Set<CommitListener>();
  #waiting: Job[] = [];
  #isRunning = false;
  #ts: bigint;
  #failure: string | null = null;
  #probedAtMs = 0;

  constructor(store: SqliteStore, { clock }: CommitQueueOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#ts = store.ts;
  }

  get ts(): bigint {
    return this.#ts;
  }

  run<T>(body: (transaction: Transaction) => Promise<T>, isWritable: boolean): Promise<Committed<T>> {
    if (this.#waiting.length >= LIMITS.waitingCalls) return Promise.reject(tooMany());
    const { promise, resolve, reject } = Promise.withResolvers<Committed<T>>();
    this.#waiting.push({
      isWritable,
      fail: reject,
      run: async (transaction) => {
        try {
          const value = await body(transaction);
          const committed = { value, ts: transaction.finish(), reads: transaction.reads };
          return () => resolve(committed);
        } catch (error) {
          transaction.abort();
          const told = transaction.failure === null ? error : new CommitFailed(transaction.failure);
          return () => reject(told);
        }
      },
    });
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#runGroups();
    }
    return promise;
  }

  /**
   * Told after each COMMIT that changed something, before the callers of its group go on. A query of the same group that ran
   * before a mutation has a smaller `ts` than is told here and is only told afterwards: who registers its reads must hold
   * them against what was told since it was asked for.
   */
  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks itself whether writing works again, once a second: without traffic nobody else would. */
  notReady(): string | null {
    if (this.#failure === null || this.#store.isInTransaction) return this.#failure;
    const nowMs = this.#clock();
    if (Math.abs(nowMs - this.#probedAtMs) < PROBE_PAUSE_MS) return this.#failure;
    this.#probedAtMs = nowMs;
    try {
      this.#store.probe(nowMs);
      this.#failure = null;
    } catch (error) {
      this.#note(error);
    }
    return this.#failure;
  }

  async #runGroups(): Promise<void> {
    while (this.#waiting.length > 0) {
      // A turn of the loop: the answers of the last group go out, and all calls that have arrived share this one.
      await nextTurn();
      await this.#runGroup(this.#waiting.splice(0, GROUP_MAX));
    }
    this.#isRunning = false;
  }

  async #runGroup(group: readonly Job[]): Promise<void> {
    const touched: TouchedKey[] = [];
    const answers: (() => void)[] = [];
    let started = 0;
    const untilMs = performance.now() + GROUP_MS_MAX;
    try {
      this.#store.begin(group.some((job) => job.isWritable));
      for (const job of group) {
        if (started > 0 && performance.now() > untilMs) break;
        started += 1;
        answers.push(await this.#runJob(job, touched));
      }
      this.#store.commit();
    } catch (error) {
      // Those that did not begin run in the next group; where no group can be opened at all, they fail like the others.
      const begun = started === 0 ? group.length : started;
      this.#waiting.unshift(...group.slice(begun));
      this.#giveUp(group.slice(0, begun), error);
      return;
    }
    this.#waiting.unshift(...group.slice(started));
    this.#ts = this.#store.ts;
    if (touched.length > 0) {
      this.#failure = null;
      this.#tell(touched);
    }
    for (const answer of answers) answer();
  }

  /** @throws Error when SQLite has given up the whole group, as it does after some errors: all before it is lost as well */
  async #runJob(job: Job, touched: TouchedKey[]): Promise<() => void> {
    const transaction = new SqliteTransaction(this.#store, { nowMs: this.#clock(), isWritable: job.isWritable });
    const answer = await job.run(transaction);
    if (transaction.failure !== null) this.#note(transaction.failure);
    if (!this.#store.isInTransaction) throw transaction.failure ?? new Error("SQLite has ended the transaction");
    for (const key of transaction.touched) touched.push(key);
    return answer;
  }

  #giveUp(group: readonly Job[], error: unknown): void {
    this.#note(error);
    try {
      this.#store.rollback();
    } catch (second) {
      this.#note(second);
    }
    const failure = new CommitFailed(error);
    for (const job of group) job.fail(failure);
  }

  #note(error: unknown): void {
    this.#failure = `the data file takes no writes: ${reasonOf(error)}`;
    this.#probedAtMs = this.#clock();
  }

  #tell(touched: readonly TouchedKey[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(this.#ts, touched);
      } catch (error) {
        // A fault of the listener is no fault of the callers, and must not be silent either.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function tooMany(): TransportError {
  const message = `${LIMITS.waitingCalls} calls are waiting: try again later`;
  return new TransportError(503, "TooManyConcurrentRequests", message);
}

/** @throws what `run` of the port says; TransportError 503 beyond 5,000 waiting calls (embedded-convex §3.8) */
export function createCommitQueue(store: SqliteStore, options: CommitQueueOptions): CommitQueue {
  return new SqliteCommitQueue(store, options);
}
