// Which jobs start now, and when to look again (embedded-convex §3.6). Pure.
import type { Job } from "./jobRows.ts";
import type { FunctionKind } from "./words.ts";

export interface DueJob {
  readonly job: Job;
  /** "query" and null: it cannot run, and fails. */
  readonly kind: FunctionKind | null;
}

export interface JobPlan {
  readonly start: readonly DueJob[];
  /** When the earliest job that is not yet due is; null when none is known. */
  readonly nextDueMs: number | null;
}

/** Earliest due first, then in the order of their making (embedded-convex §3.6). */
export function compareJobs(a: Job, b: Job): number {
  return a.scheduledTimeMs - b.scheduledTimeMs || a.creationTimeMs - b.creationTimeMs;
}

/** How the key of a job that is under way reads. */
export function keyOfJob({ component, id }: { readonly component: string; readonly id: string }): string {
  return `${component}|${id}`;
}

/**
 * Chooses among `pending` (any order) those that are due and fit. Actions that find no free slot wait; mutations behind
 * them do not: they need none, only a place in the queue.
 */
export function planJobs(
  pending: readonly Job[],
  now: {
    readonly nowMs: number;
    readonly underWay: ReadonlySet<string>;
    readonly freeActions: number;
    readonly freeMutations: number;
    kindOf(job: Job): FunctionKind | null;
  },
): JobPlan {
  const start: DueJob[] = [];
  let { freeActions, freeMutations } = now;
  for (const job of pending.toSorted(compareJobs)) {
    if (job.scheduledTimeMs > now.nowMs) return { start, nextDueMs: job.scheduledTimeMs };
    if (now.underWay.has(keyOfJob(job))) continue;
    const kind = now.kindOf(job);
    if (kind === "action") {
      if (freeActions === 0) continue;
      freeActions -= 1;
    } else {
      if (freeMutations === 0) continue;
      freeMutations -= 1;
    }
    start.push({ job, kind });
  }
  return { start, nextDueMs: null };
}
