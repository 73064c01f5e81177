// What kind of thing a value is: differences and families show classes, never values (shadow P1).
import { canonicalNumber } from "../json/decimal.ts";
import { isArray, isNumber, isObject, type JsonNumber, type JsonValue } from "../json/values.ts";

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const ULID = /^[0-7][\dA-HJKMNP-TV-Z]{25}$/;
const TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
const TOKEN = /^[A-Za-z\d_+/=-]{16,}$/;
const DIGITS = /^\d+$/;
/** Bits per character from which a text of 16 or more is taken for an id: words of any language are below. */
const ENTROPY_MIN = 3;

/** Bits per character of a text, by its own frequencies. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const mark of text) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Random enough, and with the digits that words do not have. */
const isToken = (text: string): boolean =>
  text.length <= 256 && TOKEN.test(text) && (text.match(/\d/g)?.length ?? 0) >= 2 && entropyOf(text) >= ENTROPY_MIN;

/** Classes whose values name things: only these are ever taken for ids without being declared (shadow M1). */
export type IdClass = "uuid" | "ulid" | "id";

export function idClassOf(text: string): IdClass | null {
  if (UUID.test(text)) return "uuid";
  if (ULID.test(text)) return "ulid";
  return isToken(text) ? "id" : null;
}

function textClass(text: string): string {
  if (text === "") return "empty";
  const id = idClassOf(text);
  if (id !== null) return id;
  if (TIME.test(text)) return text.length > 10 && !/[Zz]$|[+-]\d{2}:?\d{2}$/.test(text) ? "time(local)" : "time";
  return DIGITS.test(text) ? "digits" : "text";
}

/** By the number it says, not by its spelling: Python writes `1.0` where JavaScript writes `1`. */
function numberClass(value: number | JsonNumber): string {
  if (typeof value === "number") return "integer";
  const [digits, exponent] = canonicalNumber(value).split("e");
  if (exponent === undefined) return digits === "0" ? "integer" : "invalid";
  return exponent.startsWith("-") ? "decimal" : "integer";
}

/** `undefined`: there is nothing. */
export function valueClass(value: JsonValue | undefined): string | null {
  if (value === undefined) return null;
  if (value === null) return "null";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return textClass(value);
  if (isNumber(value)) return numberClass(value);
  if (isArray(value)) return value.length === 0 ? "array()" : "array";
  return isObject(value) && Object.keys(value).length > 0 ? "object" : "object()";
}

/** A key of an object that is data: an id, a number, a time. */
export const isDataKey = (key: string): boolean => DIGITS.test(key) || TIME.test(key) || idClassOf(key) !== null;
