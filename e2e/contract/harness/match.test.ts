import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { match, near, nonEmptyText, nowMs, oneOf, ts, uuid } from "./match.ts";

const fails = (actual: unknown, expected: unknown, words: RegExp): void =>
  assert.throws(() => match(actual, expected), words);

test("any JSON value matches itself, and nothing else of another type", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      match(structuredClone(value), value);
      match({ wrapped: [value] }, { wrapped: [value] });
      fails({ a: value }, { a: [value] }, /expected a list|entries|expected/);
    }),
  );
});

test("a missing and a surplus key are both named", () => {
  fails({ a: 1 }, { a: 1, b: null }, /\$\.b: missing/);
  fails({ a: 1, b: null }, { a: 1 }, /\$\.b: not in the contract \(null\)/);
});

test("null, absent, text and number are different things", () => {
  fails({ a: null }, { a: 0 }, /\$\.a: expected 0, got null/);
  fails({ a: "0" }, { a: 0 }, /\$\.a: expected 0, got "0"/);
  fails({ a: undefined }, { a: null }, /\$\.a/);
});

test("the order of a list counts, the order of keys does not", () => {
  fails([1, 2], [2, 1], /\$\[0\]/);
  fails([1], [1, 2], /expected 2 entries, got 1/);
  match(JSON.parse('{"b":1,"a":2}'), { a: 2, b: 1.0 });
});

test("negative zero is zero", () => match(JSON.parse("[-0]"), [0]));

test("a rule judges one value and gives its name to the failure", () => {
  match(["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05+00:00"], [ts, ts]);
  fails("2026-01-02T03:04:05", ts, /time with offset/);
  fails("", nonEmptyText, /non-empty text/);
  fails("7B2F7A1E-0000-4000-8000-000000000000", uuid, /canonical UUID/);
  fails(1.2, near(1, 0.1), /within 0.1 of 1/);
  fails("c", oneOf("a", "b"), /one of/);
  fails(5, nowMs, /milliseconds near now/);
});
