import { distance } from "fastest-levenshtein";
import { isIP } from "node:net";
import type { ListenAddress } from "./config.ts";
import { closest, type Fault } from "./problems.ts";

/** Every reader gives the value or says what is wrong with it; none throws. */
export type Read<T> = { readonly value: T } | { readonly fault: Fault };

const ok = <T>(value: T): Read<T> => ({ value });
const fail = (what: string, expected?: string, fix?: string): { readonly fault: Fault } => ({
  fault: { what, ...(expected === undefined ? {} : { expected }), ...(fix === undefined ? {} : { fix }) },
});

/** How a value is called in a sentence; long texts are cut, so that a pasted key does not fill the screen. */
export function show(value: unknown): string {
  if (value === null) return "an empty value";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  if (typeof value !== "string") return "something else";
  return value.length > 40 ? `"${value.slice(0, 37)}…"` : `"${value}"`;
}

export function readText(value: unknown, expected = "a text"): Read<string> {
  if (typeof value === "string") return value === "" ? fail("empty", expected) : ok(value);
  if (value === undefined) return fail("missing", expected);
  if (typeof value === "number" || typeof value === "boolean") {
    return fail(`${value} is a ${typeof value}`, expected, `Quote it to make it a text: "${value}".`);
  }
  return fail(value === null ? "empty" : `${show(value)} stands here`, expected);
}

const textOf = <T>(value: unknown, expected: string, read: (text: string) => Read<T>): Read<T> => {
  const text = readText(value, expected);
  return "fault" in text ? text : read(text.value);
};

interface UnitTable {
  readonly factors: Readonly<Record<string, number>>;
  readonly expected: string;
}

const DURATION: UnitTable = {
  factors: { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  expected: "a duration such as 250ms, 2s, 2m, 1h or 1d",
};
const SIZE: UnitTable = {
  factors: { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 },
  expected: "a size such as 512B, 64KiB, 1MiB or 2GiB",
};
const RATE: UnitTable = {
  factors: { "/s": 1, "/min": 1 / 60, "/h": 1 / 3600 },
  expected: "a rate such as 50/s or 120/min",
};

function readWithUnit(value: unknown, table: UnitTable): Read<number> {
  if (typeof value === "number") return fail(`${value} has no unit`, table.expected);
  return textOf(value, table.expected, (text) => {
    const match = /^(\d+(?:\.\d+)?)\s*(\D*)$/.exec(text);
    if (!match) return fail(`${show(text)} cannot be read`, table.expected);
    const [, digits = "", unit = ""] = match;
    if (unit === "") return fail(`${digits} has no unit`, table.expected);
    const factor = Object.hasOwn(table.factors, unit) ? table.factors[unit] : undefined;
    if (factor !== undefined) return ok(Number(digits) * factor);
    const meant = closest(unit, Object.keys(table.factors), distance);
    const fault: Fault = { what: `"${unit}" is not a unit`, expected: table.expected };
    return { fault: meant === null ? fault : { ...fault, didYouMean: `${digits}${meant}` } };
  });
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

function within(read: Read<number>, range: Range, text: string, format: (n: number) => string): Read<number> {
  if ("fault" in read) return read;
  if (!Number.isSafeInteger(read.value)) return fail(`${text} is not a whole number of ${format(1)}`);
  if (read.value < range.min) return fail(`${text} is less than ${format(range.min)}`, `at least ${format(range.min)}`);
  if (read.value > range.max) return fail(`${text} is more than ${format(range.max)}`, `at most ${format(range.max)}`);
  return read;
}

/** Milliseconds. */
export const readDuration = (value: unknown, range: Range): Read<number> =>
  within(readWithUnit(value, DURATION), range, String(value), formatDuration);

/** Bytes. */
export const readSize = (value: unknown, range: Range): Read<number> =>
  within(readWithUnit(value, SIZE), range, String(value), formatSize);

/** Events per second. */
export function readRate(value: unknown, max: number): Read<number> {
  const read = readWithUnit(value, RATE);
  if ("fault" in read) return read;
  if (read.value <= 0) return fail(`${String(value)} lets nothing through`, RATE.expected);
  return read.value > max ? fail(`${String(value)} is more than ${max}/s`, `at most ${max}/s`) : read;
}

/** A share as a ratio, 0 … 1. */
export function readShare(value: unknown): Read<number> {
  const expected = "a share such as 0.5% or 20%";
  if (typeof value === "number") return fail(`${value} has no unit`, expected);
  return textOf(value, expected, (text) => {
    const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text);
    if (!match) return fail(`${show(text)} cannot be read`, expected);
    if (match[2] === "") return fail(`${match[1]} has no unit`, expected);
    const ratio = Number(match[1]) / 100;
    return ratio > 1 ? fail(`${text} is more than 100%`, "a share of the whole") : ok(ratio);
  });
}

const formatWith = (units: readonly (readonly [string, number])[], n: number): string => {
  const [unit, factor] = units.find(([, size]) => n !== 0 && n % size === 0) ?? units.at(-1) ?? ["", 1];
  return `${n / factor}${unit}`;
};
const descending = (table: UnitTable): (readonly [string, number])[] =>
  Object.entries(table.factors).sort((a, b) => b[1] - a[1]);
const DURATION_UNITS = descending(DURATION);
const SIZE_UNITS = descending(SIZE);

/** The shortest spelling that reads back as the same number. */
export const formatDuration = (ms: number): string => formatWith(DURATION_UNITS, ms);
export const formatSize = (bytes: number): string => formatWith(SIZE_UNITS, bytes);

export function readCount(value: unknown, range: Range): Read<number> {
  const expected = `a whole number from ${range.min} to ${range.max}`;
  if (value === undefined) return fail("missing", expected);
  if (typeof value !== "number") return fail(`${show(value)} is not a number`, expected);
  if (!Number.isInteger(value)) return fail(`${value} is not a whole number`, expected);
  if (value < range.min) return fail(`${value} is less than ${range.min}`, expected);
  return value > range.max ? fail(`${value} is more than ${range.max}`, expected) : ok(value);
}

export function readSwitch(value: unknown): Read<boolean> {
  if (typeof value === "boolean") return ok(value);
  const text = typeof value === "string" ? value.toLowerCase() : "";
  const meant = ["yes", "on", "y"].includes(text) ? "true" : ["no", "off", "n"].includes(text) ? "false" : null;
  const what = value === undefined ? "missing" : `${show(value)} is not true or false`;
  return { fault: meant === null ? { what, expected: "true or false" } : { what, didYouMean: meant } };
}

export function readOneOf<const T extends string>(value: unknown, allowed: readonly T[]): Read<T> {
  const expected = allowed.length === 1 ? String(allowed[0]) : `one of ${allowed.join(", ")}`;
  return textOf(value, expected, (text) => {
    const found = allowed.find((word) => word === text);
    if (found !== undefined) return ok(found);
    const meant = closest(text, allowed, distance);
    const fault: Fault = { what: `${show(text)} is not known`, expected };
    return { fault: meant === null ? fault : { ...fault, didYouMean: meant } };
  });
}

const ADDRESS = "host:port such as 127.0.0.1:8000 or [::1]:8000";

/** An address to listen on. Port 0 takes any free one. */
export function readAddress(value: unknown): Read<ListenAddress> {
  if (typeof value === "number") return fail(`${value} has no host`, ADDRESS);
  return textOf(value, ADDRESS, (text) => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
    if (!match) return fail(`${show(text)} is no address`, ADDRESS);
    const [, six, name, digits = ""] = match;
    const port = Number(digits);
    if (six !== undefined && isIP(six) !== 6) return fail(`${show(text)} is no address`, ADDRESS);
    if (port > 65_535) return fail(`${port} is more than 65535`, "a port from 0 to 65535");
    return ok({ host: (six ?? name ?? "").toLowerCase(), port });
  });
}

