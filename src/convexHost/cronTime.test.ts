import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { anyApi, cronJobs } from "convex/server";
import type { JSONValue } from "convex/values";
import fc from "fast-check";
import { nextRunMs, parseCron } from "./cronTime.ts";

const MINUTE_MS = 60_000;
const at = (text: string): number => Date.parse(text);
const next = (schedule: JSONValue, after: string, anchor = "2026-01-01T00:00:00Z"): string =>
  new Date(nextRunMs(parseCron(schedule), at(after), at(anchor))).toISOString();
const nextOfLine = (cron: string, after: string): string => next({ type: "cron", cron }, after);

/** What crontab(5) says about one field, read anew for each minute: no sets, no skipping. */
function allows(field: string, value: number, min: number): boolean {
  return field.split(",").some((item) => {
    const [span = "", step = "1"] = item.split("/");
    const [from = span, to = from] = span.split("-");
    if (span === "*") return (value - min) % Number(step) === 0;
    return value >= Number(from) && value <= Number(to) && (value - Number(from)) % Number(step) === 0;
  });
}

/** The values from `min` to `max` that a field allows, as a table. */
function tableOf(field = "", min: number, max: number): readonly boolean[] {
  return Array.from({ length: max + 1 }, (_, value) => value >= min && allows(field, value, min));
}

/** Walks minute by minute; null when nothing is due within `minutesMax`. */
function walk(line: string, afterMs: number, minutesMax: number): number | null {
  const [minute, hour, dayOfMonth = "", month, dayOfWeek = ""] = line.split(" ");
  const tables = [
    tableOf(hour, 0, 23),
    tableOf(month, 1, 12),
    tableOf(dayOfMonth, 1, 31),
    tableOf(dayOfWeek, 0, 6),
  ] as const;
  const [hours, months, daysOfMonth, daysOfWeek] = tables;
  const minutes = tableOf(minute, 0, 59);
  const isStarred = dayOfMonth.startsWith("*") || dayOfWeek.startsWith("*");
  const afterMinute = Math.floor(afterMs / MINUTE_MS);
  for (let time = afterMinute + 1; time <= afterMinute + minutesMax; time++) {
    if (!minutes[time % 60] || !hours[Math.floor(time / 60) % 24]) continue;
    const date = new Date(time * MINUTE_MS);
    const days = [daysOfMonth[date.getUTCDate()], daysOfWeek[date.getUTCDay()]];
    const isDay = isStarred ? days.every(Boolean) : days.some(Boolean);
    if (isDay && months[date.getUTCMonth() + 1]) return time * MINUTE_MS;
  }
  return null;
}

function fieldOf(min: number, max: number): fc.Arbitrary<string> {
  const number = fc.integer({ min, max });
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: 15 });
  const item = fc.oneof(
    number.map(String),
    range,
    fc.tuple(range, step).map(([span, n]) => `${span}/${n}`),
    step.map((n) => `*/${n}`),
  );
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant("*") },
    { weight: 3, arbitrary: fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(",")) },
  );
}

const WALK_MINUTES = 60 * 24 * 60;
const time = fc.integer({ min: at("2023-12-01T00:00:00Z"), max: at("2029-01-01T00:00:00Z") });

