// Removes what is kept for a time only: finished jobs, and the outcomes of mutations over sockets (embedded-convex §3.6, §3.10).
import type { JSONValue } from "convex/values";
import { createAlarm } from "./alarm.ts";
import { JOBS_TABLE, type JobStateKind } from "./jobRows.ts";
import { messageOf, type SchedulerOptions } from "./schedulerPorts.ts";

/** Finished jobs can be looked up for so long, as on Convex. */
export const FINISHED_KEPT_MS = 7 * 86_400_000;
const SWEEP_EVERY_MS = 3_600_000;
/** One transaction removes no more, so that calls do not wait for it. */
const BATCH = 256;
/** A row has up to 4 MiB, and is read twice: to find it and to remove it. All must fit into what one transaction may read. */
const BATCH_BYTES = 3 * 1_024 * 1_024;
const REQUESTS_TABLE = "_session_requests";
const FINISHED: readonly JobStateKind[] = ["success", "failed", "canceled"];

export interface Retention {
  /** Sweeps now and every hour. */
  start(): void;
  stop(): Promise<void>;
}

type RetentionOptions = Pick<SchedulerOptions, "queue" | "components" | "clock" | "timers" | "log">;

export function createRetention(options: RetentionOptions): Retention {
  const { clock, timers, log } = options;
  let sweep: Promise<void> = Promise.resolve();
  let isStopped = false;
  const alarm = createAlarm({ clock, timers, ring: () => start() });
  const start = (): void => {
    sweep = removeOld(options, () => isStopped)
      .then((removed) => {
        if (removed > 0) log("retention.removed", { rows: removed });
      })
      .catch((error: unknown) => log("retention.trouble", { message: messageOf(error) }))
      .finally(() => {
        if (!isStopped) alarm.set(clock() + SWEEP_EVERY_MS);
      });
  };
  return {
    start,
    async stop() {
      isStopped = true;
      alarm.set(null);
      await sweep;
    },
  };
}

/** One sweep over all components; how many rows it removed. Calls run between its batches. */
export async function removeOld(
  options: Pick<RetentionOptions, "queue" | "components" | "clock">,
  isStopped: () => boolean,
): Promise<number> {
  const nowMs = options.clock();
  const keptSinceMs = nowMs - FINISHED_KEPT_MS;
  let removed = 0;
  for (const component of options.components()) {
    for (const kind of FINISHED) {
      removed += await removeRows(options, isStopped, {
        component,
        table: JOBS_TABLE,
        index: "by_due",
        range: [
          { type: "Eq", fieldPath: "state.kind", value: kind },
          // Only a cancelled job can have ended before it was due.
          ...(kind === "canceled" ? [] : [{ type: "Lte", fieldPath: "scheduledTime", value: keptSinceMs }]),
        ],
        isOld: (row) => Number(row["completedTime"] ?? row["_creationTime"]) <= keptSinceMs,
      });
    }
    removed += await removeRows(options, isStopped, {
      component,
      table: REQUESTS_TABLE,
      index: "by_expiry",
      range: [{ type: "Lte", fieldPath: "expiresAtMs", value: nowMs }],
      isOld: () => true,
    });
  }
  return removed;
}

interface Rows {
  readonly component: string;
  readonly table: string;
  readonly index: string;
  readonly range: readonly { readonly type: string; readonly fieldPath: string; readonly value: JSONValue }[];
  isOld(row: Readonly<Record<string, JSONValue>>): boolean;
}

interface PageResult {
  readonly page: readonly (Readonly<Record<string, JSONValue>> & { readonly _id: string })[];
  readonly isDone: boolean;
  readonly continueCursor: string;
}

async function removeRows(
  { queue }: Pick<RetentionOptions, "queue">,
  isStopped: () => boolean,
  rows: Rows,
): Promise<number> {
  const { component, table, index, range, isOld } = rows;
  const source = {
    type: "IndexRange",
    indexName: `${table}.${index}`,
    range: range as unknown as JSONValue,
    order: "asc",
  };
  const query: JSONValue = { source, operators: [] };
  let removed = 0;
  for (let cursor: string | null = null; !isStopped(); ) {
    const { value: page } = await queue.run(async (transaction) => {
      const request = { query, cursor, endCursor: null, pageSize: BATCH, maximumBytesRead: BATCH_BYTES };
      const result = transaction.page(component, request, null).result as unknown as PageResult;
      const old = result.page.filter(isOld);
      for (const row of old) transaction.remove(component, table, row._id);
      removed += old.length;
      return result;
    }, true);
    if (page.isDone) break;
    cursor = page.continueCursor;
  }
  return removed;
}
