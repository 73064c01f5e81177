// Canonical JSON (contract G6, RFC 8785): fingerprints, digests and every JSON text inside a model prompt.
import { JSON_DEPTH_MAX } from "./constants.ts";
import { replaceLoneSurrogates } from "./text.ts";

function objectText(value: object, depth: number): string {
  // A Map, because two keys may become one when lone surrogates are replaced: the last wins, as in G1.
  const members = new Map<string, unknown>();
  for (const [key, item] of Object.entries(value)) members.set(replaceLoneSurrogates(key), item);
  // The default sort is by UTF-16 code unit, which is RFC 8785 §3.2.3.
  const texts = [...members.keys()].sort().map((key) => `${JSON.stringify(key)}:${write(members.get(key), depth)}`);
  return `{${texts.join(",")}}`;
}

function write(value: unknown, depth: number): string {
  if (depth > JSON_DEPTH_MAX) throw new RangeError(`canonical JSON: nested deeper than ${JSON_DEPTH_MAX}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(replaceLoneSurrogates(value));
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON: ${value} is not a JSON number`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, depth + 1)).join(",")}]`;
  if (typeof value === "object") return objectText(value, depth + 1);
  throw new TypeError(`canonical JSON: a value of type ${typeof value} has no JSON form`);
}

/**
 * `CJ(v)`: no blanks, keys sorted by UTF-16 code unit, ECMAScript numbers, minimal escapes; lone surrogates become
 * U+FFFD first (G5). Throws TypeError for what JSON cannot say (undefined included: a dropped key is a difference, A2)
 * and RangeError beyond {@link JSON_DEPTH_MAX}.
 */
export const canonicalJson = (value: unknown): string => write(value, 0);
