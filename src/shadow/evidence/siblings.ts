// Files of processes that no longer run (shadow §14): nobody else removes from them what is over its time.
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { EvidenceError, type EvidenceErrorCode } from "./evidenceError.ts";
import { evidenceFilesIn } from "./evidenceFiles.ts";
import { openSqliteEvidence } from "./sqliteEvidence.ts";

/** A process that compares writes every second. */
const OLD_MS = 60 * 60_000;
/** At a time. */
const FILES_MAX = 16;
/** Another process does it already, or it is not for this version to do. */
const LEFT: ReadonlySet<EvidenceErrorCode> = new Set(["busy", "empty", "format"]);

export class Siblings {
  readonly #folder: string;
  readonly #own: string;
  /** Epoch ms, by name. */
  readonly #looked = new Map<string, number>();
  #isStopped = false;

  /** @param file of this process */
  constructor(file: string) {
    this.#folder = dirname(file);
    this.#own = basename(file);
  }

  /** Of some files; removes none, and none that is damaged. Rejects with the last failure when all were tried. */
  async expire(nowMs: number): Promise<void> {
    let failure: EvidenceError | null = null;
    for (const name of this.#due(nowMs)) {
      if (this.#isStopped) return;
      this.#looked.set(name, nowMs);
      try {
        await this.#expireOne(join(this.#folder, name), nowMs);
      } catch (error) {
        const known = error instanceof EvidenceError ? error : new EvidenceError("failed", { cause: error });
        if (!LEFT.has(known.code)) failure = known;
      }
    }
    if (failure !== null) throw failure;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Those that were looked at longest ago first. */
  #due(nowMs: number): readonly string[] {
    const names = evidenceFilesIn(this.#folder).filter((name) => name !== this.#own);
    for (const name of this.#looked.keys()) if (!names.includes(name)) this.#looked.delete(name);
    const lookedMs = (name: string): number => this.#looked.get(name) ?? 0;
    return names
      .filter((name) => Math.max(lookedMs(name), writtenMs(join(this.#folder, name))) <= nowMs - OLD_MS)
      .sort((one, other) => lookedMs(one) - lookedMs(other))
      .slice(0, FILES_MAX);
  }

  async #expireOne(file: string, nowMs: number): Promise<void> {
    const store = openSqliteEvidence(file, { isGuest: true });
    try {
      await store.expire(nowMs);
    } finally {
      await store.close();
    }
  }
}

/** What is written goes to the log first; who only reads leaves an empty one. */
function writtenMs(file: string): number {
  const [own, log] = [file, `${file}-wal`].map((one) => statSync(one, { throwIfNoEntry: false }));
  return Math.max(own?.mtimeMs ?? 0, log !== undefined && log.size > 0 ? log.mtimeMs : 0);
}
