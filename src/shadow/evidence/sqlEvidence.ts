// Evidence in a database (shadow §14): one file of one process, or one for a fleet. Every row belongs to the run that counted it.
import { EvidenceError } from "./evidenceError.ts";
import type {
  AddableReader,
  CampaignEnd,
  CampaignRow,
  CarriedFamilies,
  Checkpoint,
  EvidenceStore,
  FamilyPart,
  FamilyRow,
  GapRow,
  GroupCounts,
  KeptOfFamily,
  MinuteRow,
  RemovedSamples,
  Resumed,
  RouteTotals,
  SampleRow,
  StoredSample,
  Window,
} from "./model.ts";
import { type BodiesOptions, deleteBodies, SqlBodies } from "./sqlBodies.ts";
import { type SqlDatabase, type SqlRow, type SqlSession, upsert } from "./sqlDatabase.ts";
import { expireEvidence } from "./sqlExpiry.ts";
import {
  FAMILY_COLUMNS,
  FAMILY_KEYS,
  familyId,
  familyValues,
  keptOf,
  mergedSamples,
  partOf,
  sampleOf,
  textOf,
} from "./sqlRows.ts";
import { readEnd, readTotals } from "./sqlTotals.ts";
import { carriedFrom, lookedAtBy, settleCarried } from "./carried.ts";
import { familiesOf } from "./familyMerge.ts";
import type { RunGroups } from "./groupCounts.ts";
import { dayOf, hourOf } from "./spans.ts";

const EVER: Window = { fromMs: 0, toMs: 8.64e15 };
/** Runs that others look for dead ones. */
const LOOK_MS = 30_000;

export interface SqlEvidenceOptions {
  /** Epoch ms. */
  now(): number;
  readonly bodies?: BodiesOptions;
}

interface Own {
  readonly process: string;
  lookedMs: number;
}

export class SqlEvidence implements EvidenceStore, AddableReader {
  readonly bodies: SqlBodies | null;
  readonly #db: SqlDatabase;
  readonly #now: () => number;
  /** Runs of this process, by campaign. */
  readonly #own = new Map<string, Own>();

  /** @throws EvidenceError `key` */
  constructor(db: SqlDatabase, { now, bodies }: SqlEvidenceOptions) {
    this.#db = db;
    this.#now = now;
    this.bodies = bodies === undefined ? null : new SqlBodies(db, bodies);
  }

