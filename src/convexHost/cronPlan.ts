// The crons of the functions against those that are stored: what a start changes, and when each runs next
// (embedded-convex §3.6). Pure.
import type { JSONValue } from "convex/values";
import { type CronSchedule, nextRunMs, parseCron } from "./cronTime.ts";

/** An entry of `crons.ts`. */
export interface CronEntry {
  /** Of the component that declares it. */
  readonly component: string;
  readonly name: string;
  /** As the entry names it: `module:name` of its component, or a function handle. */
  readonly functionName: string;
  /** The one argument object as Convex JSON. */
  readonly args: JSONValue;
  readonly schedule: CronSchedule;
}

/** What is stored of a cron, in the `_crons` of its component. */
export interface CronRow {
  readonly name: string;
  /** The schedule as JSON text: it tells whether the entry was changed. */
  readonly scheduleJson: string;
  /** When this schedule was first seen: the grid of intervals, and the minute of schedules that name none. */
  readonly anchorMs: number;
  readonly nextRunMs: number;
}

export interface CronChanges {
  readonly insert: readonly CronRow[];
  /** Of the rows with these names. */
  readonly update: readonly CronRow[];
  readonly remove: readonly string[];
  /** What holds afterwards, in the order of the entries. */
  readonly rows: readonly CronRow[];
  /** How many runs fell due while the host was down: they are skipped. */
  readonly missed: number;
}

const CRONS_MAX = 1_000;

/** Reads what `crons.export()` gives. @throws Error naming the entry and what was expected */
export function parseCrons(component: string, exportedJson: string): readonly CronEntry[] {
  const exported = JSON.parse(exportedJson) as {
    readonly [name: string]: { name?: unknown; args?: unknown; schedule?: unknown };
  };
  const entries = Object.entries(exported);
  if (entries.length > CRONS_MAX) throw new Error(`crons.ts: at most ${CRONS_MAX} crons, got ${entries.length}`);
  return entries.map(([name, entry]) => {
    const where = `cron ${JSON.stringify(name)}${component === "" ? "" : ` of component "${component}"`}`;
    if (typeof entry.name !== "string" || !Array.isArray(entry.args)) {
      throw new Error(`${where}: expected { name, args, schedule } as cronJobs() makes it`);
    }
    try {
      const schedule = parseCron(entry.schedule as JSONValue);
      return { component, name, functionName: entry.name, args: (entry.args[0] ?? {}) as JSONValue, schedule };
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
  });
}

/** What a start must do so that the rows of one component are as its entries say. Runs that were missed are skipped. */
export function planCrons(stored: readonly CronRow[], entries: readonly CronEntry[], nowMs: number): CronChanges {
  const byName = new Map(stored.map((row) => [row.name, row]));
  const insert: CronRow[] = [];
  const update: CronRow[] = [];
  let missed = 0;
  const rows = entries.map((entry) => {
    const row = byName.get(entry.name);
    byName.delete(entry.name);
    const scheduleJson = JSON.stringify(entry.schedule);
    if (row?.scheduleJson === scheduleJson) {
      if (row.nextRunMs > nowMs) return row;
      missed += 1;
      const next = { ...row, nextRunMs: nextRunMs(entry.schedule, nowMs, row.anchorMs) };
      update.push(next);
      return next;
    }
    const fresh = {
      name: entry.name,
      scheduleJson,
      anchorMs: nowMs,
      nextRunMs: firstRunMs(entry, nowMs, row === undefined),
    };
    (row === undefined ? insert : update).push(fresh);
    return fresh;
  });
  return { insert, update, remove: [...byName.keys()], rows, missed };
}

/** "Beginning when the job is first deployed" (convex/src/server/cron.ts): an interval that is new runs at once. */
function firstRunMs({ schedule }: CronEntry, nowMs: number, isNew: boolean): number {
  return isNew && schedule.type === "interval" ? nowMs : nextRunMs(schedule, nowMs, nowMs);
}
