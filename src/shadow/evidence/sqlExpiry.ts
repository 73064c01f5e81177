// What is over its time goes (shadow §14), and what many rows say becomes fewer. In small steps, each of which is whole by itself:
// whatever is left undone is done the next time.
import { setImmediate as breathe } from "node:timers/promises";
import { deleteBodies } from "./sqlBodies.ts";
import { type SqlDatabase, type SqlSession, upsert } from "./sqlDatabase.ts";
import {
  countsOf,
  FAMILY_COLUMNS,
  FAMILY_KEYS,
  familyValues,
  keptOf,
  mergedSamples,
  partOf,
  textOf,
} from "./sqlRows.ts";
import { mergeFamilies } from "./familyMerge.ts";
import { TABLES_OF_CAMPAIGN } from "./sqlSchema.ts";
import { minutesFrom } from "./sqlTotals.ts";
import { DAY_MINUTES, HOUR_MINUTES, hourOf } from "./spans.ts";
import { totalsOf } from "./totals.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** shadow §14. */
const SAMPLES_MS = 7 * DAY_MS;
const MINUTES_MS = 30 * DAY_MS;
const HOURS_MS = 400 * DAY_MS;
/** A verdict may come after its minute (`MinuteCounters`). */
const GRACE_MINUTES = 5;
/** Who was found dead may come back for so long. */
const FOLD_MS = 60 * MINUTE_MS;
/** In one step. */
const FAMILIES_MAX = 100;

export async function expireEvidence(db: SqlDatabase, nowMs: number): Promise<void> {
  await db.write("rows", async (sql) => {
    await deleteBodies(sql, "at_ms < ?", [nowMs - SAMPLES_MS]);
    await sql.run("DELETE FROM samples WHERE at_ms < ?", [nowMs - SAMPLES_MS]);
  });
  for (const size of [HOUR_MINUTES, DAY_MINUTES]) await sumAll(db, size, Math.floor(nowMs / MINUTE_MS) - GRACE_MINUTES);
  await db.write("sums", (sql) => dropMinutes(sql, hourOf(Math.floor((nowMs - MINUTES_MS) / MINUTE_MS))));
  await db.write("rows", (sql) => dropOld(sql, nowMs - HOURS_MS));
  await fold(db, nowMs - FOLD_MS);
  await db.tidy();
}

/** Spans that are over by `minute`. */
async function sumAll(db: SqlDatabase, size: number, minute: number): Promise<void> {
  const [span, from] = size === HOUR_MINUTES ? ["hour", "minute"] : ["day", "hour"];
  const asked = "SELECT campaign, minute FROM unsummed WHERE span = ? AND minute <= ? ORDER BY minute, campaign";
  const open = await db.read((sql) => sql.all(asked, [span, minute - size]));
  for (const row of open) {
    const [campaign, start] = [textOf(row, "campaign"), Number(row["minute"])];
    await db.write("sums", async (sql) => {
      if (span === "day" && (await hasOpenHours(sql, campaign, start))) return;
      // An hour whose minutes are gone keeps what it had, and gets what came late.
      const isAdding = span === "hour" && start < (await minutesFrom(sql));
      const rows = await sql.all(
        "SELECT route, counts FROM counters WHERE campaign = ? AND span = ? AND minute >= ? AND minute < ?",
        [campaign, from, start, start + size],
      );
      const had = isAdding ? await hourRows(sql, campaign, start) : [];
      const sums = totalsOf([...had, ...rows].map(countsOf)).map(({ route, ...counts }) => {
        return [campaign, span, start, route, "", JSON.stringify(counts)];
      });
      const keys = ["campaign", "span", "minute", "route", "process"];
      await upsert(sql, "counters", { keys, columns: ["counts"] }, sums);
      if (isAdding) await deleteMinutes(sql, campaign, start);
      await sql.run("DELETE FROM unsummed WHERE campaign = ? AND span = ? AND minute = ?", [campaign, span, start]);
    });
    await breathe();
  }
}

/** Something came while the hours were summed. */
async function hasOpenHours(sql: SqlSession, campaign: string, day: number): Promise<boolean> {
  const open = await sql.all(
    "SELECT 1 AS one FROM unsummed WHERE campaign = ? AND span = 'hour' AND minute >= ? AND minute < ? LIMIT 1",
    [campaign, day, day + DAY_MINUTES],
  );
  return open.length > 0;
}

const hourRows = (sql: SqlSession, campaign: string, hour: number) =>
  sql.all("SELECT route, counts FROM counters WHERE campaign = ? AND span = 'hour' AND minute = ?", [campaign, hour]);

function deleteMinutes(sql: SqlSession, campaign: string, hour: number): Promise<number> {
  const where = "campaign = ? AND span = 'minute' AND minute >= ? AND minute < ?";
  return sql.run(`DELETE FROM counters WHERE ${where}`, [campaign, hour, hour + HOUR_MINUTES]);
}

