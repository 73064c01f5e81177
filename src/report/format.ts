// Numbers for people: every share with the count behind it (ux §1), and never rounded to the good side.
import type { Share } from "./model.ts";

/** `63 340` */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, " ");

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** `0.31 %` */
export const percent = (ratio: number | null): string => (ratio === null ? "–" : `${(ratio * 100).toFixed(2)} %`);

const DIGITS_MAX = 6;

/** Two digits that count, towards the side that promises less: `0.024` of 0.0238 % upwards. Without the unit. */
export function bound(ratio: number, towards: "up" | "down"): string {
  const value = Math.min(100, Math.max(0, ratio * 100));
  const leading = value > 0 ? Math.floor(Math.log10(value)) : 0;
  const digits = value >= 10 ? 0 : Math.min(DIGITS_MAX, 1 - Math.min(0, leading));
  const scaled = Number((value * 10 ** digits).toPrecision(12));
  const whole = towards === "up" ? Math.ceil(scaled) : Math.floor(scaled);
  return whole === 0 ? "0" : (whole / 10 ** digits).toFixed(digits);
}

/** `2.70 % (2.0–3.6)`, `0 of 12 602: below 0.024 %` */
export function boundsText({ found, of, ratio, low, high }: Share): string {
  if (found === 0) return `0 of ${count(of)}: below ${bound(high, "up")} %`;
  return `${percent(ratio)} (${bound(low, "down")}–${bound(high, "up")})`;
}

/** `0.5 %`, `1.0 %` */
export function limitText(ratio: number | null): string {
  if (ratio === null) return "–";
  const value = Number((ratio * 100).toPrecision(6));
  return `${Number.isInteger(value) && value < 10 ? value.toFixed(1) : value} %`;
}

/** Rounded down, so that 94.96 % is not shown as what it fails to be. */
export const coveragePercent = (coverage: number | null): string =>
  coverage === null ? "–" : `${(Math.floor(Number((coverage * 1_000).toPrecision(12))) / 10).toFixed(1)} %`;

/** `compared 99.1 % of 63 340 sampled`: beside every figure of parity (shadow §16). */
export const coverageText = ({ coverage, sampled }: { coverage: number | null; sampled: number }): string =>
  coverage === null ? "nothing was sampled" : `compared ${coveragePercent(coverage)} of ${count(sampled)} sampled`;

export function milliseconds(value: number): string {
  if (value >= 10_000) return `${count(value / 1_000)} s`;
  return `${value >= 10 ? count(value) : value.toPrecision(2)} ms`;
}

const SPANS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** `2.5 h`; rounded up. */
export function duration(ms: number): string {
  const [unit, size] = SPANS.find(([, one]) => ms >= one) ?? (["s", 1_000] as const);
  return `${Number((Math.ceil((Math.max(0, ms) * 10) / size) / 10).toFixed(1))} ${unit}`;
}

export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** As far as a date goes. */
const TIME_MAX = 8.64e15;

const isoOf = (ms: number): string => new Date(Math.max(-TIME_MAX, Math.min(TIME_MAX, Math.round(ms)))).toISOString();

/** `20 Nov 06:00`, of UTC. */
export function shortMoment(ms: number): string {
  const iso = isoOf(ms);
  const month = MONTHS[Number(iso.slice(-19, -17)) - 1] ?? "";
  return `${Number(iso.slice(-16, -14))} ${month} ${iso.slice(-13, -8)}`;
}

/** `2026-11-20 06:00:00 UTC` */
export const moment = (ms: number): string => `${isoOf(ms).slice(0, -5).replace("T", " ")} UTC`;

/** `2026-12-20` */
export const day = (ms: number): string => isoOf(ms).slice(0, -14);

/** `number → string`; control first. */
export const changeText = ({ control, candidate }: { control: string | null; candidate: string | null }): string =>
  `${control ?? "nothing"} → ${candidate ?? "nothing"}`;
