// Evidence in one SQLite file of one proxy process, written only by its compare thread (shadow §14).
import { chmodSync, existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type {
  CampaignRow,
  Checkpoint,
  EvidenceStore,
  FamilyRow,
  GapRow,
  MinuteRow,
  RouteTotals,
  SampleRow,
  Window,
} from "./model.ts";
import { SCHEMA, SCHEMA_VERSION } from "./sqliteSchema.ts";
import { addTotals, NO_TOTALS, totalsOf } from "./totals.ts";

const DAY_MS = 86_400_000;
/** shadow §14. */
const SAMPLES_MS = 7 * DAY_MS;
const MINUTES_MS = 30 * DAY_MS;
const HOURS_MS = 400 * DAY_MS;
const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;

type Counts = Omit<MinuteRow, "process" | "minute" | "route">;
type Row = Record<string, unknown>;

/** @throws Error when the file cannot be opened, or is of another version */
export function openSqliteEvidence(file: string, now: () => number = Date.now): EvidenceStore {
  const isNew = !existsSync(file);
  const db = new DatabaseSync(file);
  if (isNew) chmodSync(file, 0o600);
  // A crash loses at most what the checkpoint interval allows anyway, so that no commit waits for the disk.
  db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found === 0) db.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  else if (found !== SCHEMA_VERSION) {
    db.close();
    throw new Error(`${file} has format ${found}, expected ${SCHEMA_VERSION}: it is of another version of switchyard`);
  }
  return new SqliteEvidence(db, now);
}

export class SqliteEvidence implements EvidenceStore {
  readonly #db: DatabaseSync;
  readonly #now: () => number;
  /** Process of this run, by campaign. */
  readonly #own = new Map<string, string>();