/** An origin: scheme, host, port and nothing behind it; the form `URL.origin` gives. */
export function readOrigin(value: unknown, example = "http://127.0.0.1:8001"): Read<string> {
  const expected = `an origin such as ${example}`;
  return textOf(value, expected, (text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !["http:", "https:"].includes(url.protocol)) {
      // Before an @ there may be a password.
      return fail(`${text.includes("@") ? "this" : show(text)} is no http address`, expected);
    }
    // The password must not be repeated on a screen (security D4).
    if (url.username !== "" || url.password !== "") return fail("holds a user name or password", expected);
    if (url.search !== "" || text.includes("?")) return fail("holds a query", `the origin alone: ${url.origin}`);
    if (url.hash !== "" || text.includes("#")) return fail("holds a fragment", `the origin alone: ${url.origin}`);
    if (url.pathname !== "/") return fail(`holds the path ${show(url.pathname)}`, `the origin alone: ${url.origin}`);
    return ok(url.origin);
  });
}

export function readHostName(value: unknown): Read<string> {
  const expected = "a host name such as api.example.org, without scheme and port";
  return textOf(value, expected, (text) => {
    const name = text.toLowerCase();
    if (/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) || /^\[[0-9a-f:.]+\]$/.test(name)) return ok(name);
    return fail(`${show(text)} is no host name`, expected);
  });
}

export function readCidr(value: unknown): Read<string> {
  const expected = "an address range such as 10.0.0.0/8 or fd00::/8";
  return textOf(value, expected, (text) => {
    const [address = "", bits, ...rest] = text.split("/");
    const family = isIP(address);
    if (family === 0 || rest.length > 0) return fail(`${show(text)} is no address range`, expected);
    const max = family === 4 ? 32 : 128;
    if (bits === undefined) return ok(`${address}/${max}`);
    if (!/^\d{1,3}$/.test(bits) || Number(bits) > max) return fail(`/${bits} is not 0 to ${max}`, expected);
    if (Number(bits) === 0)
      return fail("covers every address", expected, "Anybody could then choose the client address (security H4).");
    return ok(text);
  });
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));
