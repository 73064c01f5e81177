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
