// Counts of a window, from as few rows as there are (shadow §17, row 20).
import type { CampaignEnd, RouteTotals, Window } from "./model.ts";
import type { SqlRow, SqlSession } from "./sqlDatabase.ts";
import { countsOf } from "./sqlRows.ts";
import { DAY_MINUTES, HOUR_MINUTES, isWholeHour, type Range, wholeDays, without } from "./spans.ts";
import { totalsOf } from "./totals.ts";

const MINUTE_MS = 60_000;

/** Epoch minutes: those before are in hours only. */
export async function minutesFrom(sql: SqlSession): Promise<number> {
  const [row] = await sql.all("SELECT value FROM numbers WHERE name = 'minutes_from'");
  return Number(row?.["value"] ?? 0);
}

export async function readTotals(
  sql: SqlSession,
  ranges: string,
  campaign: string,
  { fromMs, toMs }: Window,
): Promise<readonly RouteTotals[]> {
  const window: Range = [Math.floor(fromMs / MINUTE_MS), Math.ceil(toMs / MINUTE_MS)];
  const left = await minutesFrom(sql);
  const read = (span: string, wanted: readonly Range[]): Promise<readonly SqlRow[]> =>
    sql.all(
      `SELECT c.minute, c.route, c.counts FROM ${ranges} CROSS JOIN counters c
       WHERE c.campaign = ? AND c.span = ? AND c.minute >= r.a AND c.minute < r.b`,
      [JSON.stringify(wanted), campaign, span],
    );
  const days = await read("day", [wholeDays(window)]);
  const outsideDays = without(window, startsOf(days), DAY_MINUTES);
  const hours = (await read("hour", outsideDays)).filter((row) => isWholeHour(minuteOf(row), window, left));
  // Minutes that came when theirs were gone already are beside the hour.
  const summed = [...startsOf(hours)].filter((hour) => hour >= left);
  const minutes = await read(
    "minute",
    outsideDays.flatMap((range) =>
      without(
        range,
        summed.filter((hour) => isIn(hour, range)),
        HOUR_MINUTES,
      ),
    ),
  );
  return totalsOf([days, hours, minutes].flat().map(countsOf));
}

/** Sums are as long as their span: only of what is in hours alone is the minute unknown. */
export async function readEnd(sql: SqlSession, campaign: string): Promise<CampaignEnd> {
  const left = await minutesFrom(sql);
  const last = async (span: string, before: number): Promise<number | null> => {
    const most = "SELECT MAX(minute) AS most FROM counters WHERE campaign = ? AND span = ? AND minute < ?";
    const [row] = await sql.all(most, [campaign, span, before]);
    return row?.["most"] == null ? null : Number(row["most"]);
  };
  const [minute, hour] = [await last("minute", Number.MAX_SAFE_INTEGER), await last("hour", left)];
  const [gap] = await sql.all("SELECT MAX(to_ms) AS most FROM gaps WHERE campaign = ?", [campaign]);
  const untilMinute = Math.max(minute === null ? 0 : minute + 1, hour === null ? 0 : hour + HOUR_MINUTES);
  return {
    lastMs: Math.max(minute ?? 0, hour ?? 0) * MINUTE_MS,
    untilMs: Math.max(untilMinute * MINUTE_MS, Number(gap?.["most"] ?? 0)),
  };
}

const minuteOf = (row: SqlRow): number => Number(row["minute"]);
const startsOf = (rows: readonly SqlRow[]): ReadonlySet<number> => new Set(rows.map(minuteOf));
const isIn = (minute: number, [from, to]: Range): boolean => minute >= from && minute < to;
