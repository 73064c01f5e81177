import assert from "node:assert/strict";
import { CANONICAL_UUID, type Json } from "../../support/index.ts";

/** A rule for one value inside an expected structure. */
export type Rule = (value: Json) => boolean;

function rule(name: string, check: Rule): Rule {
  return Object.defineProperty(check, "name", { value: name });
}

export const text = rule("text", (v) => typeof v === "string");
export const nonEmptyText = rule("non-empty text", (v) => typeof v === "string" && v.length > 0);
export const textOrNull = rule("text or null", (v) => v === null || typeof v === "string");
export const uuid = rule("canonical UUID", (v) => typeof v === "string" && CANONICAL_UUID.test(v));
export const number = rule("number", (v) => typeof v === "number");
/** ISO time with an offset, contract G3 `ts`. */
export const ts = rule(
  "time with offset",
  (v) => typeof v === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/.test(v),
);
/** ISO time without an offset, contract G3 `naive`. */
export const naive = rule(
  "time without offset",
  (v) => typeof v === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?$/.test(v),
);
/** Epoch milliseconds near now. */
export const nowMs = rule("milliseconds near now", (v) => Number.isInteger(v) && Math.abs(v - Date.now()) < 60_000);
export const near = (expected: number, epsilon: number) =>
  rule(`within ${epsilon} of ${expected}`, (v) => typeof v === "number" && Math.abs(v - expected) <= epsilon);
export const oneOf = (...values: Json[]) => rule(`one of ${JSON.stringify(values)}`, (v) => values.includes(v));

function show(value: Json): string {
  const json = JSON.stringify(value) ?? "undefined";
  return json.length > 300 ? `${json.slice(0, 300)}…` : json;
}

function problems(actual: Json, expected: Json, path: string, found: string[]): void {
  if (typeof expected === "function") {
    if (!expected(actual)) found.push(`${path}: expected ${expected.name}, got ${show(actual)}`);
    return;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return void found.push(`${path}: expected a list, got ${show(actual)}`);
    if (actual.length !== expected.length)
      found.push(`${path}: expected ${expected.length} entries, got ${actual.length}: ${show(actual)}`);
    for (let i = 0; i < Math.min(actual.length, expected.length); i++)
      problems(actual[i], expected[i], `${path}[${i}]`, found);
    return;
  }
  if (expected !== null && typeof expected === "object") {
    if (actual === null || typeof actual !== "object" || Array.isArray(actual)) {
      return void found.push(`${path}: expected an object, got ${show(actual)}`);
    }
    for (const key of Object.keys(expected)) {
      if (!Object.hasOwn(actual, key)) found.push(`${path}.${key}: missing`);
      else problems(actual[key], expected[key], `${path}.${key}`, found);
    }
    for (const key of Object.keys(actual))
      if (!Object.hasOwn(expected, key)) found.push(`${path}.${key}: not in the contract (${show(actual[key])})`);
    return;
  }
  // `==` on numbers only through Object.is with -0 folded: contract A1 `num`.
  const same =
    typeof expected === "number" && typeof actual === "number" ? expected === actual : Object.is(actual, expected);
  if (!same) found.push(`${path}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Exact comparison under the normalisers of the contract: key order and number form are free, everything else counts. */
export function match(actual: Json, expected: Json, what = "$"): void {
  const found: string[] = [];
  problems(actual, expected, what, found);
  assert.ok(found.length === 0, found.slice(0, 12).join("\n"));
}
