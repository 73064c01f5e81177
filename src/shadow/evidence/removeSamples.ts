// A subject's samples, removed on request (shadow P5) where no compare thread does it: files of processes that run no more, or whose
// shadow is off.
import { basename, join } from "node:path";
import { EvidenceError } from "./evidenceError.ts";
import { asideFilesIn, evidenceFilesIn } from "./evidenceFiles.ts";
import { createGroupPrint } from "./fingerprint.ts";
import type { EvidenceStore, RemovedSamples } from "./model.ts";
import { openPostgresEvidence } from "./postgresEvidence.ts";
import { openSqliteEvidence } from "./sqliteEvidence.ts";

export interface SampleRemovalAsked {
  readonly stateDir: string;
  /** Names of files whose writers do it themselves. */
  readonly except: ReadonlySet<string>;
  /** Null: there are files only. */
  readonly storeUrl: string | null;
  readonly printKey: Uint8Array;
  /** Raw: leaves this process in no form. */
  readonly subject: string;
  /** When this is over, files that were not looked at are `late`. */
  isLate(): boolean;
}

export interface SamplesLeft {
  /** Name of a file; "store": that of a fleet. */
  readonly where: string;
  /** Code of an `EvidenceError`, or `late`. */
  readonly why: string;
}

export interface SampleRemoval extends RemovedSamples {
  /** Where some may be left. */
  readonly left: readonly SamplesLeft[];
}

export const sumRemoved = (all: readonly RemovedSamples[]): RemovedSamples => ({
  samples: all.reduce((sum, { samples }) => sum + samples, 0),
  campaigns: [...new Set(all.flatMap(({ campaigns }) => campaigns))].sort(),
});

/** Never rejects. Nothing is begun, moved aside or repaired. */
export async function removeSamples(asked: SampleRemovalAsked): Promise<SampleRemoval> {
  const { stateDir, except, storeUrl, printKey, subject, isLate } = asked;
  const removed: RemovedSamples[] = [];
  const left: SamplesLeft[] = [];
  const printOf = (campaign: string): string => createGroupPrint(printKey, campaign)(subject);
  const removeIn = async (where: string, open: () => EvidenceStore): Promise<void> => {
    try {
      removed.push(await removeFrom(open(), printOf));
    } catch (error) {
      const why = error instanceof EvidenceError ? error.code : "failed";
      if (why !== "empty") left.push({ where, why });
    }
  };
  if (storeUrl !== null) await removeIn("store", () => openPostgresEvidence(storeUrl));
  const { own, aside } = filesIn(stateDir);
  for (const name of own) {
    if (except.has(name)) continue;
    if (isLate()) left.push({ where: name, why: "late" });
    else await removeIn(name, () => openSqliteEvidence(join(stateDir, name), { isGuest: true }));
  }
  // What is in them cannot be found by its key, and may be there all the same.
  for (const name of aside) left.push({ where: basename(name), why: "broken" });
  return { ...sumRemoved(removed), left };
}

async function removeFrom(store: EvidenceStore, printOf: (campaign: string) => string): Promise<RemovedSamples> {
  try {
    return await store.removeGroup(printOf);
  } finally {
    await store.close();
  }
}

/** No folder: nothing was ever stored. */
function filesIn(folder: string): { readonly own: readonly string[]; readonly aside: readonly string[] } {
  try {
    return { own: evidenceFilesIn(folder), aside: asideFilesIn(folder) };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { own: [], aside: [] };
    throw error;
  }
}
