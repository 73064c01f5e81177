// Loaded into a proxy before its own program: watches the serving thread's loop from one SIGUSR2 to the next, and says then how
// long it was held up.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const RESOLUTION_MS = 1;
const P99 = 99;

if (isMainThread) {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let isWatching = false;
  process.on("SIGUSR2", () => {
    isWatching = !isWatching;
    if (isWatching) {
      loop.reset();
      loop.enable();
      return;
    }
    loop.disable();
    // What is recorded is the whole time between two looks.
    const stallP99Ms = Math.max(0, loop.percentile(P99) / 1e6 - RESOLUTION_MS);
    process.stderr.write(`${JSON.stringify({ stallP99Ms })}\n`);
  });
}
