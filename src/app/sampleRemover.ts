// A subject's samples, removed on request (shadow P5): by the processes that compare, each in its memory and its own file, and then from
// all other files, and a fleet's store, in a thread of its own.
import { Worker } from "node:worker_threads";
import type { SampleRemovals, SamplesGone } from "../console/index.ts";
import type { Clock, Subject } from "../kernel/index.ts";
import type { DataPlane } from "../proxy/index.ts";
import { type SampleRemoval, sumRemoved } from "../shadow/index.ts";
import type { SampleRemovalWork } from "./sampleRemovalThread.ts";

export interface SampleRemoverOptions {
  readonly stateDir: string;
  /** null: there are files only. */
  readonly storeUrl: string | null;
  readonly printKey: Uint8Array;
  readonly clock: Clock;
  readonly plane: Pick<DataPlane, "removeSamples">;
}

/** Whoever asks waits for ten seconds (`adminClient.ts`). */
const TIME_MS = 8_000;
/** A file that is held by another for a moment is not told of. */
const AGAIN_MS = 300;
/** Of the files: below that nothing is begun. */
const FILES_MS_MIN = 1_000;
/** Behind their time: what was begun ends by itself. */
const THREAD_MS = 1_000;
const AT_ONCE_MAX = 2;
const FOR_GOOD: ReadonlySet<string> = new Set(["broken", "format"]);
const ENTRY = new URL("./sampleRemovalThread.ts", import.meta.url);

export class SampleRemover implements SampleRemovals {
  readonly #options: SampleRemoverOptions;
  #running = 0;

  constructor(options: SampleRemoverOptions) {
    this.#options = options;
  }

  async remove(subject: Subject): Promise<SamplesGone> {
    if (this.#running >= AT_ONCE_MAX) return goneOf({ samples: 0, campaigns: [], left: [BUSY] });
    this.#running += 1;
    try {
      return goneOf(await this.#untilGone(subject));
    } finally {
      this.#running -= 1;
    }
  }

  /** What is gone stays gone: rounds add up. */
  async #untilGone(subject: Subject): Promise<SampleRemoval> {
    const { clock } = this.#options;
    const endMs = clock.monotonic() + TIME_MS;
    let removed: SampleRemoval = { samples: 0, campaigns: [], left: [] };
    for (;;) {
      const { left, ...more } = await this.#round(subject, endMs);
      removed = { ...sumRemoved([removed, more]), left };
      const isDone = left.every(({ why }) => FOR_GOOD.has(why));
      if (isDone || clock.monotonic() + AGAIN_MS + FILES_MS_MIN > endMs) return removed;
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
    }
  }

  async #round(subject: Subject, endMs: number): Promise<SampleRemoval> {
    const { plane, clock, stateDir, storeUrl, printKey } = this.#options;
    const here = await plane.removeSamples(subject);
    // Only behind these: what they had in memory would come back into what is searched here.
    const except = new Set(here.flatMap(({ file }) => file ?? []));
    const timeMs = Math.max(FILES_MS_MIN, endMs - clock.monotonic());
    const files = await this.#inFiles({ stateDir, except, storeUrl, printKey, subject, timeMs });
    const failed = here.flatMap(({ file, failure: why }) => (why === null ? [] : [{ where: file ?? "process", why }]));
    return { ...sumRemoved([...here, files]), left: [...failed, ...files.left] };
  }

  #inFiles(work: SampleRemovalWork): Promise<SampleRemoval> {
    const { promise, resolve } = Promise.withResolvers<SampleRemoval>();
    const worker = new Worker(ENTRY, { workerData: work, name: "sample-removal", stdin: false });
    const cancel = this.#options.clock.after(work.timeMs + THREAD_MS, () => void worker.terminate());
    worker.on("message", (removal: SampleRemoval) => resolve(removal));
    // Its text may hold what it was asked for.
    worker.on("error", () => {});
    worker.on("exit", () => {
      cancel();
      resolve({ samples: 0, campaigns: [], left: [{ where: "process", why: "failed" }] });
    });
    return promise;
  }
}

const BUSY = { where: "process", why: "busy" } as const;

const goneOf = ({ samples, campaigns, left }: SampleRemoval): SamplesGone => ({
  samples,
  campaigns: campaigns.length,
  left: left.map((one) => ({ ...one, isForGood: FOR_GOOD.has(one.why) })),
});
