// Fingerprints of rows, of what a digest counts of them (rest §7): no password, and of a board what it shows.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import * as Y from "yjs";
import { canonicalJson } from "../contract/index.ts";

export interface PrintedRow {
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Of a state as base64: a larger board is decoded in a thread of its own (handoff §7.2 Y5). */
const LARGE_CHARS = 1_048_576;

export async function printOf(row: PrintedRow): Promise<string> {
  const { state } = row.data;
  if (typeof state !== "string" || state.length <= LARGE_CHARS) return fingerprintOf(row);
  // The process's own flags (`--eval`, `--inspect`) are not meant for the thread.
  const worker = new Worker(new URL("./rowPrintThread.ts", import.meta.url), { workerData: row, execArgv: [] });
  try {
    const [print] = (await once(worker, "message")) as [string];
    return print;
  } finally {
    await worker.terminate();
  }
}

export function fingerprintOf({ kind, data }: PrintedRow): string {
  const { password: _, ...row } = data;
  const { state } = row;
  const shown = kind === "yjs_snapshots" && typeof state === "string" ? { ...row, state: boardOf(state) } : row;
  return createHash("sha256").update(canonicalJson(shown)).digest("hex").slice(0, 32);
}

function boardOf(state: string): unknown {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Buffer.from(state, "base64"));
  return { objects: doc.getMap("objects").toJSON(), ephemeral: doc.getMap("ephemeral").toJSON() };
}
