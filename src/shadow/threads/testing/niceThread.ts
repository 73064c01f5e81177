// A thread that yields, and lives until it is ended.
import { parentPort, workerData } from "node:worker_threads";
import { yieldCores } from "../yieldCores.ts";

yieldCores(workerData as "mirror" | "compare");
parentPort?.on("message", () => {});
parentPort?.postMessage("there");
