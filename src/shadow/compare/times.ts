// Points in time as both arms may write them (contract differences.md §2 `time`, §8 P7–P9).
import { JsonNumber, type JsonValue } from "../json/values.ts";

const ISO = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/i;
/** Seconds since 1970 have up to this many digits until the year 5138; more are milliseconds. */
const SECONDS_MAX = 1e11;

/** Epoch ms with fraction, or null for what is no point in time. A text without an offset is UTC. */
export function timeOf(value: JsonValue): number | null {
  if (typeof value === "string") return textTime(value);
  const number = value instanceof JsonNumber ? Number(value.text) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return null;
  return Math.abs(number) < SECONDS_MAX ? number * 1_000 : number;
}

function textTime(text: string): number | null {
  const [, date, time, fraction = "", offset = "Z"] = ISO.exec(text) ?? [];
  if (date === undefined || time === undefined) return null;
  const zone = /^[+-]\d{4}$/.test(offset) ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase();
  const ms = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(ms) ? null : ms + Number(`0.${fraction || "0"}`) * 1_000;
}
