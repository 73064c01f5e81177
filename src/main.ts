import cluster from "node:cluster";
import { application, createCliDeps, createMirror } from "./app.ts";
import { runCli } from "./cli/index.ts";
import { runWorker } from "./proxy/index.ts";

const LINGER_MS = 1_000;

// Whoever read the output may leave before its end (`… | head`): the rest is lost, never the process.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

if (cluster.isWorker) {
  // The primary decides when a worker ends; a signal to the whole group must not cut it short.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"] as const) process.on(signal, () => {});
  process.on("disconnect", () => process.exit(0));
  runWorker(
    application,
    {
      send: (message) => void process.send?.(message),
      onMessage: (listener) => void process.on("message", listener),
    },
    createMirror,
  );
} else {
  const code = await runCli(process.argv.slice(2), createCliDeps(process.env));
  process.exitCode = code;
  // Everything was drained and written; a handle that somebody forgot must not keep a stopped process.
  setTimeout(() => process.exit(code), LINGER_MS).unref();
}
