import { setTimeout as sleep } from "node:timers/promises";
import { VoidMeasurement } from "../lib/void.ts";
import type { HttpCalls } from "./clients.ts";
import type { Memory } from "./growth.ts";
import type { BenchHost } from "./host.ts";
import { openInspector } from "./inspector.ts";
import { api } from "./references.ts";
import { MANY, type RowId } from "./stored.ts";

const AT_ONCE = 32;
/** Each collects the host's garbage, which halts it. */
const SAMPLES = 60;
/** Coprime to the number of rows: every row has its turn. */
const STRIDE = 7_919;

export interface Load {
  readonly operations: number;
  /** Null: as many as the host takes. */
  readonly perSecond: number | null;
  say?(done: number): void;
}

/** Writes, indexed takes and reads in turn, over all documents; what the host's memory was meanwhile. */
export async function runOperations(
  host: BenchHost,
  calls: HttpCalls,
  ids: readonly RowId[],
  load: Load,
): Promise<readonly Memory[]> {
  const inspector = await openInspector(host);
  const samples: Memory[] = [];
  const every = Math.max(1, Math.floor(load.operations / SAMPLES));
  const startedMs = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < load.operations) {
      const at = next++;
      if (load.perSecond !== null) await due(startedMs + (at * 1_000) / load.perSecond);
      await operation(calls, ids, at);
      if (at % every !== 0) continue;
      samples.push({ keptBytes: await inspector.keptBytes(), residentBytes: await host.residentBytes() });
      load.say?.(at);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    inspector.close();
  }
  return samples;
}

/** A host that is this late does not keep up, and what is measured then is a backlog. */
const LATE_MS_MAX = 10_000;

async function due(atMs: number): Promise<void> {
  const waitMs = atMs - performance.now();
  if (waitMs > 0) await sleep(waitMs);
  else if (waitMs < -LATE_MS_MAX) throw new VoidMeasurement("the host does not keep up with the rate");
}

async function operation(calls: HttpCalls, ids: readonly RowId[], at: number): Promise<void> {
  const row = (at * STRIDE) % ids.length;
  const id = ids[row] as RowId;
  if (at % 5 < 2) await calls.mutation(api.rows.increment, { id });
  else if (at % 5 < 4) await calls.query(api.rows.takes, { group: MANY.group, times: 1, from: row, step: 0 });
  else await calls.query(api.rows.counted, { id });
}
