// Times on the wire (contract G3): UTC, milliseconds; `ts` has an offset, `naive` has none.

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})?$/;

/** `ts` as the candidate writes it: `2026-01-02T03:04:05.678Z`. */
export const renderTs = (ms: number): string => new Date(Math.trunc(ms)).toISOString();

/** `naive` as the candidate writes it: `2026-01-02T03:04:05.678`. */
export const renderNaive = (ms: number): string => renderTs(ms).slice(0, -1);

function offsetMs(offset: string | undefined): number {
  if (offset === undefined || offset === "Z") return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  return (offset.startsWith("-") ? -minutes : minutes) * 60_000;
}

function parse(text: string, wantsOffset: boolean): number | null {
  const match = ISO.exec(text);
  if (!match || (match[8] !== undefined) !== wantsOffset) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const millis = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  const wall = new Date(0);
  // setUTCFullYear, because Date.UTC maps the years 0–99 to 1900–1999.
  wall.setUTCFullYear(year, month - 1, day);
  wall.setUTCHours(hour, minute, second, millis);
  const isCalendarTime = wall.toISOString().slice(0, 19) === text.slice(0, 19);
  return isCalendarTime ? wall.getTime() - offsetMs(match[8]) : null;
}

/** Epoch milliseconds of a `ts`: 0–6 fractional digits (cut to ms), `Z` or a numeric offset; null when it is none. */
export const parseTs = (text: string): number | null => parse(text, true);

/** Epoch milliseconds of a `naive` time, which is UTC; null when it is none. */
export const parseNaive = (text: string): number | null => parse(text, false);
