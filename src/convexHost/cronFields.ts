// The five fields of a cron line, UTC: what they allow, and the next minute that all of them allow.

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What each field allows, ascending. */
export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  /** January is 1. */
  readonly months: readonly number[];
  /** Sunday is 0. */
  readonly daysOfWeek: readonly number[];
  /** Both kinds of day are restricted: then a day needs only one of them (crontab(5)). Else it needs both. */
  readonly isEitherDayEnough: boolean;
}

export const EVERY_MINUTE: CronFields = {
  minutes: listRange(0, 59, 1),
  hours: listRange(0, 23, 1),
  daysOfMonth: listRange(1, 31, 1),
  months: listRange(1, 12, 1),
  daysOfWeek: listRange(0, 6, 1),
  isEitherDayEnough: false,
};

interface FieldBounds {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}
const FIELDS = {
  minutes: { name: "minute", min: 0, max: 59 },
  hours: { name: "hour", min: 0, max: 23 },
  daysOfMonth: { name: "day of month", min: 1, max: 31 },
  months: { name: "month", min: 1, max: 12 },
  daysOfWeek: { name: "day of week", min: 0, max: 6 },
} as const satisfies Record<string, FieldBounds>;

const MONTH_DAYS_MAX = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
/** More than any cron line is stored with; a longer one is a mistake. */
const TEXT_LENGTH_MAX = 1_000;

/**
 * Reads `minute hour day-of-month month day-of-week`: numbers, `*`, ranges `a-b`, a step `/n` behind either, lists of those.
 * Only what the convex package documents (src/server/cron.ts): Sunday is 0, no 7, no names.
 * @throws Error naming the line, the field, what was expected; also for a line that can never run (30 February)
 */
export function parseCronFields(text: string): CronFields {
  const parts = text.length > TEXT_LENGTH_MAX ? [] : text.trim().split(/\s+/);
  const [minute, hour, dayOfMonth, month, dayOfWeek, ...more] = parts;
  if (
    minute === undefined ||
    hour === undefined ||
    dayOfMonth === undefined ||
    month === undefined ||
    dayOfWeek === undefined ||
    more.length > 0
  ) {
    const expected = "five fields (minute, hour, day of month, month, day of week)";
    throw new Error(`cron "${text.slice(0, 100)}": expected ${expected}, at most ${TEXT_LENGTH_MAX} characters`);
  }
  const fields: CronFields = {
    minutes: parseField(text, minute, FIELDS.minutes),
    hours: parseField(text, hour, FIELDS.hours),
    daysOfMonth: parseField(text, dayOfMonth, FIELDS.daysOfMonth),
    months: parseField(text, month, FIELDS.months),
    daysOfWeek: parseField(text, dayOfWeek, FIELDS.daysOfWeek),
    isEitherDayEnough: !dayOfMonth.startsWith("*") && !dayOfWeek.startsWith("*"),
  };
  if (!canRun(fields)) throw new Error(`cron "${text}": none of its months has one of its days, so it would never run`);
  return fields;
}

function parseField(text: string, field: string, bounds: FieldBounds): readonly number[] {
  const values = new Set<number>();
  for (const item of field.split(",")) {
    for (const value of parseItem(text, item, bounds)) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function parseItem(text: string, item: string, bounds: FieldBounds): readonly number[] {
  const { name, min, max } = bounds;
  const match = /^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(item);
  const [, star, first, last, step] = match ?? [];
  const from = star === undefined ? Number(first) : min;
  const to = star === undefined ? Number(last ?? first) : max;
  const stride = Number(step ?? 1);
  // A step needs something to step through: "5/10" means different things to different crons.
  const isLoneStep = step !== undefined && star === undefined && last === undefined;
  if (match === null || isLoneStep || from < min || to > max || from > to || stride < 1) {
    const expected = `${min}-${max}, *, a range a-b or a step */n, a-b/n`;
    throw new Error(`cron "${text}": "${item}" is no valid ${name}, expected ${expected}`);
  }
  return listRange(from, to, stride);
}

function listRange(from: number, to: number, step: number): readonly number[] {
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

/** False for days that none of the months has. In 400 years every day of a month falls on every day of the week. */
function canRun({ daysOfMonth, months, isEitherDayEnough }: CronFields): boolean {
  const firstDay = daysOfMonth[0] ?? 1;
  return isEitherDayEnough || months.some((month) => firstDay <= (MONTH_DAYS_MAX[month - 1] ?? 0));
}

/** The calendar repeats after 400 years: what has not run by then never will. */
const SEARCH_MONTHS_MAX = 400 * 12;

/**
 * The first minute after `afterMs` that the fields allow, epoch ms, on the full minute.
 * @throws RangeError when there is none: the end of Date's calendar
 */
export function nextMatchMs(fields: CronFields, afterMs: number): number {
  const startMs = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
  const start = new Date(startMs);
  const year = start.getUTCFullYear();
  const month = start.getUTCMonth();
  for (let i = 0; i < SEARCH_MONTHS_MAX; i++) {
    if (!fields.months.includes(((month + i) % 12) + 1)) continue;
    const found = findInMonth(fields, Date.UTC(year, month + i, 1), startMs);
    if (found !== null) return found;
  }
  throw new RangeError(`no run of this cron after ${afterMs} ms`);
}

function findInMonth(fields: CronFields, monthMs: number, startMs: number): number | null {
  const month = new Date(monthMs).getUTCMonth();
  for (let dayMs = monthMs; new Date(dayMs).getUTCMonth() === month; dayMs += DAY_MS) {
    if (dayMs + DAY_MS <= startMs || !isDayAllowed(fields, new Date(dayMs))) continue;
    const found = findInDay(fields, dayMs, startMs);
    if (found !== null) return found;
  }
  return null;
}

function isDayAllowed({ daysOfMonth, daysOfWeek, isEitherDayEnough }: CronFields, day: Date): boolean {
  const isDayOfMonth = daysOfMonth.includes(day.getUTCDate());
  const isDayOfWeek = daysOfWeek.includes(day.getUTCDay());
  return isEitherDayEnough ? isDayOfMonth || isDayOfWeek : isDayOfMonth && isDayOfWeek;
}

function findInDay({ hours, minutes }: CronFields, dayMs: number, startMs: number): number | null {
  for (const hour of hours) {
    for (const minute of minutes) {
      const timeMs = dayMs + (hour * 60 + minute) * MINUTE_MS;
      if (timeMs >= startMs) return timeMs;
    }
  }
  return null;
}
