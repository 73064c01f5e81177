// The thread that prints one row with a large board (rowPrint.ts).
import { parentPort, workerData } from "node:worker_threads";
import { fingerprintOf, type PrintedRow } from "./rowPrint.ts";

parentPort?.postMessage(fingerprintOf(workerData as PrintedRow));
