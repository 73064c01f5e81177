// Runs the jobs of `_scheduled_functions` when they are due: mutations exactly once, actions at most once
// (embedded-convex §3.6).
import type { ActionSlots } from "./actionSlots.ts";
import { type Alarm, createAlarm } from "./alarm.ts";
import { type DueJob, keyOfJob, planJobs } from "./jobPlan.ts";
import { failed, type Job, type JobState, moveJob, readJobs, stateOf } from "./jobRows.ts";
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
  /** Jobs that were running when the process ended: an action may have had its effect, so it is not run again. */
  failInterrupted(): Promise<number>;
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
  /** The disk was full, or the like: nothing starts before. */
  #notBeforeMs = 0;

  constructor(options: SchedulerOptions, slots: ActionSlots) {
    this.#options = options;
    this.#slots = slots;
    this.#alarm = createAlarm({ clock: options.clock, timers: options.timers, ring: () => this.wake() });
    slots.onFree(() => this.wake());
  }

  async failInterrupted(): Promise<number> {
    const { queue, components, count, log } = this.#options;
    let total = 0;
    for (const component of components()) {
      for (;;) {
        const { value: jobs } = await queue.run(async (transaction) => {
          const found = readJobs(transaction, component, { state: "inProgress", ...INTERRUPTED });
          for (const job of found) moveJob(transaction, job, "inProgress", failed("interrupted"));
          return found;
        }, true);
        for (const job of jobs) {
          count("jobs", { kind: "action", result: "interrupted" });
          log("job.interrupted", { id: job.id, ...job.address });
        }
        total += jobs.length;
        if (jobs.length === 0) break;
      }
    }
    return total;
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
    const { clock } = this.#options;
    while (this.#isStale && !this.#isStopped) {
      this.#isStale = false;
      if (clock() < this.#notBeforeMs) {
        this.#alarm.set(this.#notBeforeMs);
        continue;
      }
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
    const plan = planJobs(pending, {
      nowMs: clock(),
      underWay: new Set(this.#underWay.keys()),
      freeActions: this.#slots.free,
      freeMutations: MUTATIONS_AT_ONCE - this.#mutations,
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
    if (kind === "mutation") return this.#runMutation(job);
    const found = kind === null ? "there is none" : `it is a ${kind}`;
    return this.#fail(job, `Expected ${job.address.path} to be a mutation or an action; ${found}`);
  }

  /** Effect and "success" commit together: exactly once. A throw leaves nothing but "failed". */
  async #runMutation(job: Job): Promise<void> {
    const { queue, functions } = this.#options;
    try {
      const { value } = await queue.run(async (transaction) => {
        if (stateOf(transaction, job) !== "pending") return "canceled";
        await functions.runJob(job.address, job.args, { kind: "mutation", transaction, job });
        return moveJob(transaction, job, "pending", { kind: "success" }) ? "success" : "canceled";
      }, true);
      this.#tell(job, "mutation", value);
    } catch (error) {
      // Not the function's doing: the job stays pending and runs again.
      if (isHostTrouble(error)) throw error;
      await this.#fail(job, messageOf(error));
    }
  }

  async #fail(job: Job, message: string): Promise<void> {
    await this.#options.queue.run(async (transaction) => moveJob(transaction, job, "pending", failed(message)), true);
    this.#tell(job, "mutation", "failed", message);
  }

  /** "inProgress" is on the disk before the action begins: whatever happens then, it does not run twice. */
  async #runAction(job: Job): Promise<void> {
    const { queue, functions } = this.#options;
    const { value: isMine } = await queue.run(
      async (transaction) => moveJob(transaction, job, "pending", { kind: "inProgress" }),
      true,
    );
    if (!isMine) return;
    let end: JobState = { kind: "success" };
    try {
      await functions.runJob(job.address, job.args, { kind: "action", transaction: null, job: job });
    } catch (error) {
      end = failed(messageOf(error));
    }
    await this.#settleAction(job, end);
  }

  async #settleAction(job: Job, end: JobState): Promise<void> {
    const { queue, timers } = this.#options;
    for (;;) {
      try {
        const { value } = await queue.run(async (transaction) => moveJob(transaction, job, "inProgress", end), true);
        return this.#tell(job, "action", value ? end.kind : "canceled", end.kind === "failed" ? end.error : undefined);
      } catch (error) {
        // Given up at a stop: the next start finds it "inProgress" and says "interrupted".
        if (this.#isStopped) throw error;
        this.#rest(error);
        await sleepOn(timers, RETRY_MS);
      }
    }
  }

  #rest(error: unknown): void {
    const { clock, log } = this.#options;
    this.#notBeforeMs = clock() + RETRY_MS;
    log("scheduler.trouble", { message: messageOf(error), retryMs: RETRY_MS });
    if (!this.#isStopped) this.#alarm.set(this.#notBeforeMs);
  }

  #tell(job: Job, kind: "mutation" | "action", result: string, error?: string): void {
    this.#options.count("jobs", { kind, result });
    if (error !== undefined) this.#options.log("job.failed", { id: job.id, ...job.address, error });
  }
}
