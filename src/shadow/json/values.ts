// JSON values as the comparer holds them: nothing of what was written in a number is lost (shadow N1).

/** A number that is not a plain integer of at most 15 digits, as it was written. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A JavaScript number is an integer of at most 15 digits, for which no other text than its own was written. */
export type JsonValue = null | boolean | string | number | JsonNumber | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export const JSON_TYPES = ["null", "boolean", "string", "number", "array", "object"] as const;
export type JsonType = (typeof JSON_TYPES)[number];

export function jsonTypeOf(value: JsonValue): JsonType {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value as "boolean" | "string" | "number";
  if (value instanceof JsonNumber) return "number";
  return Array.isArray(value) ? "array" : "object";
}

export const isNumber = (value: JsonValue): value is number | JsonNumber =>
  typeof value === "number" || value instanceof JsonNumber;

export const isArray = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

export const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);

/** Not only the same: the keys in the same order and the numbers in the same spelling. */
export function areSpelledAlike(one: JsonValue, other: JsonValue): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (one instanceof JsonNumber) return other instanceof JsonNumber && one.text === other.text;
  if (isArray(one)) {
    if (!isArray(other) || one.length !== other.length) return false;
    for (let at = 0; at < one.length; at++) {
      if (!areSpelledAlike(one[at] as JsonValue, other[at] as JsonValue)) return false;
    }
    return true;
  }
  return isObject(other) && areMembersAlike(one, other);
}

function areMembersAlike(one: JsonObject, other: JsonObject): boolean {
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  if (keys.length !== others.length) return false;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as string;
    if (key !== others[at] || !areSpelledAlike(one[key] as JsonValue, other[key] as JsonValue)) return false;
  }
  return true;
}