  constructor(db: DatabaseSync, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  async save(checkpoint: Checkpoint): Promise<void> {
    const { campaign, process, atMs } = checkpoint;
    this.#transact(() => {
      this.#run(
        "INSERT OR IGNORE INTO campaigns VALUES (?, ?, ?, ?, ?, ?)",
        campaign.id,
        campaign.unit,
        campaign.controlBuild,
        campaign.candidateBuild,
        campaign.rulesHash,
        campaign.startedMs,
      );
      this.#markGaps(campaign.id, process, atMs);
      for (const row of checkpoint.minutes) this.#saveMinute(campaign.id, row);
      for (const family of checkpoint.families) {
        this.#run("INSERT OR REPLACE INTO families VALUES (?, ?, ?)", campaign.id, family.name, JSON.stringify(family));
      }
      for (const { family, place, group, atMs: at, body } of checkpoint.samples) {
        const text = JSON.stringify(body);
        this.#run(
          "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?)",
          campaign.id,
          family,
          place,
          group,
          at,
          text,
        );
      }
      this.#run("INSERT OR REPLACE INTO processes VALUES (?, ?, ?, 0)", campaign.id, process, atMs);
    });
    this.#own.set(campaign.id, process);
    return Promise.resolve();
  }

  /** A run of before that never said its end: from its last checkpoint on nothing is known. */
  #markGaps(campaign: string, process: string, atMs: number): void {
    if (this.#own.has(campaign)) return;
    this.#run(
      `INSERT OR IGNORE INTO gaps SELECT campaign, process, saved_ms, ? FROM processes
       WHERE campaign = ? AND process <> ? AND is_ended = 0`,
      atMs,
      campaign,
      process,
    );
    this.#run("UPDATE processes SET is_ended = 1 WHERE campaign = ? AND process <> ?", campaign, process);
  }

  #saveMinute(campaign: string, { process, minute, route, ...counts }: MinuteRow): void {
    const row = [campaign, process, "minute", minute, route, JSON.stringify(counts)] as const;
    this.#run("INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?, ?, ?)", ...row);
  }

  async campaigns(unit?: string): Promise<readonly CampaignRow[]> {
    const rows = this.#all(
      "SELECT * FROM campaigns WHERE ? IS NULL OR unit = ? ORDER BY started_ms DESC, id",
      unit ?? null,
      unit ?? null,
    );
    return Promise.resolve(
      rows.map((row) => ({
        id: String(row["id"]),
        unit: String(row["unit"]),
        controlBuild: String(row["control_build"]),
        candidateBuild: String(row["candidate_build"]),
        rulesHash: String(row["rules_hash"]),
        startedMs: Number(row["started_ms"]),
      })),
    );
  }

  async totals(campaign: string, { fromMs, toMs }: Window): Promise<readonly RouteTotals[]> {
    const rows = this.#all(
      "SELECT route, counts FROM counters WHERE campaign = ? AND minute >= ? AND minute < ?",
      campaign,
      Math.floor(fromMs / MINUTE_MS),
      Math.ceil(toMs / MINUTE_MS),
    );
    return Promise.resolve(totalsOf(rows.map((row) => ({ route: String(row["route"]), ...readCounts(row) }))));
  }

  async families(campaign: string): Promise<readonly FamilyRow[]> {
    const rows = this.#all("SELECT facts FROM families WHERE campaign = ? ORDER BY name", campaign);
    return Promise.resolve(rows.map((row) => JSON.parse(String(row["facts"])) as FamilyRow));
  }

  async samples(campaign: string, family: string): Promise<readonly SampleRow[]> {
    const rows = this.#all("SELECT * FROM samples WHERE campaign = ? AND family = ? ORDER BY place", campaign, family);
    return Promise.resolve(
      rows.map((row) => ({
        family,
        place: Number(row["place"]),
        group: String(row["group"]),
        atMs: Number(row["at_ms"]),
        body: JSON.parse(String(row["body"])) as unknown,
      })),
    );
  }

  async gaps(campaign: string): Promise<readonly GapRow[]> {
    const rows = this.#all("SELECT * FROM gaps WHERE campaign = ? ORDER BY from_ms, process", campaign);
    return Promise.resolve(
      rows.map((row) => ({
        process: String(row["process"]),
        fromMs: Number(row["from_ms"]),
        toMs: Number(row["to_ms"]),
      })),
    );
  }

  async removeGroup(group: string): Promise<number> {
    return Promise.resolve(this.#run('DELETE FROM samples WHERE "group" = ?', group));
  }

  async expire(nowMs: number): Promise<void> {
    this.#transact(() => {
      this.#run("DELETE FROM samples WHERE at_ms < ?", nowMs - SAMPLES_MS);
      this.#rollUp(Math.floor((nowMs - MINUTES_MS) / MINUTE_MS));
      this.#run("DELETE FROM counters WHERE minute < ?", Math.floor((nowMs - HOURS_MS) / MINUTE_MS));
      this.#run("DELETE FROM gaps WHERE to_ms < ?", nowMs - HOURS_MS);
    });
    this.#db.exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
    return Promise.resolve();
  }

  /** Minutes of whole hours before `minute` become hours. */
  #rollUp(minute: number): void {
    const before = minute - (minute % HOUR_MINUTES);
    const rows = this.#all(
      "SELECT campaign, process, minute, route, counts FROM counters WHERE span = 'minute' AND minute < ?",
      before,
    );
    const hours = new Map<string, { readonly place: readonly (string | number)[]; totals: RouteTotals }>();
    for (const row of rows) {
      const hour = Number(row["minute"]) - (Number(row["minute"]) % HOUR_MINUTES);
      const route = String(row["route"]);
      const place = [String(row["campaign"]), String(row["process"]), "hour", hour, route];
      const known = hours.get(JSON.stringify(place)) ?? { place, totals: this.#hour(place, route) };
      known.totals = addTotals(known.totals, readCounts(row));
      hours.set(JSON.stringify(place), known);
    }
    for (const { place, totals } of hours.values()) {
      const { route: _, ...counts } = totals;
      this.#run("INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?, ?, ?)", ...place, JSON.stringify(counts));
    }
    this.#run("DELETE FROM counters WHERE span = 'minute' AND minute < ?", before);
  }

  /** What is there already: a minute may come late. */
  #hour(place: readonly (string | number)[], route: string): RouteTotals {
    const [row] = this.#all(
      "SELECT counts FROM counters WHERE campaign = ? AND process = ? AND span = ? AND minute = ? AND route = ?",
      ...place,
    );
    return { route, ...(row === undefined ? NO_TOTALS : readCounts(row)) };
  }

  async bytes(): Promise<number> {
    const [row] = this.#all("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size");
    return Promise.resolve(Number(row?.["bytes"] ?? 0));
  }

  async close(): Promise<void> {
    for (const [campaign, process] of this.#own) {
      const ended = "UPDATE processes SET is_ended = 1, saved_ms = ? WHERE campaign = ? AND process = ?";
      this.#run(ended, this.#now(), campaign, process);
    }
    this.#db.close();
    return Promise.resolve();
  }

  #transact(body: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #run(sql: string, ...values: readonly (string | number | null)[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes);
  }

  #all(sql: string, ...values: readonly (string | number | null)[]): readonly Row[] {
    return this.#db.prepare(sql).all(...values);
  }
}

const readCounts = (row: Row): Counts => JSON.parse(String(row["counts"])) as Counts;
