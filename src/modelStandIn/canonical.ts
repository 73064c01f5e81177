// Canonical JSON (RFC 8785) and the key of a request. A copy of its own: the stand-in shares no code with what it tests.
import { createHash } from "node:crypto";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Input comes from JSON.parse, so every value has a JSON form; texts are well-formed already (see wellFormed). */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  // The default sort is by UTF-16 code unit, which is RFC 8785 §3.2.3.
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

/** Lone surrogates become U+FFFD before anything else (contract G5). */
export function wellFormed(value: Json): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
}

/** SHA-256 hex of the canonical form: the key of contract services.md §1. */
export const keyOf = (canonicalRequest: Json): string =>
  createHash("sha256").update(canonicalJson(canonicalRequest), "utf8").digest("hex");