  async save(checkpoint: Checkpoint): Promise<void> {
    const { campaign, process, atMs, isEnded = false } = checkpoint;
    const own = this.#own.get(campaign.id);
    const isFirst = own?.process !== process;
    const mustLook = isFirst || (this.#db.deadAfterMs !== null && Math.abs(atMs - own.lookedMs) >= LOOK_MS);
    await this.#db.write("counts", async (sql) => {
      await this.#goOn(sql, campaign.id, process);
      await this.#begin(sql, campaign);
      if (mustLook) await this.#markGaps(sql, campaign.id, process, atMs);
      await saveMinutes(sql, campaign.id, checkpoint.minutes);
      const families = checkpoint.families.map((part) => familyValues(campaign.id, process, part));
      await upsert(sql, "families", { keys: FAMILY_KEYS, columns: FAMILY_COLUMNS }, families);
      await this.#saveSamples(sql, checkpoint);
      const run = { keys: ["campaign", "process"], columns: ["saved_ms", "ended_ms", "is_folded", "group_counts"] };
      const groups = checkpoint.groups && JSON.stringify(checkpoint.groups);
      await upsert(sql, "processes", run, [[campaign.id, process, atMs, isEnded ? atMs : null, 0, groups]]);
    });
    if (isEnded) this.#own.delete(campaign.id);
    else this.#own.set(campaign.id, { process, lookedMs: mustLook || own === undefined ? atMs : own.lookedMs });
  }

  async #begin(sql: SqlSession, campaign: CampaignRow): Promise<void> {
    const { id, unit, startedMs } = campaign;
    const facts = JSON.stringify(campaign);
    const begun = "INSERT INTO campaigns (id, unit, started_ms, facts) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    const isNew = (await sql.run(begun, [id, unit, startedMs, facts])) > 0;
    const lost = this.#db.lostBeforeMs;
    if (isNew && lost !== null && startedMs < lost) await saveGap(sql, id, "", startedMs, lost);
  }

  /** Who was taken for dead, and lives, has missed nothing: it has kept what it counted. */
  async #goOn(sql: SqlSession, campaign: string, process: string): Promise<void> {
    const found = "SELECT ended_ms, is_folded FROM processes WHERE campaign = ? AND process = ?";
    const [known] = await sql.all(found, [campaign, process]);
    if (known === undefined || known["ended_ms"] === null) return;
    if (Number(known["is_folded"]) !== 0) throw new EvidenceError("over");
    await sql.run("DELETE FROM gaps WHERE campaign = ? AND process = ?", [campaign, process]);
  }

  /** A run that never said its end: from its last checkpoint on nothing is known. */
  async #markGaps(sql: SqlSession, campaign: string, process: string, atMs: number): Promise<void> {
    const { deadAfterMs, skipLocked } = this.#db;
    const dead = await sql.all(
      `SELECT process, saved_ms FROM processes WHERE campaign = ? AND process <> ? AND ended_ms IS NULL AND saved_ms < ?
       ORDER BY process${skipLocked}`,
      [campaign, process, deadAfterMs === null ? Number.MAX_SAFE_INTEGER : atMs - deadAfterMs],
    );
    for (const row of dead) {
      const name = textOf(row, "process");
      await saveGap(sql, campaign, name, Number(row["saved_ms"]), atMs);
      await sql.run("UPDATE processes SET ended_ms = ? WHERE campaign = ? AND process = ?", [atMs, campaign, name]);
    }
  }

  async #saveSamples(sql: SqlSession, { campaign, process, samples }: Checkpoint): Promise<void> {
    const rows = samples.map((one: SampleRow) => {
      const { family, place, group, atMs, body } = one;
      return [campaign.id, familyId(family), process, place, group, atMs, JSON.stringify(body)];
    });
    const keys = ["campaign", "family", "process", "place"];
    await upsert(sql, "samples", { keys, columns: ['"group"', "at_ms", "body"] }, rows);
    if (this.bodies === null) return;
    for (const row of rows) {
      await deleteBodies(sql, "campaign = ? AND family = ? AND process = ? AND place = ?", row.slice(0, keys.length));
    }
  }

  async resume({ id, unit }: Pick<CampaignRow, "id" | "unit">): Promise<Resumed> {
    return this.#db.read(async (sql) => {
      const begun = await sql.all("SELECT facts FROM campaigns WHERE id = ?", [id]);
      const known = await readFamilies(sql, id);
      const hasCarried = known.families.some(({ isCarried }) => isCarried);
      return {
        campaign: begun[0] === undefined ? null : campaignOf(begun[0]),
        ...known,
        carried: begun[0] === undefined ? await this.#carriedTo(sql, id, unit) : { families: [], leftOut: 0 },
        compared: hasCarried ? lookedAtBy(await readTotals(sql, this.#db.ranges, id, EVER)) : new Map(),
      };
    });
  }

  /** Of the unit's campaign of which a run has saved last. */
  async #carriedTo(sql: SqlSession, id: string, unit: string): Promise<CarriedFamilies> {
    const [row] = await sql.all(
      `SELECT c.facts, MAX(p.saved_ms) AS most FROM campaigns c JOIN processes p ON p.campaign = c.id
       WHERE c.unit = ? AND c.id <> ? GROUP BY c.id, c.facts, c.started_ms ORDER BY most DESC, c.started_ms DESC LIMIT 1`,
      [unit, id],
    );
    if (row === undefined) return { families: [], leftOut: 0 };
    const before = campaignOf(row);
    const { families } = await readFamilies(sql, before.id);
    if (families.length === 0) return { families, leftOut: 0 };
    const compared = lookedAtBy(await readTotals(sql, this.#db.ranges, before.id, EVER));
    return carriedFrom(settleCarried(families.map(withoutMemory), compared, before, Number(row["most"])));
  }

  async campaigns(unit?: string): Promise<readonly CampaignRow[]> {
    const [where, values] = unit === undefined ? ["", []] : ["WHERE unit = ?", [unit]];
    const sql = `SELECT facts FROM campaigns ${where} ORDER BY started_ms DESC, id`;
    const rows = await this.#db.read((session) => session.all(sql, values));
    return rows.map(campaignOf);
  }

  totals(campaign: string, window: Window): Promise<readonly RouteTotals[]> {
    return this.#db.read((sql) => readTotals(sql, this.#db.ranges, campaign, window));
  }

  async families(campaign: string): Promise<readonly FamilyRow[]> {
    return (await this.parts(campaign)).map(withoutMemory);
  }

  async parts(campaign: string): Promise<readonly FamilyPart[]> {
    const rows = await this.#db.read((sql) => sql.all("SELECT facts FROM families WHERE campaign = ?", [campaign]));
    return familiesOf(rows.map(partOf));
  }

  async samples(campaign: string, family: string): Promise<readonly StoredSample[]> {
    return (await this.kept(campaign, family)).samples;
  }

  async kept(campaign: string, family: string): Promise<KeptOfFamily> {
    const values = [campaign, familyId(family)];
    const [rows, samples] = await this.#db.read(async (sql) => [
      await sql.all("SELECT process, facts FROM families WHERE campaign = ? AND family = ?", values),
      await sql.all("SELECT * FROM samples WHERE campaign = ? AND family = ? ORDER BY place, process", values),
    ]);
    return keptOfFamily(family, rows.map(runOf), samples);
  }

  async allKept(campaign: string): Promise<ReadonlyMap<string, KeptOfFamily>> {
    const [rows, samples] = await this.#db.read(async (sql) => [
      await sql.all("SELECT process, facts FROM families WHERE campaign = ?", [campaign]),
      await sql.all("SELECT * FROM samples WHERE campaign = ? ORDER BY family, place, process", [campaign]),
    ]);
    const byName = Map.groupBy(rows.map(runOf), ({ part }) => part.name);
    const samplesBy = Map.groupBy(samples, (row) => textOf(row, "family"));
    return new Map(
      [...byName].map(([name, runs]) => [name, keptOfFamily(name, runs, samplesBy.get(familyId(name)) ?? [])]),
    );
  }

  end(campaign: string): Promise<CampaignEnd> {
    return this.#db.read((sql) => readEnd(sql, campaign));
  }

  async gaps(campaign: string): Promise<readonly GapRow[]> {
    const sql = "SELECT process, from_ms, to_ms FROM gaps WHERE campaign = ? ORDER BY from_ms, process";
    const rows = await this.#db.read((session) => session.all(sql, [campaign]));
    return rows.map((row) => ({
      process: textOf(row, "process"),
      fromMs: Number(row["from_ms"]),
      toMs: Number(row["to_ms"]),
    }));
  }

  async groups(campaign: string): Promise<readonly RunGroups[]> {
    const sql = "SELECT process, saved_ms, ended_ms, group_counts FROM processes WHERE campaign = ? ORDER BY process";
    const rows = await this.#db.read((session) => session.all(sql, [campaign]));
    return rows.map((row) => ({
      // One file is one process's; of a fleet a process begins the names of its runs with its own.
      slot: this.#db.deadAfterMs === null ? "" : textOf(row, "process").replace(/\.[^.]*$/, ""),
      savedMs: Number(row["saved_ms"]),
      isEnded: row["ended_ms"] !== null,
      groups: row["group_counts"] === null ? null : (JSON.parse(textOf(row, "group_counts")) as GroupCounts),
    }));
  }

  async removeGroup(printOf: (campaign: string) => string): Promise<RemovedSamples> {
    const removed = await this.#db.write("erasure", async (sql) => {
      const campaigns: string[] = [];
      let samples = 0;
      const all = "SELECT campaign FROM samples UNION SELECT campaign FROM bodies ORDER BY campaign";
      for (const row of await sql.all(all)) {
        const id = textOf(row, "campaign");
        const whose = [id, printOf(id)];
        await deleteBodies(sql, 'campaign = ? AND "group" = ?', whose);
        const gone = await sql.run('DELETE FROM samples WHERE campaign = ? AND "group" = ?', whose);
        samples += gone;
        if (gone > 0) campaigns.push(id);
      }
      return { samples, campaigns };
    });
    // What was deleted is in the log of what is written until it is merged: now, or with the next one who does that.
    if (removed.samples > 0) await this.#db.tidy().catch(() => {});
    return removed;
  }

  expire(nowMs: number): Promise<void> {
    return expireEvidence(this.#db, nowMs);
  }

  bytes(): Promise<number> {
    return this.#db.bytes();
  }

  async close(): Promise<void> {
    const nowMs = this.#now();
    const own = [...this.#own];
    this.#own.clear();
    try {
      if (own.length === 0) return;
      await this.#db.write("rows", async (sql) => {
        for (const [campaign, { process }] of own) {
          const ended = "UPDATE processes SET ended_ms = ?, saved_ms = ? WHERE campaign = ? AND process = ?";
          await sql.run(ended, [nowMs, nowMs, campaign, process]);
        }
      });
    } finally {
      await this.#db.close();
    }
  }
}