/** Before `minute` there are hours only; one that was not summed yet keeps its minutes until it is. */
async function dropMinutes(sql: SqlSession, minute: number): Promise<void> {
  if (minute <= (await minutesFrom(sql))) return;
  await sql.run(
    `DELETE FROM counters WHERE span = 'minute' AND minute < ? AND NOT EXISTS (SELECT 1 FROM unsummed u
     WHERE u.campaign = counters.campaign AND u.span = 'hour' AND u.minute = counters.minute - counters.minute % ?)`,
    [minute, HOUR_MINUTES],
  );
  await sql.run("UPDATE numbers SET value = ? WHERE name = 'minutes_from'", [minute]);
}

async function dropOld(sql: SqlSession, beforeMs: number): Promise<void> {
  for (const span of ["minute", "hour", "day"]) {
    await sql.run("DELETE FROM counters WHERE span = ? AND minute < ?", [span, Math.floor(beforeMs / MINUTE_MS)]);
  }
  await sql.run("DELETE FROM gaps WHERE to_ms < ?", [beforeMs]);
  // Fixed as `familyMerge.ts` sees it: nobody has seen it since.
  const fixed = await sql.all(
    `SELECT campaign, family FROM families f WHERE state = 'fixed' AND last_seen_ms < ? AND NOT EXISTS (SELECT 1
     FROM families o WHERE o.campaign = f.campaign AND o.family = f.family AND o.last_seen_ms > f.last_seen_ms)`,
    [beforeMs],
  );
  for (const row of fixed) {
    const values = [textOf(row, "campaign"), textOf(row, "family")];
    await deleteBodies(sql, "campaign = ? AND family = ?", values);
    for (const table of ["samples", "families"]) {
      await sql.run(`DELETE FROM ${table} WHERE campaign = ? AND family = ?`, values);
    }
  }
  const over = await sql.all(
    `SELECT id FROM campaigns WHERE NOT EXISTS (SELECT 1 FROM processes p WHERE p.campaign = campaigns.id
     AND p.saved_ms >= ?)`,
    [beforeMs],
  );
  for (const row of over) {
    const id = textOf(row, "id");
    await deleteBodies(sql, "campaign = ?", [id]);
    for (const table of TABLES_OF_CAMPAIGN) await sql.run(`DELETE FROM ${table} WHERE campaign = ?`, [id]);
    await sql.run("DELETE FROM campaigns WHERE id = ?", [id]);
  }
  await sql.run("DELETE FROM processes WHERE is_folded = 1 AND ended_ms < ?", [beforeMs]);
}

/** Families of runs that are over become one row: a campaign that lives for long has seen many runs. */
async function fold(db: SqlDatabase, beforeMs: number): Promise<void> {
  await db.write("sums", (sql) =>
    sql.run("UPDATE processes SET is_folded = 1 WHERE is_folded = 0 AND ended_ms < ?", [beforeMs]),
  );
  for (;;) {
    const folded = await db.write("sums", async (sql) => {
      const rows = await sql.all(
        `SELECT DISTINCT f.campaign, f.family FROM processes p JOIN families f
         ON f.campaign = p.campaign AND f.process = p.process WHERE p.is_folded = 1 LIMIT ${FAMILIES_MAX}`,
      );
      for (const row of rows) await foldOne(sql, textOf(row, "campaign"), textOf(row, "family"));
      return rows.length;
    });
    if (folded < FAMILIES_MAX) return;
    await breathe();
  }
}

async function foldOne(sql: SqlSession, campaign: string, family: string): Promise<void> {
  const all = await sql.all(
    `SELECT f.process, f.facts, p.is_folded FROM families f LEFT JOIN processes p
     ON p.campaign = f.campaign AND p.process = f.process WHERE f.campaign = ? AND f.family = ?`,
    [campaign, family],
  );
  const parts = all.map((row) => ({
    process: textOf(row, "process"),
    part: partOf(row),
    isOver: row["is_folded"] === null || Number(row["is_folded"]) === 1,
  }));
  const over = parts.filter(({ isOver }) => isOver);
  const living = new Set(parts.filter(({ isOver }) => !isOver).map(({ process }) => process));
  const samples = await sql.all(
    'SELECT process, place, "group" FROM samples WHERE campaign = ? AND family = ? ORDER BY place, process',
    [campaign, family],
  );
  const theirs = samples.map(keptOf).filter(({ process }) => !living.has(process));
  const kept = new Set(mergedSamples(theirs, over));
  for (const { process, place } of theirs.filter((one) => !kept.has(one))) {
    const at = [campaign, family, process, place];
    await deleteBodies(sql, "campaign = ? AND family = ? AND process = ? AND place = ?", at);
    await sql.run("DELETE FROM samples WHERE campaign = ? AND family = ? AND process = ? AND place = ?", at);
  }
  const row = familyValues(campaign, "", mergeFamilies(over.map(({ part }) => part)));
  for (const { process } of over) {
    await sql.run("DELETE FROM families WHERE campaign = ? AND family = ? AND process = ?", [
      campaign,
      family,
      process,
    ]);
  }
  await upsert(sql, "families", { keys: FAMILY_KEYS, columns: FAMILY_COLUMNS }, [row]);
}
