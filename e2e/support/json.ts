/** A parsed body of a black box: its shape is what the tests are about, so nothing about it is assumed. */
export type Json = any;

/** Canonical JSON, contract G6 (RFC 8785): sorted keys by UTF-16 code unit, ECMAScript numbers, no blanks. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value as Record<string, unknown>).filter(([, v]) => v !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(",")}}`;
}

/** Contract G2: rounding is floor(x * 10^n + 0.5) / 10^n in doubles. */
export function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.floor(value * scale + 0.5) / scale;
}