const runOf = (row: SqlRow) => ({ process: textOf(row, "process"), part: partOf(row) });

function keptOfFamily(
  family: string,
  runs: readonly ReturnType<typeof runOf>[],
  samples: readonly SqlRow[],
): KeptOfFamily {
  const kept = mergedSamples(
    samples.map((row) => ({ ...keptOf(row), row })),
    runs,
  );
  const offered = runs.reduce((sum, { part }) => sum + part.memory.offered, 0);
  return { offered, samples: kept.map(({ row }) => sampleOf(family, row)) };
}

const withoutMemory = ({ memory: _, ...row }: FamilyPart): FamilyRow => row;
const campaignOf = (row: SqlRow): CampaignRow => JSON.parse(textOf(row, "facts")) as CampaignRow;

async function readFamilies(sql: SqlSession, campaign: string): Promise<Pick<Resumed, "families" | "seats">> {
  const families = await sql.all("SELECT family, process, facts FROM families WHERE campaign = ?", [campaign]);
  const seats = await sql.all('SELECT family, process, place, "group" FROM samples WHERE campaign = ?', [campaign]);
  const partsBy = Map.groupBy(families, (row) => textOf(row, "family"));
  const seatsBy = Map.groupBy(seats, (row) => textOf(row, "family"));
  const merged = familiesOf(families.map(partOf));
  const seatsOf = ({ name }: FamilyPart) => {
    const of = partsBy.get(familyId(name)) ?? [];
    const parts = of.map((row) => ({ process: textOf(row, "process"), part: partOf(row) }));
    const kept = (seatsBy.get(familyId(name)) ?? []).map(keptOf);
    return [name, mergedSamples(kept, parts).map(({ group }) => ({ group }))] as const;
  };
  return { families: merged, seats: new Map(merged.map(seatsOf)) };
}

