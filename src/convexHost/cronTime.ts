// When a cron runs next: the schedules that `cronJobs()` of convex/server exports, all in UTC (embedded-convex §3.6).
import type { JSONValue } from "convex/values";
import { type CronFields, EVERY_MINUTE, nextMatchMs, parseCronFields } from "./cronFields.ts";

const DAYS_OF_WEEK = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
type DayOfWeek = (typeof DAYS_OF_WEEK)[number];

const UNIT_MS = { seconds: 1_000, minutes: 60_000, hours: 3_600_000 } as const;
const UNITS = ["seconds", "minutes", "hours"] as const;
/** The last moment that a Date can hold. */
const EPOCH_MS_MAX = 8.64e15;

/** As convex/src/server/cron.ts; without `minuteUTC` the host picks the minute (`nextRunMs`). */
export type CronSchedule =
  | { readonly type: "interval"; readonly seconds: number }
  | { readonly type: "interval"; readonly minutes: number }
  | { readonly type: "interval"; readonly hours: number }
  | { readonly type: "hourly"; readonly minuteUTC?: number }
  | { readonly type: "daily"; readonly hourUTC: number; readonly minuteUTC?: number }
  | { readonly type: "weekly"; readonly dayOfWeek: DayOfWeek; readonly hourUTC: number; readonly minuteUTC?: number }
  | { readonly type: "monthly"; readonly day: number; readonly hourUTC: number; readonly minuteUTC?: number }
  | { readonly type: "cron"; readonly cron: string };

type JsonObject = { readonly [key: string]: JSONValue };

/**
 * The `schedule` of one entry of `crons.export()`, checked; what it does not know is left out.
 * @throws Error naming the field and what was expected
 */
export function parseCron(schedule: JSONValue): CronSchedule {
  if (schedule === null || typeof schedule !== "object" || Array.isArray(schedule)) {
    throw new Error(`a cron's schedule is an object with a type, got ${JSON.stringify(schedule)}`);
  }
  switch (schedule.type) {
    case "interval":
      return parseInterval(schedule);
    case "hourly":
      return { type: "hourly", ...minuteOf(schedule) };
    case "daily":
      return { type: "daily", hourUTC: integerOf(schedule, "hourUTC", 0, 23), ...minuteOf(schedule) };
    case "weekly": {
      const hourUTC = integerOf(schedule, "hourUTC", 0, 23);
      return { type: "weekly", dayOfWeek: dayOfWeekOf(schedule), hourUTC, ...minuteOf(schedule) };
    }
    case "monthly": {
      const day = integerOf(schedule, "day", 1, 31);
      return { type: "monthly", day, hourUTC: integerOf(schedule, "hourUTC", 0, 23), ...minuteOf(schedule) };
    }
    case "cron":
      if (typeof schedule.cron !== "string") {
        throw new Error(`a cron's "cron" is a text of five fields, got ${JSON.stringify(schedule.cron)}`);
      }
      parseCronFields(schedule.cron);
      return { type: "cron", cron: schedule.cron };
    default: {
      const expected = "interval, hourly, daily, weekly, monthly or cron";
      throw new Error(`a cron's type is ${expected}, got ${JSON.stringify(schedule.type)}`);
    }
  }
}

function parseInterval(schedule: JsonObject): CronSchedule {
  const given = UNITS.filter((unit) => schedule[unit] !== undefined);
  const [unit] = given;
  if (unit === undefined || given.length > 1) {
    throw new Error(`a cron's interval has one of seconds, minutes, hours, got ${given.join(", ") || "none"}`);
  }
  const count = integerOf(schedule, unit, 1, Math.floor(EPOCH_MS_MAX / UNIT_MS[unit]));
  if (unit === "seconds") return { type: "interval", seconds: count };
  return unit === "minutes" ? { type: "interval", minutes: count } : { type: "interval", hours: count };
}

function integerOf(schedule: JsonObject, field: string, min: number, max: number): number {
  const value = schedule[field];
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`a cron's ${field} is an integer from ${min} to ${max}, got ${JSON.stringify(value)}`);
}

function minuteOf(schedule: JsonObject): { readonly minuteUTC?: number } {
  return schedule.minuteUTC === undefined ? {} : { minuteUTC: integerOf(schedule, "minuteUTC", 0, 59) };
}

function dayOfWeekOf(schedule: JsonObject): DayOfWeek {
  const day = DAYS_OF_WEEK.find((name) => name === schedule.dayOfWeek);
  if (day !== undefined) return day;
  throw new Error(`a cron's dayOfWeek is one of ${DAYS_OF_WEEK.join(", ")}, got ${JSON.stringify(schedule.dayOfWeek)}`);
}

/**
 * The first run strictly after `afterMs`, epoch ms. Runs before it are not made up for: pass the present after a stop.
 * @param anchorMs when the cron was first seen: an interval runs at it and every interval after it, and a schedule that
 * names no minute runs in its minute. A past run serves as well as the first one; both lie on the same grid
 * @throws RangeError when a time is no epoch time
 */
export function nextRunMs(schedule: CronSchedule, afterMs: number, anchorMs: number): number {
  const after = wholeMs(afterMs);
  const anchor = wholeMs(anchorMs);
  if (schedule.type !== "interval") return nextMatchMs(fieldsOf(schedule, anchor), after);
  const periodMs = periodOf(schedule);
  if (after < anchor) return anchor;
  return anchor + (Math.floor((after - anchor) / periodMs) + 1) * periodMs;
}

/** Whole, because with fractions `anchor + n * period` can be rounded to `after` itself: a cron that never gets past it. */
function wholeMs(epochMs: number): number {
  if (epochMs >= 0 && epochMs <= EPOCH_MS_MAX) return Math.floor(epochMs);
  throw new RangeError(`a cron's time is epoch ms, expected 0 to ${EPOCH_MS_MAX}, got ${epochMs}`);
}

function periodOf(schedule: Extract<CronSchedule, { type: "interval" }>): number {
  if ("seconds" in schedule) return schedule.seconds * UNIT_MS.seconds;
  return "minutes" in schedule ? schedule.minutes * UNIT_MS.minutes : schedule.hours * UNIT_MS.hours;
}

function fieldsOf(schedule: Exclude<CronSchedule, { type: "interval" }>, anchorMs: number): CronFields {
  if (schedule.type === "cron") return parseCronFields(schedule.cron);
  const minutes = [schedule.minuteUTC ?? new Date(anchorMs).getUTCMinutes()];
  if (schedule.type === "hourly") return { ...EVERY_MINUTE, minutes };
  const hours = [schedule.hourUTC];
  if (schedule.type === "weekly") {
    return { ...EVERY_MINUTE, minutes, hours, daysOfWeek: [DAYS_OF_WEEK.indexOf(schedule.dayOfWeek)] };
  }
  return schedule.type === "daily"
    ? { ...EVERY_MINUTE, minutes, hours }
    : { ...EVERY_MINUTE, minutes, hours, daysOfMonth: [schedule.day] };
}
