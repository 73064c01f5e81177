// Jobs, crons and the removal of what is old (embedded-convex §3.6).
import { createActionSlots } from "./actionSlots.ts";
import { createCronLoop } from "./cronLoop.ts";
import type { CronEntry } from "./cronPlan.ts";
import { createJobLoop } from "./jobLoop.ts";
import { createRetention } from "./retention.ts";
import type { SchedulerOptions } from "./schedulerPorts.ts";
import type { TouchedKey } from "./words.ts";

export type { JobFunctions, SchedulerOptions } from "./schedulerPorts.ts";

export interface Scheduler {
  /**
   * Settles what an earlier process left behind, makes the crons of all components as they are declared, then begins.
   * @throws Error naming a cron whose function is none
   */
  start(crons: readonly CronEntry[], before?: LastEnd): Promise<void>;
  /** The functions have changed. What is under way goes on. @throws as `start`; then the crons are as before */
  reload(crons: readonly CronEntry[]): Promise<void>;
  /** Starts nothing more; resolves when what is under way has ended. The caller limits its patience. */
  stop(): Promise<void>;
  /** To be called with the keys of every COMMIT: jobs may have come, or been cancelled. */
  afterCommit(touched: readonly TouchedKey[]): void;
}

/** What is known of the process before this one. */
export interface LastEnd {
  /** The watchdog ended it: a function did not yield, and it may have been a job that is due. */
  readonly wasStuck: boolean;
}

/** The scheduler of one host. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const slots = createActionSlots();
  const jobs = createJobLoop(options, slots);
  const crons = createCronLoop(options, slots);
  const retention = createRetention(options);
  return {
    async start(entries, { wasStuck } = { wasStuck: false }) {
      await jobs.settleInterrupted(wasStuck);
      await crons.start(entries);
      jobs.wake();
      retention.start();
    },
    async reload(entries) {
      await crons.start(entries);
      jobs.wake();
    },
    async stop() {
      await Promise.all([jobs.stop(), crons.stop(), retention.stop()]);
    },
    afterCommit: (touched) => jobs.afterCommit(touched),
  };
}
