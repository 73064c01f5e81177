// The rows of `_scheduled_functions`, as callSyscalls.ts writes them: found, and moved from state to state inside a transaction
// (embedded-convex §3.6).
import { convexToJson, type JSONValue, type Value } from "convex/values";
import type { JobRef } from "./functions.ts";
import type { Transaction } from "./ports.ts";
import type { FunctionAddress, StoredDocument } from "./words.ts";

export const JOBS_TABLE = "_scheduled_functions";

/** As `db.system` shows it (convex/src/server/schema.ts, `_systemSchema`). */
export type JobState =
  | { readonly kind: "pending" }
  | { readonly kind: "inProgress" }
  | { readonly kind: "success" }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "canceled" };
export type JobStateKind = JobState["kind"];

export interface Job extends JobRef {
  readonly address: FunctionAddress;
  /** The one argument object as Convex JSON. */
  readonly args: JSONValue;
  readonly scheduledTimeMs: number;
  readonly creationTimeMs: number;
}

const ERROR_CHARS_MAX = 32_768;

/** What the job is doing; null when its row is gone. */
export function stateOf(transaction: Transaction, { component, id }: JobRef): JobStateKind | null {
  const row = transaction.get(component, JOBS_TABLE, id);
  return row === null ? null : (row as unknown as { state: JobState }).state.kind;
}

/** Changes the state if it still is `from`; whether it was. */
export function moveJob(transaction: Transaction, job: JobRef, from: JobStateKind, to: JobState): boolean {
  if (stateOf(transaction, job) !== from) return false;
  writeState(transaction, job, to);
  return true;
}

export function failed(error: string): JobState {
  return { kind: "failed", error: error.length > ERROR_CHARS_MAX ? `${error.slice(0, ERROR_CHARS_MAX)}…` : error };
}

function writeState(transaction: Transaction, { component, id }: JobRef, state: JobState): void {
  const isOver = state.kind !== "pending" && state.kind !== "inProgress";
  transaction.patch(component, JOBS_TABLE, id, {
    state: convexToJson({ ...state }),
    ...(isOver ? { completedTime: transaction.nowMs } : {}),
  });
}

export interface JobsWanted {
  readonly state: JobStateKind;
  readonly limit: number;
  /** Reading ends after the row that goes beyond: a row has up to 4 MiB, a transaction may read 16. */
  readonly bytesMax: number;
  /** Whether the rows behind this one are of no interest. */
  readonly isLast?: (job: Job) => boolean;
}

/** Jobs in one state, earliest due first, then in the order of their making. Up to the limits. */
export function readJobs(transaction: Transaction, component: string, wanted: JobsWanted): Job[] {
  const query = transaction.openQuery(component, {
    source: {
      type: "IndexRange",
      indexName: `${JOBS_TABLE}.by_due`,
      range: [{ type: "Eq", fieldPath: "state.kind", value: wanted.state }],
      order: "asc",
    },
    operators: [{ limit: wanted.limit }],
  });
  const jobs: Job[] = [];
  try {
    for (let row = transaction.nextOf(query); row !== null; row = transaction.nextOf(query)) {
      const job = jobOf(component, row);
      jobs.push(job);
      if (wanted.isLast?.(job) === true || transaction.usage().bytesRead > wanted.bytesMax) break;
    }
  } finally {
    transaction.closeQuery(query);
  }
  return jobs;
}

function jobOf(component: string, row: StoredDocument): Job {
  const {
    name,
    args,
    scheduledTime,
    component: target,
  } = row as unknown as {
    name: string;
    args: readonly Value[];
    scheduledTime: number;
    component?: string;
  };
  return {
    component,
    id: row._id,
    address: { component: target ?? component, path: name },
    args: convexToJson(args[0] ?? {}),
    scheduledTimeMs: scheduledTime,
    creationTimeMs: row._creationTime,
  };
}
