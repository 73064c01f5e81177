// Runs the jobs of `_scheduled_functions` when they are due: mutations exactly once, actions at most once
// (embedded-convex §3.6).
import type { ActionSlots } from "./actionSlots.ts";
import { type Alarm, createAlarm } from "./alarm.ts";
import { type DueJob, keyOfJob, planJobs } from "./jobPlan.ts";
import { failed, type Job, type JobState, type JobStateKind, moveJob, readJobs, stateOf } from "./jobRows.ts";
import { overlaps } from "./ranges.ts";
import { isHostTrouble, messageOf, RETRY_MS, type SchedulerOptions, sleepOn } from "./schedulerPorts.ts";
import type { FunctionKind, KeyInterval, TouchedKey } from "./words.ts";

const MIB = 1_024 * 1_024;
/** So many share a COMMIT; more in the queue would only stand in the way of calls. */
const MUTATIONS_AT_ONCE = 64;
/** Rows read in one look, per component. Behind so many waiting actions, a due mutation waits for one of them to end. */
const LOOK = { limit: 1_024, bytesMax: 8 * MIB };
/** Each is read again when it is settled. */
const INTERRUPTED = { limit: 256, bytesMax: 2 * MIB };

export interface JobLoop {
  /**
   * Jobs that were running when the process ended. An action may have had its effect, so it is not run again; a mutation had
   * none, and runs. Only where a function got stuck (`wasStuck`) it has failed, or it would end every process to come.
   */
  settleInterrupted(wasStuck: boolean): Promise<void>;
  /** Looks for jobs that are due. */
  wake(): void;
  afterCommit(touched: readonly TouchedKey[]): void;
  /** No more jobs; resolves when those under way have ended. */
  stop(): Promise<void>;
}

export function createJobLoop(options: SchedulerOptions, slots: ActionSlots): JobLoop {
  return new Loop(options, slots);
}

class Loop implements JobLoop {
  readonly #options: SchedulerOptions;
  readonly #slots: ActionSlots;
  readonly #alarm: Alarm;
  readonly #underWay = new Map<string, Promise<void>>();
  #mutations = 0;
  /** What the last look saw: a commit that touches none of it changes nothing for us. */
  readonly #reads = new Map<string, readonly KeyInterval[]>();
  #look: Promise<void> = Promise.resolve();
  #isLooking = false;
  #isStale = false;
  #isStopped = false;
  /** The disk was full, or the like: nothing starts until it ends. */
  #isResting = false;
  /** Mutations that were due by then are begun one by one, each marked on the disk before: one of them may get stuck. */
  #carefulThroughMs = Number.NEGATIVE_INFINITY;

  constructor(options: SchedulerOptions, slots: ActionSlots) {
    this.#options = options;
    this.#slots = slots;
    this.#alarm = createAlarm({ clock: options.clock, timers: options.timers, ring: () => this.wake() });
    slots.onFree(() => this.wake());
  }

