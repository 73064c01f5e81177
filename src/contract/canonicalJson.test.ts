import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "./canonicalJson.ts";
import { JSON_DEPTH_MAX } from "./constants.ts";

test("numbers have node's own form", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
      assert.equal(canonicalJson(x), JSON.stringify(x));
    }),
  );
  assert.deepEqual([-0, 1.0, 1e21, 1e-7, 1 / 3, 5e-324].map(canonicalJson), [
    "0",
    "1",
    "1e+21",
    "1e-7",
    "0.3333333333333333",
    "5e-324",
  ]);
});

test("the text parses back to the same value and never depends on key order", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = canonicalJson(value);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(reversed(value)), text);
    }),
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, reversed(item)]);
  return Object.fromEntries(entries.reverse());
}

test("keys are sorted by UTF-16 code unit, also where code points order otherwise", () => {
  // RFC 8785 §3.2.3: U+1F600 starts with D83D, which is below FB33.
  const value = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    "1": 4,
    "\u{1f600}": 5,
    "\u0080": 6,
    "\u00f6": 7,
    "10": 8,
    "2": 9,
  };
  const keys = Object.keys(JSON.parse(canonicalJson(value)) as object).filter((key) => !/^\d+$/.test(key));
  assert.deepEqual(keys, ["\r", "\u0080", "\u00f6", "\u20ac", "\u{1f600}", "\ufb33"]);
  assert.ok(canonicalJson(value).startsWith('{"\\r":2,"1":4,"10":8,"2":9,'));
});

test("escapes are minimal and other characters stand for themselves", () => {
  assert.equal(canonicalJson('\u0000\b\t\n\f\r"\\/\u007f\u2028é😀'), '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\u007f\u2028é😀"');
});

test("lone surrogates become U+FFFD in texts and keys, and of keys that meet the last wins", () => {
  assert.equal(canonicalJson(["\ud800", "a\udc00b", "😀"]), '["\ufffd","a\ufffdb","😀"]');
  assert.equal(canonicalJson({ "\ud800": 1, "\udbff": 2 }), '{"\ufffd":2}');
});

test("a key named __proto__ is data", () => {
  assert.equal(canonicalJson(JSON.parse('{"__proto__":{"b":1,"a":2}}')), '{"__proto__":{"a":2,"b":1}}');
});

test("what JSON cannot say is refused, undefined members included", () => {
  for (const value of [undefined, Number.NaN, Infinity, 1n, () => 1, { a: undefined }, [undefined], Symbol("s")]) {
    assert.throws(() => canonicalJson(value), TypeError);
  }
});

test("nesting beyond the limit is refused by name", () => {
  const nest = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  assert.equal(canonicalJson(nest(JSON_DEPTH_MAX)).length, 2 * JSON_DEPTH_MAX);
  assert.throws(() => canonicalJson(nest(JSON_DEPTH_MAX * 100)), RangeError);
});