describe("a cron line", () => {
  // Days up to 28, so that each line runs some time; the calendar's edges have their own tests below.
  const line = fc
    .tuple(fieldOf(0, 59), fieldOf(0, 23), fieldOf(1, 28), fieldOf(1, 12), fieldOf(0, 6))
    .map((fields) => fields.join(" "));

  test("runs next when a walk through the minutes first finds it due", () => {
    let found = 0;
    fc.assert(
      fc.property(line, time, (text, afterMs) => {
        const expected = walk(text, afterMs, WALK_MINUTES);
        const actual = nextRunMs({ type: "cron", cron: text }, afterMs, 0);
        assert.ok(actual > afterMs);
        if (expected === null) assert.ok(actual > afterMs + WALK_MINUTES * MINUTE_MS - MINUTE_MS);
        else assert.equal(actual, expected);
        if (expected !== null) found++;
      }),
      { numRuns: 300 },
    );
    assert.ok(found > 100, `only ${found} walks found a run`);
  });

  test("leaves out no run and adds none: run after run is what the walk finds", () => {
    fc.assert(
      fc.property(fieldOf(0, 59), fieldOf(0, 23), time, (minute, hour, afterMs) => {
        const text = `${minute} ${hour} * * *`;
        let timeMs = afterMs;
        for (let i = 0; i < 10; i++) {
          const expected = walk(text, timeMs, 2 * 24 * 60);
          timeMs = nextRunMs({ type: "cron", cron: text }, timeMs, 0);
          assert.equal(timeMs, expected);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("runs strictly after: not again in the minute it is in, but on a minute that begins 1 ms later", () => {
    assert.equal(nextOfLine("* * * * *", "2026-03-01T12:00:00.000Z"), "2026-03-01T12:01:00.000Z");
    assert.equal(nextOfLine("* * * * *", "2026-03-01T12:00:59.999Z"), "2026-03-01T12:01:00.000Z");
    assert.equal(nextOfLine("0 12 * * *", "2026-03-01T11:59:59.999Z"), "2026-03-01T12:00:00.000Z");
  });

  test("with both days restricted runs on either, as cron does", () => {
    // 13 March 2026 is a Friday, 13 April a Monday.
    assert.equal(nextOfLine("0 0 13 * 5", "2026-03-01T00:00:00Z"), "2026-03-06T00:00:00.000Z");
    assert.equal(nextOfLine("0 0 13 * 5", "2026-04-10T00:00:00Z"), "2026-04-13T00:00:00.000Z");
  });

  test("with a day that its month lacks runs on the weekdays that are left", () => {
    assert.equal(nextOfLine("0 0 31 2 1", "2026-02-01T00:00:00Z"), "2026-02-02T00:00:00.000Z");
  });

  test("with a star before either day runs only where both agree", () => {
    assert.equal(nextOfLine("0 0 * * 5", "2026-03-07T00:00:00Z"), "2026-03-13T00:00:00.000Z");
    assert.equal(nextOfLine("0 0 */12 * 5", "2026-03-02T00:00:00Z"), "2026-03-13T00:00:00.000Z");
  });

  test("finds 29 February across a century without one, also when it must be a certain weekday", () => {
    assert.equal(nextOfLine("0 0 29 2 *", "2096-02-29T00:00:00Z"), "2104-02-29T00:00:00.000Z");
    assert.equal(nextOfLine("0 0 29 2 */7", "2072-03-01T00:00:00Z"), "2088-02-29T00:00:00.000Z");
  });

  test("skips months that lack the day, and goes over the end of the year", () => {
    assert.equal(nextOfLine("30 6 31 * *", "2026-03-31T06:30:00Z"), "2026-05-31T06:30:00.000Z");
    assert.equal(nextOfLine("59 23 31 12 *", "2026-12-31T23:59:00Z"), "2027-12-31T23:59:00.000Z");
  });

  for (const text of ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 31 4 */2"]) {
    test(`is refused when it can never run: ${text}`, () => {
      assert.throws(() => parseCron({ type: "cron", cron: text }), /would never run/);
    });
  }

  const refused: readonly [string, RegExp][] = [
    ["", /expected five fields/],
    ["* * * *", /expected five fields/],
    ["* * * * * *", /expected five fields/],
    ["@daily", /expected five fields/],
    [`${"0,".repeat(600)}0 * * * *`, /at most 1000 characters/],
    ["60 * * * *", /"60" is no valid minute, expected 0-59/],
    ["* 24 * * *", /"24" is no valid hour, expected 0-23/],
    ["* * 0 * *", /"0" is no valid day of month, expected 1-31/],
    ["* * * 13 *", /"13" is no valid month, expected 1-12/],
    ["* * * * 7", /"7" is no valid day of week, expected 0-6/],
    ["* * * JAN *", /"JAN" is no valid month/],
    ["* * * * MON-FRI", /"MON-FRI" is no valid day of week/],
    ["*/0 * * * *", /"\*\/0" is no valid minute/],
    ["5/10 * * * *", /"5\/10" is no valid minute/],
    ["30-10 * * * *", /"30-10" is no valid minute/],
    ["1,,2 * * * *", /"" is no valid minute/],
    ["-1 * * * *", /"-1" is no valid minute/],
    ["1.5 * * * *", /"1.5" is no valid minute/],
    ["? * * * *", /"\?" is no valid minute/],
    ["* * L * *", /"L" is no valid day of month/],
  ];
  for (const [text, message] of refused) {
    test(`is refused with what was expected: "${text.slice(0, 20)}"`, () => {
      assert.throws(() => parseCron({ type: "cron", cron: text }), message);
    });
  }
});

describe("the other schedules", () => {
  test("hourly, daily, weekly and monthly run as their cron lines do", () => {
    const minute = fc.integer({ min: 0, max: 59 });
    const hour = fc.integer({ min: 0, max: 23 });
    const days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    const schedule: fc.Arbitrary<readonly [JSONValue, string]> = fc.oneof(
      minute.map((m) => [{ type: "hourly", minuteUTC: m }, `${m} * * * *`] as const),
      fc.tuple(minute, hour).map(([m, h]) => [{ type: "daily", hourUTC: h, minuteUTC: m }, `${m} ${h} * * *`] as const),
      fc
        .tuple(minute, hour, fc.nat(6))
        .map(
          ([m, h, d]) =>
            [{ type: "weekly", dayOfWeek: days[d] ?? "", hourUTC: h, minuteUTC: m }, `${m} ${h} * * ${d}`] as const,
        ),
      fc
        .tuple(minute, hour, fc.integer({ min: 1, max: 31 }))
        .map(([m, h, d]) => [{ type: "monthly", day: d, hourUTC: h, minuteUTC: m }, `${m} ${h} ${d} * *`] as const),
    );
    fc.assert(
      fc.property(schedule, time, ([json, line], afterMs) => {
        assert.equal(nextRunMs(parseCron(json), afterMs, 0), walk(line, afterMs, 63 * 24 * 60));
      }),
      { numRuns: 200 },
    );
  });

  test("a schedule without a minute keeps to the minute of its anchor, also when a past run is the anchor", () => {
    const anchor = "2026-01-01T10:17:42Z";
    const first = next({ type: "daily", hourUTC: 3 }, "2026-01-01T10:17:42Z", anchor);
    assert.equal(first, "2026-01-02T03:17:00.000Z");
    assert.equal(next({ type: "daily", hourUTC: 3 }, first, first), "2026-01-03T03:17:00.000Z");
    assert.equal(next({ type: "hourly" }, "2026-01-01T11:17:00Z", anchor), "2026-01-01T12:17:00.000Z");
  });

  test("an interval runs at its anchor and every interval after it, never made up for", () => {
    const anchor = "2026-01-01T00:00:00.500Z";
    const every = { type: "interval", minutes: 10 } as const;
    assert.equal(next(every, "2025-12-31T00:00:00Z", anchor), "2026-01-01T00:00:00.500Z");
    assert.equal(next(every, anchor, anchor), "2026-01-01T00:10:00.500Z");
    assert.equal(next(every, "2026-02-01T07:03:00Z", anchor), "2026-02-01T07:10:00.500Z");
  });

  test("the next run of an interval is on its grid, after the present, and at most one interval away", () => {
    const unit = fc.constantFrom(["seconds", 1_000], ["minutes", 60_000], ["hours", 3_600_000]) as fc.Arbitrary<
      [string, number]
    >;
    const moment = fc.double({ min: 0, max: 4e12, noNaN: true });
    fc.assert(
      fc.property(unit, fc.integer({ min: 1, max: 100_000 }), moment, moment, ([name, unitMs], count, a, b) => {
        const [anchorMs, afterMs] = a < b ? [a, b] : [b, a];
        const runMs = nextRunMs(parseCron({ type: "interval", [name]: count }), afterMs, anchorMs);
        assert.ok(runMs > afterMs);
        assert.ok(runMs <= Math.floor(afterMs) + count * unitMs);
        assert.equal((runMs - Math.floor(anchorMs)) % (count * unitMs), 0);
        assert.equal(nextRunMs(parseCron({ type: "interval", [name]: count }), afterMs, runMs - count * unitMs), runMs);
      }),
      { numRuns: 2_000 },
    );
  });
});

test("whatever cronJobs() of the installed package exports is understood", () => {
  const crons = cronJobs();
  const call = anyApi.jobs?.sweep as unknown as Parameters<typeof crons.cron>[2];
  crons.interval("seconds", { seconds: 30 }, call);
  crons.interval("minutes", { minutes: 5 }, call);
  crons.interval("hours", { hours: 1 }, call);
  crons.hourly("hourly", { minuteUTC: 30 }, call);
  crons.hourly("hourly, any minute", call);
  crons.daily("daily", { hourUTC: 17, minuteUTC: 30 }, call);
  crons.daily("daily, any minute", { hourUTC: 17 }, call);
  crons.weekly("weekly", { dayOfWeek: "saturday", hourUTC: 0, minuteUTC: 0 }, call);
  crons.monthly("monthly", { day: 31, hourUTC: 23, minuteUTC: 59 }, call);
  crons.cron("cron", "15 7 * * *", call);
  const exported = JSON.parse((crons as unknown as { export(): string }).export()) as Record<
    string,
    { schedule: JSONValue }
  >;
  assert.equal(Object.keys(exported).length, 10);
  for (const { schedule } of Object.values(exported)) {
    assert.deepEqual(parseCron(schedule), schedule);
    assert.ok(nextRunMs(parseCron(schedule), at("2026-01-01T00:00:00Z"), 0) > at("2026-01-01T00:00:00Z"));
  }
});

test("a schedule of another shape is refused with what was expected", () => {
  const refused: readonly [JSONValue, RegExp][] = [
    [null, /is an object with a type, got null/],
    [[], /is an object with a type/],
    ["* * * * *", /is an object with a type/],
    [{ type: "yearly" }, /is interval, hourly, daily, weekly, monthly or cron, got "yearly"/],
    [{ type: "interval" }, /one of seconds, minutes, hours, got none/],
    [{ type: "interval", seconds: 1, hours: 1 }, /one of seconds, minutes, hours, got seconds, hours/],
    [{ type: "interval", seconds: 0 }, /seconds is an integer from 1 to/],
    [{ type: "interval", hours: 1e300 }, /hours is an integer from 1 to/],
    [{ type: "hourly", minuteUTC: 60 }, /minuteUTC is an integer from 0 to 59, got 60/],
    [{ type: "daily" }, /hourUTC is an integer from 0 to 23, got undefined/],
    [{ type: "weekly", hourUTC: 1, dayOfWeek: "Tuesday" }, /dayOfWeek is one of sunday, .*, got "Tuesday"/],
    [{ type: "monthly", hourUTC: 1, day: 32 }, /day is an integer from 1 to 31, got 32/],
    [{ type: "cron", cron: 5 }, /text of five fields, got 5/],
  ];
  for (const [schedule, message] of refused) assert.throws(() => parseCron(schedule), message);
});

test("a time that is no epoch time is refused instead of looping", () => {
  for (const timeMs of [Number.NaN, Infinity, -1, 8.64e15 + 1]) {
    assert.throws(() => nextRunMs({ type: "hourly" }, timeMs, 0), /expected 0 to/);
    assert.throws(() => nextRunMs({ type: "hourly" }, 0, timeMs), /expected 0 to/);
  }
  assert.throws(() => nextRunMs({ type: "hourly", minuteUTC: 0 }, 8.64e15, 0), /no run of this cron/);
});
