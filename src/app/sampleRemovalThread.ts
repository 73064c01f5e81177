// Removes a subject's samples from files that no compare thread writes to, beside the loop that serves: SQLite is synchronous (shadow I5).
import { parentPort, workerData } from "node:worker_threads";
import { removeSamples, type SampleRemovalAsked } from "../shadow/index.ts";

export interface SampleRemovalWork extends Omit<SampleRemovalAsked, "isLate"> {
  readonly timeMs: number;
}

const { timeMs, ...asked } = workerData as SampleRemovalWork;
const endMs = performance.now() + timeMs;
parentPort?.postMessage(await removeSamples({ ...asked, isLate: () => performance.now() > endMs }));
