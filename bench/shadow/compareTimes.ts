import { Worker } from "node:worker_threads";
import type { Row } from "../lib/results.ts";
import { rounded } from "../lib/rows.ts";
import { median } from "../lib/statistics.ts";
import type { CompareTimes } from "./compareWorker.ts";

/** Comparisons of a kind in one round, of which the median counts. */
const TIMES = 15;

const measureOnce = (): Promise<CompareTimes> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./compareWorker.ts", import.meta.url), { workerData: TIMES });
    worker.once("message", resolve);
    worker.once("error", reject);
  });

/** Each round a worker of its own, as cold as the compare thread's first ones. */
export async function compareRows(rounds: number): Promise<Record<string, Row>> {
  const measured: CompareTimes[] = [];
  for (let round = 0; round < rounds; round++) measured.push(await measureOnce());
  const row = (pick: (times: CompareTimes) => number): Row => ({
    ratios: {},
    spread: {},
    absolute: rounded(median(measured.map(pick))),
    unit: "ms",
  });
  return { "compare-1-mb": row((one) => one.megabyteMs), "compare-3000-reordered": row((one) => one.reorderedMs) };
}
