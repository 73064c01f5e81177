// What the stores of evidence look like from outside: size and damage, for `doctor`. Changes nothing.
import { statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { EvidenceError } from "./evidenceError.ts";
import { asideFilesIn, evidenceFilesIn } from "./evidenceFiles.ts";
import { openPostgresReader } from "./postgresEvidence.ts";
import { CHECKED_BYTES_MAX, openFile } from "./sqliteFile.ts";

export interface InspectedFile {
  readonly name: string;
  /** With what is not merged into it yet. */
  readonly bytes: number;
  /** `long`: it opens, and is too long to be read through. `empty`: nothing was written yet. */
  readonly state: "sound" | "long" | "empty" | "unreadable";
  /** Of one that is unreadable: why. */
  readonly why: string | null;
}

export interface InspectedFolder {
  readonly files: readonly InspectedFile[];
  /** Damaged ones that were moved aside. */
  readonly aside: readonly string[];
}

/** @throws as `readdirSync`, but for a folder that is not there: nothing was stored then */
export function inspectEvidence(stateDir: string): InspectedFolder {
  try {
    const files = evidenceFilesIn(stateDir).map((name) => inspectFile(stateDir, name));
    return { files, aside: asideFilesIn(stateDir) };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { files: [], aside: [] };
    throw error;
  }
}

function inspectFile(folder: string, name: string): InspectedFile {
  const file = join(folder, name);
  const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const bytes = sizeOf(file) + sizeOf(`${file}-wal`);
  let db: DatabaseSync | null = null;
  try {
    db = openFile(file, { isReader: true, bytesMax: 0 });
    if (bytes > CHECKED_BYTES_MAX) return { name, bytes, state: "long", why: null };
    const found = String(db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
    return found === "ok"
      ? { name, bytes, state: "sound", why: null }
      : { name, bytes, state: "unreadable", why: found };
  } catch (error) {
    if (error instanceof EvidenceError && error.code === "empty") return { name, bytes, state: "empty", why: null };
    return { name, bytes, state: "unreadable", why: error instanceof Error ? error.message : String(error) };
  } finally {
    db?.close();
  }
}

/** Of a fleet's database, in bytes. @throws EvidenceError when it cannot be asked */
export async function sizeOfFleetEvidence(url: string): Promise<number> {
  const reader = openPostgresReader(url);
  try {
    return await reader.bytes();
  } finally {
    await reader.close();
  }
}
