// Evidence of all processes of one proxy, read while they write it (shadow P6): changes no counter and holds up no writer.
import { join } from "node:path";
import { EvidenceError } from "./evidenceError.ts";
import { evidenceFilesIn } from "./evidenceFiles.ts";
import { familiesOf } from "./familyMerge.ts";
import { sumGroups } from "./groupCounts.ts";
import type {
  AddableReader,
  BodyRow,
  CampaignRow,
  EvidenceReader,
  FamilyRow,
  GapRow,
  GroupCounts,
  RouteTotals,
  StoredSample,
  Window,
} from "./model.ts";
import { mergeSamples } from "./sampleMerge.ts";
import { openPostgresReader } from "./postgresEvidence.ts";
import { openSqliteReader } from "./sqliteEvidence.ts";
import { SCHEMA_VERSION } from "./sqlSchema.ts";
import { totalsOf } from "./totals.ts";

/** More processes than any machine has cores; further files are counted. */
const FILES_MAX = 256;

export interface StoredCampaign extends CampaignRow {
  /** Epoch ms: the end of the last minute of which anything is stored. */
  readonly untilMs: number;
}

/**
 * Redacted bodies of one sample (shadow P2). `locked`: no key was given. `gone`: there is no room for all, or they were lost.
 * `unreadable`: sealed with another key, or changed.
 */
export type FoundBodies =
  | { readonly state: "kept"; readonly body: unknown }
  | { readonly state: "locked" | "gone" | "unreadable" };

export interface StoredEvidence extends Pick<EvidenceReader, "totals" | "families" | "samples" | "gaps" | "close"> {
  /** Of all processes; null: nothing is seeded. */
  groups(campaign: string): Promise<GroupCounts | null>;
  /** Of all families that have some, by their names. */
  allSamples(campaign: string): Promise<ReadonlyMap<string, readonly StoredSample[]>>;
  readonly files: readonly string[];
  /** Files beyond the limit: what is in them is missing everywhere. */
  readonly filesLeftOut: number;
  /** The one with the newest evidence first. */
  campaigns(unit?: string): Promise<readonly StoredCampaign[]>;
  bodies(campaign: string, sample: StoredSample): Promise<FoundBodies>;
}