  async settleInterrupted(wasStuck: boolean): Promise<void> {
    const { clock, components } = this.#options;
    if (wasStuck) this.#carefulThroughMs = clock();
    for (const component of components()) {
      while ((await this.#settleSome(component, wasStuck)) > 0);
    }
  }

  async #settleSome(component: string, wasStuck: boolean): Promise<number> {
    const { queue, functions, count, log } = this.#options;
    const isSafe = (job: Job): boolean => !wasStuck && functions.kindOf(job.address) === "mutation";
    const { value: jobs } = await queue.run(async (transaction) => {
      const found = readJobs(transaction, component, { state: "inProgress", ...INTERRUPTED });
      for (const job of found) {
        moveJob(transaction, job, "inProgress", isSafe(job) ? { kind: "pending" } : failed("interrupted"));
      }
      return found;
    }, true);
    for (const job of jobs) {
      if (isSafe(job)) continue;
      const kind = functions.kindOf(job.address) === "mutation" ? "mutation" : "action";
      count("jobs", { kind, result: "interrupted" });
      log("job.interrupted", { id: job.id, ...job.address });
    }
    return jobs.length;
  }

  afterCommit(touched: readonly TouchedKey[]): void {
    for (const reads of this.#reads.values()) {
      if (overlaps(reads, touched)) return this.wake();
    }
  }

  wake(): void {
    if (this.#isStopped) return;
    this.#isStale = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#look = this.#lookAround();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#alarm.set(null);
    await this.#look;
    await Promise.all(this.#underWay.values());
  }

  async #lookAround(): Promise<void> {
    while (this.#isStale && !this.#isStopped && !this.#isResting) {
      this.#isStale = false;
      try {
        this.#startDue(await this.#readPending());
      } catch (error) {
        this.#rest(error);
      }
    }
    this.#isLooking = false;
  }

  async #readPending(): Promise<readonly Job[]> {
    const { queue, components, clock } = this.#options;
    const isLast = (job: Job) => job.scheduledTimeMs > clock();
    const look = async (component: string): Promise<readonly Job[]> => {
      const { value } = await queue.run(async (transaction) => {
        const jobs = readJobs(transaction, component, { state: "pending", ...LOOK, isLast });
        // Set before the next transaction runs, so that no commit after this look is missed.
        this.#reads.set(component, [...transaction.reads]);
        return jobs;
      }, false);
      return value;
    };
    return (await Promise.all(components().map(look))).flat();
  }

  #startDue(pending: readonly Job[]): void {
    if (this.#isStopped) return;
    const { clock, functions } = this.#options;
    const hasSuspects = pending.some((job) => this.#isSuspect(job) && functions.kindOf(job.address) === "mutation");
    const mutationsMax = hasSuspects ? 1 : MUTATIONS_AT_ONCE;
    const plan = planJobs(pending, {
      nowMs: clock(),
      underWay: new Set(this.#underWay.keys()),
      freeActions: this.#slots.free,
      freeMutations: Math.max(0, mutationsMax - this.#mutations),
      kindOf: (job) => functions.kindOf(job.address),
    });
    this.#alarm.set(plan.nextDueMs);
    for (const due of plan.start) this.#start(due);
  }

  #start({ job, kind }: DueJob): void {
    const key = keyOfJob(job);
    const isAction = kind === "action";
    if (isAction) this.#slots.take();
    else this.#mutations += 1;
    const done = this.#run(job, kind)
      .catch((error: unknown) => this.#rest(error))
      .finally(() => {
        this.#underWay.delete(key);
        if (isAction) return this.#slots.give();
        this.#mutations -= 1;
        this.wake();
      });
    this.#underWay.set(key, done);
  }

  #run(job: Job, kind: FunctionKind | null): Promise<void> {
    if (kind === "action") return this.#runAction(job);
    if (kind === "mutation") return this.#isSuspect(job) ? this.#runCarefully(job) : this.#runMutation(job);
    const found = kind === null ? "there is none" : `it is a ${kind}`;
    return this.#fail(job, `Expected ${job.address.path} to be a mutation or an action; ${found}`);
  }

  #isSuspect(job: Job): boolean {
    return job.scheduledTimeMs <= this.#carefulThroughMs;
  }

  async #runMutation(job: Job): Promise<void> {
    try {
      await this.#runInTransaction(job, "pending");
    } catch (error) {
      // Not the function's doing: the job stays pending and runs again.
      if (isHostTrouble(error)) throw error;
      await this.#fail(job, messageOf(error));
    }
  }

  /** "inProgress" is on the disk before the mutation begins: if it gets stuck, the next process knows which it was. */
  async #runCarefully(job: Job): Promise<void> {
    if (!(await this.#claim(job))) return;
    try {
      await this.#runInTransaction(job, "inProgress");
    } catch (error) {
      const isTrouble = isHostTrouble(error);
      await this.#settle(job, "mutation", isTrouble ? { kind: "pending" } : failed(messageOf(error)));
      if (isTrouble) throw error;
    }
  }

  /** Effect and "success" commit together: exactly once. A throw leaves nothing. */
  async #runInTransaction(job: Job, from: JobStateKind): Promise<void> {
    const { queue, functions } = this.#options;
    const { value } = await queue.run(async (transaction) => {
      if (stateOf(transaction, job) !== from) return "canceled";
      await functions.runJob(job.address, job.args, { kind: "mutation", transaction, job });
      return moveJob(transaction, job, from, { kind: "success" }) ? "success" : "canceled";
    }, true);
    this.#tell(job, "mutation", value);
  }

  async #fail(job: Job, message: string): Promise<void> {
    await this.#options.queue.run(async (transaction) => moveJob(transaction, job, "pending", failed(message)), true);
    this.#tell(job, "mutation", "failed", message);
  }

  /** "inProgress" is on the disk before the action begins: whatever happens then, it does not run twice. */
  async #runAction(job: Job): Promise<void> {
    if (!(await this.#claim(job))) return;
    let end: JobState = { kind: "success" };
    try {
      await this.#options.functions.runJob(job.address, job.args, { kind: "action", transaction: null, job });
    } catch (error) {
      end = failed(messageOf(error));
    }
    await this.#settle(job, "action", end);
  }

  /** False when it was cancelled. */
  async #claim(job: Job): Promise<boolean> {
    const claimed = await this.#options.queue.run(
      async (transaction) => moveJob(transaction, job, "pending", { kind: "inProgress" }),
      true,
    );
    return claimed.value;
  }

  /** Writes how a job "inProgress" has ended, as soon as it can be written. */
  async #settle(job: Job, kind: "mutation" | "action", end: JobState): Promise<void> {
    const { queue, timers } = this.#options;
    for (;;) {
      try {
        const { value } = await queue.run(async (transaction) => moveJob(transaction, job, "inProgress", end), true);
        if (end.kind === "pending") return;
        return this.#tell(job, kind, value ? end.kind : "canceled", end.kind === "failed" ? end.error : undefined);
      } catch (error) {
        // Given up at a stop: the next start finds it "inProgress".
        if (this.#isStopped) throw error;
        this.#rest(error);
        await sleepOn(timers, RETRY_MS);
      }
    }
  }

  /** On the timers and not the clock: that may be set meanwhile. */
  #rest(error: unknown): void {
    const { timers, log } = this.#options;
    log("scheduler.trouble", { message: messageOf(error), retryMs: RETRY_MS });
    if (this.#isResting) return;
    this.#isResting = true;
    timers.set(() => {
      this.#isResting = false;
      this.wake();
    }, RETRY_MS);
  }

  #tell(job: Job, kind: "mutation" | "action", result: string, error?: string): void {
    this.#options.count("jobs", { kind, result });
    if (error !== undefined) this.#options.log("job.failed", { id: job.id, ...job.address, error });
  }
}
