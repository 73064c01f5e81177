// Entry of both threads: what they are told when they start.
import { parentPort, workerData } from "node:worker_threads";
import type { SaverOptions } from "../evidence/saver.ts";
import { Siblings } from "../evidence/siblings.ts";
import { openPostgresEvidence } from "../evidence/postgresEvidence.ts";
import type { BodiesOptions } from "../evidence/sqlBodies.ts";
import { openSqliteEvidence } from "../evidence/sqliteEvidence.ts";
import type { ShadowApplication } from "../ports.ts";
import { type CarrierFactory, runCompareThread } from "./compareThread.ts";
import { runMirrorThread } from "./mirrorThread.ts";
import { yieldCores } from "./yieldCores.ts";

interface ThreadData {
  readonly thread: "mirror" | "compare";
  readonly file: string;
  readonly process: string;
  readonly printKey: Uint8Array;
  /** null: the file. */
  readonly storeUrl: string | null;
  /** Of redacted bodies, in a file only; null: none are kept. */
  readonly bodies: BodiesOptions | null;
}

/** In one database of all, each process expires what is over its time. */
const NO_SIBLINGS: SaverOptions["siblings"] = { expire: () => Promise.resolve(), stop: () => {} };

/** Called by the program that the threads run, with the application that the core does not know. */
export function runShadowThread(application: ShadowApplication, createCarrier: CarrierFactory | null = null): void {
  if (parentPort === null) throw new Error("this program runs in a thread of the shadow only");
  const { thread, file, process, printKey, storeUrl, bodies } = workerData as ThreadData;
  yieldCores(thread);
  if (thread === "mirror") runMirrorThread(parentPort, application);
  else {
    const kept = bodies === null ? {} : { bodies };
    const openStore: SaverOptions["openStore"] = (onMovedAside) =>
      storeUrl === null ? openSqliteEvidence(file, { onMovedAside, ...kept }) : openPostgresEvidence(storeUrl);
    const siblings = storeUrl === null ? new Siblings(file) : NO_SIBLINGS;
    runCompareThread(parentPort, { application, createCarrier, openStore, siblings, process, printKey });
  }
}