/** Why there is nothing to read, or nothing more. `missing`: no process has ever stored any. */
export class EvidenceProblem extends Error {
  readonly kind: "missing" | "unreadable";
  constructor(kind: EvidenceProblem["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EvidenceProblem";
    this.kind = kind;
  }
}

/** Of a fleet, in PostgreSQL. What it is asked may reject with an `EvidenceProblem`. */
export function readFleetEvidence(url: string): StoredEvidence {
  return new MergedEvidence([{ file: "the database of the evidence", reader: openPostgresReader(url) }], [], 0);
}

/**
 * All of it as it was at this moment; whatever it is asked may reject with an `EvidenceProblem`.
 * @param bodyKey of redacted bodies; null: they stay closed
 * @throws EvidenceProblem
 */
export function readEvidence(stateDir: string, bodyKey: Uint8Array | null = null): StoredEvidence {
  const names = namesIn(stateDir);
  const files = names.slice(-FILES_MAX).map((name) => join(stateDir, name));
  if (files.length === 0) throw new EvidenceProblem("missing", `There is no evidence of the shadow in ${stateDir}.`);
  const parts: Part[] = [];
  try {
    for (const file of files) parts.push(...openPart(file, bodyKey));
  } catch (error) {
    for (const { reader } of parts) void reader.close();
    throw error;
  }
  return new MergedEvidence(parts, files, names.length - files.length);
}

function namesIn(stateDir: string): readonly string[] {
  try {
    return evidenceFilesIn(stateDir);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    if (code === "ENOENT") return [];
    throw new EvidenceProblem("unreadable", `${stateDir} cannot be read (${code}).`, { cause: error });
  }
}

interface Part {
  readonly file: string;
  readonly reader: AddableReader;
}

/** None: the process has opened it, and written nothing yet. */
function openPart(file: string, key: Uint8Array | null): readonly Part[] {
  try {
    // One moment for all that is read: otherwise families could know of exchanges that the totals lack.
    return [{ file, reader: openSqliteReader(file, { isOneMoment: true, ...(key !== null && { bodies: { key } }) }) }];
  } catch (error) {
    if (error instanceof EvidenceError && error.code === "empty") return [];
    throw problemOf(file, error);
  }
}

function problemOf(file: string, error: unknown): EvidenceProblem {
  const isOther = error instanceof EvidenceError && error.code === "format";
  const text = isOther
    ? `${file} is not of this version of switchyard: its format is not ${SCHEMA_VERSION}.`
    : `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
  return new EvidenceProblem("unreadable", text, { cause: error });
}

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
    const found = await this.#all(async (reader) => {
      const rows = await reader.campaigns(unit);
      return Promise.all(rows.map(async (row) => ({ ...row, ...(await reader.end(row.id)) })));
    });
    const merged = new Map<string, Found>();
    for (const row of found.flat()) {
      const { id, startedMs, lastMs, untilMs } = row;
      const known = merged.get(id);
      merged.set(id, {
        ...row,
        startedMs: Math.min(startedMs, known?.startedMs ?? startedMs),
        // A build that comes back goes on with the campaign that it had.
        lastMs: Math.max(startedMs, lastMs, known?.lastMs ?? 0),
        untilMs: Math.max(startedMs, untilMs, known?.untilMs ?? 0),
      });
    }
    const newestFirst = (one: Found, other: Found): number =>
      other.lastMs - one.lastMs || other.startedMs - one.startedMs || (one.id < other.id ? -1 : 1);
    return [...merged.values()].sort(newestFirst).map(({ lastMs: _, ...campaign }) => campaign);
  }

  async totals(campaign: string, window: Window): Promise<readonly RouteTotals[]> {
    return totalsOf((await this.#all((reader) => reader.totals(campaign, window))).flat());
  }

  async families(campaign: string): Promise<readonly FamilyRow[]> {
    const parts = (await this.#all((reader) => reader.parts(campaign))).flat();
    return familiesOf(parts).map(({ memory: _, ...row }) => row);
  }

  async samples(campaign: string, family: string): Promise<readonly StoredSample[]> {
    return mergeSamples(await this.#all((reader) => reader.kept(campaign, family)));
  }

  async bodies(campaign: string, { family, process, place, atMs }: StoredSample): Promise<FoundBodies> {
    if (this.#parts.every(({ reader }) => reader.bodies === null)) return { state: "locked" };
    let state: "gone" | "unreadable" = "gone";
    const all = await this.#all(async ({ bodies }): Promise<Pick<BodyRow, "atMs" | "body"> | null> => {
      try {
        return (await bodies?.body({ campaign, family, process, place })) ?? null;
      } catch (error) {
        if (!(error instanceof EvidenceError) || error.code !== "unreadable") throw error;
        state = "unreadable";
        return null;
      }
    });
    // Of another moment they are another sample's, whose place this one has got.
    const found = all.find((one) => one?.atMs === atMs);
    return found == null ? { state } : { state: "kept", body: found.body };
  }

  async allSamples(campaign: string): Promise<ReadonlyMap<string, readonly StoredSample[]>> {
    const files = await this.#all((reader) => reader.allKept(campaign));
    const names = new Set(files.flatMap((kept) => [...kept.keys()]));
    const ofAll = (name: string) => mergeSamples(files.flatMap((kept) => kept.get(name) ?? []));
    return new Map([...names].map((name) => [name, ofAll(name)] as const).filter(([, kept]) => kept.length > 0));
  }

  async gaps(campaign: string): Promise<readonly GapRow[]> {
    const gaps = (await this.#all((reader) => reader.gaps(campaign))).flat();
    return gaps.sort((one, other) => one.fromMs - other.fromMs || (one.process < other.process ? -1 : 1));
  }

  async groups(campaign: string): Promise<GroupCounts | null> {
    const runs = await this.#all((reader) => reader.groups(campaign));
    return sumGroups(runs.flatMap((own, at) => own.map((one) => ({ ...one, slot: `${at} ${one.slot}` }))));
  }

  async close(): Promise<void> {
    for (const { reader } of this.#parts) await reader.close();
  }

  #all<T>(read: (reader: AddableReader) => Promise<T>): Promise<T[]> {
    return Promise.all(
      this.#parts.map(async ({ file, reader }) => {
        try {
          return await read(reader);
        } catch (error) {
          throw problemOf(file, error);
        }
      }),
    );
  }
}

interface Found extends StoredCampaign {
  /** Start of the last minute; a campaign that began within it is newer. */
  readonly lastMs: number;
}
