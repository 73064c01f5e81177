// Exact decimals: numbers are equal when they say the same number, whatever their spelling, and are never made floats (N1).
import type { JsonNumber } from "./values.ts";

/** value = sign · digits · 10^exponent; digits without zeros at either end, "" for zero. */
interface Decimal {
  readonly isNegative: boolean;
  readonly digits: string;
  /** A bigint beyond what a number counts exactly. */
  readonly exponent: number | bigint;
}

/** Beyond this two numbers are only asked whether they are equal, not how far apart they are. */
const SCALE_MAX = 1_000;
/** An exponent of more digits is compared as it is written: making numbers of long texts takes longer the longer they are. */
const EXPONENT_DIGITS_MAX = 1_000;
const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** As it was written. */
export const numberText = (value: number | JsonNumber): string =>
  typeof value === "number" ? String(value) : value.text;

function parse(text: string): Decimal | null {
  const parts = PARTS.exec(text);
  if (parts === null) return null;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  if (exponent.length > EXPONENT_DIGITS_MAX) return null;
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = withoutEndZeros(all);
  if (digits === "") return { isNegative: false, digits, exponent: 0 };
  return { isNegative: sign === "-", digits, exponent: sum(exponent, all.length - digits.length - fraction.length) };
}

function sum(exponent: string, more: number): number | bigint {
  const number = Number(exponent);
  // Beyond, two that are not the same may be one float.
  const isExact = Number.isSafeInteger(number) && Number.isSafeInteger(number + more);
  return isExact ? number + more : BigInt(exponent) + BigInt(more);
}

/** A regular expression would look at every zero again for each zero before it. */
function withoutEndZeros(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x30) end--;
  return text.slice(0, end);
}

/** The same text for the same number: `1.0`, `1e0` and `1` give one, `-0` and `0` too. What is no decimal stays itself. */
export function canonicalNumber(value: number | JsonNumber): string {
  const text = numberText(value);
  const decimal = parse(text);
  if (decimal === null) return text;
  const { isNegative, digits, exponent } = decimal;
  return digits === "" ? "0" : `${isNegative ? "-" : ""}${digits}e${exponent}`;
}

export function areNumbersEqual(one: number | JsonNumber, other: number | JsonNumber): boolean {
  if (typeof one === "number" && typeof other === "number") return one === other;
  return numberText(one) === numberText(other) || canonicalNumber(one) === canonicalNumber(other);
}

/** Whether two numbers are at most `tolerance` apart. */
export function areNumbersNear(
  one: number | JsonNumber,
  other: number | JsonNumber,
  tolerance: number | JsonNumber,
): boolean {
  if (areNumbersEqual(one, other)) return true;
  const decimals = [one, other, tolerance].map((each) => parse(numberText(each)));
  const scale = Math.min(...decimals.map((each) => Number(each?.exponent ?? 0)));
  const [a, b, most] = decimals.map((each) => scaled(each, scale));
  if (a == null || b == null || most == null) return false;
  const apart = a < b ? b - a : a - b;
  return apart <= most;
}

function scaled(decimal: Decimal | null, scale: number): bigint | null {
  if (decimal === null) return null;
  const { isNegative, digits, exponent } = decimal;
  if (digits === "") return 0n;
  if (typeof exponent === "bigint") return null;
  const zeros = exponent - scale;
  if (digits.length + zeros > SCALE_MAX) return null;
  const value = BigInt(digits + "0".repeat(zeros));
  return isNegative ? -value : value;
}
