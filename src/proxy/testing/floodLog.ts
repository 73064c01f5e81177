// Writes far more log than anybody reads, then ends in order; reports on stderr, since stdout is what stalls.
import { createPinoLog } from "../pinoLog.ts";

let drops = 0;
const log = createPinoLog({
  level: "info",
  subjectKey: new Uint8Array(32),
  waitingMax: 256 * 1024,
  onDrop: () => {
    drops++;
  },
});
const line = {
  requestId: "r",
  traceId: null,
  method: "GET",
  route: "GET /a/:id",
  unit: "shop",
  subject: "u1",
  arm: "control",
  reason: "flag-off",
  status: 200,
  outcome: "ok",
  durationMs: 1,
  isSlow: false,
  code: null,
} as const;
const before = process.memoryUsage.rss();
for (let round = 0; round < 200; round++) {
  for (let i = 0; i < 1_000; i++) log.exchange(line);
  await new Promise((resolve) => setImmediate(resolve));
}
const grownMiB = (process.memoryUsage.rss() - before) / 2 ** 20;
const startedMs = performance.now();
await log.flush();
process.stderr.write(JSON.stringify({ drops, grownMiB, flushMs: performance.now() - startedMs }));
process.exit(0);