async function saveGap(
  sql: SqlSession,
  campaign: string,
  process: string,
  fromMs: number,
  toMs: number,
): Promise<void> {
  const gap = "INSERT INTO gaps (campaign, process, from_ms, to_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
  await sql.run(gap, [campaign, process, fromMs, toMs]);
}

async function saveMinutes(sql: SqlSession, campaign: string, minutes: readonly MinuteRow[]): Promise<void> {
  const rows = minutes.map(({ process, minute, route, ...counts }) => {
    return [campaign, "minute", minute, route, process, JSON.stringify(counts)];
  });
  const keys = ["campaign", "span", "minute", "route", "process"];
  await upsert(sql, "counters", { keys, columns: ["counts"] }, rows);
  const hours = new Set(minutes.map(({ minute }) => hourOf(minute)));
  const days = new Set(minutes.map(({ minute }) => dayOf(minute)));
  // All in one order, so that two who save at once never wait for each other.
  const inOrder = (starts: Set<number>): number[] => [...starts].sort((one, other) => one - other);
  const spans = [
    ...inOrder(hours).map((at) => ["hour", at] as const),
    ...inOrder(days).map((at) => ["day", at] as const),
  ];
  for (const [span, at] of spans) {
    const known = "INSERT INTO unsummed (campaign, span, minute) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    if ((await sql.run(known, [campaign, span, at])) === 0) continue;
    // Days are only ever sums; an hour is more once its minutes are gone.
    const kept = span === "day" ? "" : " AND minute >= (SELECT value FROM numbers WHERE name = 'minutes_from')";
    const gone = `DELETE FROM counters WHERE campaign = ? AND span = ? AND minute = ?${kept}`;
    await sql.run(gone, [campaign, span, at]);
  }
}
