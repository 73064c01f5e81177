import { runWorker } from "../../worker.ts";
import { CODECS } from "./socketProxy.ts";

/** What a worker process of the cluster tests runs, wired as the product's own entry wires it. */
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));
runWorker(
  { codecs: CODECS, unauthorizedBody: null },
  {
    send: (message) => void process.send?.(message),
    onMessage: (listener) => void process.on("message", listener),
  },
);
