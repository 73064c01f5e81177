// Convex JSON from outside (embedded-convex §3.3): `jsonToConvex` of `convex/values`, made safe for text that anyone may send.
import { jsonToConvex, type JSONValue, type Value } from "convex/values";
import { LIMITS } from "./limits.ts";

export interface ValueJsonOptions {
  /** Whether `$commitTs` is understood: only between the functions of one transaction (§3.2). */
  readonly allowsCommitTs: boolean;
}

/**
 * A value from its JSON: `$integer`, `$bytes`, `$float`, `$commitTs`. Refused, with the reason: more than 64 levels, other
 * `$` keys, names that are not printable ASCII, `__proto__`, strings with half a surrogate pair. @throws Error
 */
export function parseValue(json: JSONValue, options: ValueJsonOptions): Value {
  refuse(json, 1, options);
  return jsonToConvex(json);
}

/** What `jsonToConvex` would take, but not survive or not keep. */
function refuse(json: JSONValue, depth: number, options: ValueJsonOptions): void {
  if (typeof json === "string" && !json.isWellFormed()) {
    throw new Error("a string has half a surrogate pair: expected whole Unicode characters");
  }
  if (typeof json !== "object" || json === null) return;
  if (depth > LIMITS.valueDepth) throw new Error(`a value nests deeper than ${LIMITS.valueDepth} objects and arrays`);
  if (Array.isArray(json)) {
    for (const item of json) refuse(item, depth + 1, options);
    return;
  }
  const names = Object.keys(json);
  // Assigning it, as `jsonToConvex` does, sets the prototype instead of a field: fields would appear that nobody checked.
  if (names.includes("__proto__")) throw new Error('the field name "__proto__" is not allowed');
  if (!options.allowsCommitTs && names.includes("$commitTs")) {
    throw new Error("db.vars.commitTs may be given only to a query or mutation that a mutation calls");
  }
  for (const member of Object.values(json)) refuse(member, depth + 1, options);
}
