// Convex JSON as plain JSON: what `format: "json"` answers (embedded-convex §3.9). Pure.
import { type JSONValue, jsonToConvex } from "convex/values";

/**
 * int64 become decimal text, bytes stay base64 text, floats that JSON has no number for become "NaN", "Infinity",
 * "-Infinity" and "-0". The way back is lost: clients that need it ask for `convex_encoded_json`.
 */
export function toPlainJson(encoded: JSONValue): JSONValue {
  if (encoded === null || typeof encoded !== "object") return encoded;
  if (Array.isArray(encoded)) return encoded.map(toPlainJson);
  const entries = Object.entries(encoded);
  const [only] = entries;
  // Field names never begin with "$", so such a key alone marks a value.
  if (only !== undefined && entries.length === 1 && only[0].startsWith("$")) return plainValue(encoded, only[1]);
  return Object.fromEntries(entries.map(([name, value]) => [name, toPlainJson(value)]));
}

function plainValue(encoded: JSONValue, text: JSONValue): JSONValue {
  const value = jsonToConvex(encoded);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return typeof value === "bigint" ? value.toString() : text;
}
