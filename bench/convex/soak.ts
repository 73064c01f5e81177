import { type Part, type PartOptions, partOf } from "../lib/part.ts";
import type { Running } from "../lib/process.ts";
import { createHttpCalls } from "./clients.ts";
import { growthRows } from "./growth.ts";
import { startHost } from "./host.ts";
import { runOperations } from "./operations.ts";
import { FUNCTIONS_DIR } from "./part.ts";
import { fill, MANY } from "./stored.ts";

const PER_SECOND = 200;
/** Before anything is sampled: code is compiled and caches are filled once. */
const WARM_UP_OPERATIONS = 5_000;
const SAY_EVERY_MS = 30_000;

/** Goal 6 of embedded-convex.md §9 for as long as one likes: a steady rate, no error, memory flat. */
export const createSoakPart = (seconds: number): Part =>
  partOf(async ({ dir, say }: PartOptions, running: Running[]) => {
    const host = await startHost({ name: "host", dir, functionsDir: FUNCTIONS_DIR });
    running.push(host);
    const calls = createHttpCalls(host.url);
    try {
      const ids = await fill(calls, MANY);
      await runOperations(host, calls, ids, { operations: WARM_UP_OPERATIONS, perSecond: null });
      const operations = seconds * PER_SECOND;
      let saidMs = performance.now();
      const samples = await runOperations(host, calls, ids, {
        operations,
        perSecond: PER_SECOND,
        say(done) {
          if (performance.now() - saidMs < SAY_EVERY_MS) return;
          saidMs = performance.now();
          say(`convex-soak: ${done} of ${operations} operations`);
        },
      });
      const notes = [
        `The embedded host (Convex-compatible) for ${seconds.toLocaleString("en")} s at ${PER_SECOND} operations a second: writes, takes and reads among ${MANY.count.toLocaleString("en")} documents, each answered without an error.`,
        `${samples.length} samples of what its heap keeps after a collection, and of its resident memory; the middle of the second half over that of the first.`,
      ];
      return { rows: growthRows(samples, "soak"), notes };
    } finally {
      await calls.close();
    }
  });
