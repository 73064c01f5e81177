// Evidence of all processes of one proxy, read while they write it (shadow P6): changes no counter and holds up no writer.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { mergeFamilies, mergeGaps, mergeSamples } from "./mergeEvidence.ts";
import type { CampaignRow, EvidenceStore, FamilyRow, GapRow, RouteTotals, SampleRow, Window } from "./model.ts";
import { SqliteEvidence } from "./sqliteEvidence.ts";
import { SCHEMA_VERSION } from "./sqliteSchema.ts";
import { totalsOf } from "./totals.ts";

const NAME = /^shadow-(\d+)\.sqlite3$/;
/** More processes than any machine has cores; further files are counted. */
const FILES_MAX = 256;
/** A writer holds its lock for one checkpoint. */
const BUSY_MS = 5_000;
const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;

export interface StoredCampaign extends CampaignRow {
  /** Epoch ms: the end of the last minute of which anything is stored. */
  readonly untilMs: number;
}

type Reading = Pick<EvidenceStore, "totals" | "families" | "samples" | "gaps" | "close">;

export interface StoredEvidence extends Reading {
  readonly files: readonly string[];
  /** Files beyond the limit: what is in them is missing everywhere. */
  readonly filesLeftOut: number;
  /** The one with the newest evidence first. */
  campaigns(unit?: string): Promise<readonly StoredCampaign[]>;
}

/** Why there is nothing to read. `missing`: no process has ever stored any. */
export class EvidenceProblem extends Error {
  readonly kind: "missing" | "unreadable";
  constructor(kind: EvidenceProblem["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EvidenceProblem";
    this.kind = kind;
  }
}

/** All of it as it was at this moment. @throws EvidenceProblem */
export function readEvidence(stateDir: string): StoredEvidence {
  const names = namesIn(stateDir);
  // Processes that are started again get higher numbers: the last ones are those of today.
  const files = names.slice(-FILES_MAX).map((name) => join(stateDir, name));
  if (files.length === 0) throw new EvidenceProblem("missing", `There is no evidence of the shadow in ${stateDir}.`);
  const parts: Part[] = [];
  try {
    for (const file of files) parts.push(...openPart(file));
  } catch (error) {
    for (const { db } of parts) db.close();
    throw error;
  }
  return new MergedEvidence(parts, files, names.length - files.length);
}

function namesIn(stateDir: string): readonly string[] {
  const numberOf = (name: string): number => Number(NAME.exec(name)?.[1]);
  try {
    return readdirSync(stateDir)
      .filter((name) => NAME.test(name))
      .sort((one, other) => numberOf(one) - numberOf(other));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw new EvidenceProblem("unreadable", `${stateDir} cannot be read (${codeOf(error)}).`, { cause: error });
  }
}

interface Part {
  readonly db: DatabaseSync;
  readonly store: Reading & Pick<EvidenceStore, "campaigns">;
}

/** None: the process has opened it, and written nothing yet. */
function openPart(file: string): readonly Part[] {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
    // One moment for all that is read: otherwise families could know of exchanges that the totals lack.
    db.exec("BEGIN");
    const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (found === SCHEMA_VERSION) return [{ db, store: new SqliteEvidence(db, Date.now) }];
    db.close();
    if (found === 0) return [];
  } catch (error) {
    if (db?.isOpen === true) db.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new EvidenceProblem("unreadable", `${file} cannot be read: ${why}.`, { cause: error });
  }
  const text = `${file} is not of this version of switchyard: its format is not ${SCHEMA_VERSION}.`;
  throw new EvidenceProblem("unreadable", text);
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unreadable";

class MergedEvidence implements StoredEvidence {
  readonly files: readonly string[];
  readonly filesLeftOut: number;
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[], files: readonly string[], filesLeftOut: number) {
    this.#parts = parts;
    this.files = files;
    this.filesLeftOut = filesLeftOut;
  }

  async campaigns(unit?: string): Promise<readonly StoredCampaign[]> {
    const merged = new Map<string, Found>();
    for (const { db, store } of this.#parts) {
      for (const row of await store.campaigns(unit)) {
        const known = merged.get(row.id);
        const startedMs = Math.min(row.startedMs, known?.startedMs ?? row.startedMs);
        const { lastMs, untilMs } = endOf(db, row.id);
        merged.set(row.id, {
          ...row,
          startedMs,
          // A build that comes back goes on with the campaign that it had.
          lastMs: Math.max(row.startedMs, lastMs, known?.lastMs ?? 0),
          untilMs: Math.max(row.startedMs, untilMs, known?.untilMs ?? 0),
        });
      }
    }
    const newestFirst = (one: Found, other: Found): number =>
      other.lastMs - one.lastMs || other.startedMs - one.startedMs || (one.id < other.id ? -1 : 1);
    return [...merged.values()].sort(newestFirst).map(({ lastMs: _, ...campaign }) => campaign);
  }

  async totals(campaign: string, window: Window): Promise<readonly RouteTotals[]> {
    return totalsOf(await this.#all((store) => store.totals(campaign, window)));
  }

  async families(campaign: string): Promise<readonly FamilyRow[]> {
    return mergeFamilies(await this.#all((store) => store.families(campaign)));
  }

  async samples(campaign: string, family: string): Promise<readonly SampleRow[]> {
    return mergeSamples(await Promise.all(this.#parts.map(({ store }) => store.samples(campaign, family))));
  }

  async gaps(campaign: string): Promise<readonly GapRow[]> {
    return mergeGaps(await this.#all((store) => store.gaps(campaign)));
  }

  async close(): Promise<void> {
    for (const { store } of this.#parts) await store.close();
  }

  async #all<T>(read: (store: Reading) => Promise<readonly T[]>): Promise<readonly T[]> {
    return (await Promise.all(this.#parts.map(({ store }) => read(store)))).flat();
  }
}

interface Found extends StoredCampaign {
  /** Start of the last minute; a campaign that began within it is newer. */
  readonly lastMs: number;
}

/** Of the last minute that was counted, and of the last gap. */
function endOf(db: DatabaseSync, campaign: string): { readonly lastMs: number; readonly untilMs: number } {
  const maximum = (sql: string, ...values: readonly string[]): number => {
    const { most } = db.prepare(`SELECT MAX(${sql}`).get(...values) as { most: number | null };
    return most ?? 0;
  };
  const last = (span: "minute" | "hour"): number =>
    maximum("minute) AS most FROM counters WHERE campaign = ? AND span = ?", campaign, span);
  const [minute, hour] = [last("minute"), last("hour")];
  const gapMs = maximum("to_ms) AS most FROM gaps WHERE campaign = ?", campaign);
  const untilMinute = Math.max(minute > 0 ? minute + 1 : 0, hour > 0 ? hour + HOUR_MINUTES : 0);
  return { lastMs: Math.max(minute, hour) * MINUTE_MS, untilMs: Math.max(untilMinute * MINUTE_MS, gapMs) };
}
