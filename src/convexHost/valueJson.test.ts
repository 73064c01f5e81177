import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitTsPlaceholder, convexToJson, type JSONValue, type Value } from "convex/values";
import fc from "fast-check";
import { parseValue } from "./valueJson.ts";

const FROM_OUTSIDE = { allowsCommitTs: false };
const read = (text: string) => parseValue(JSON.parse(text) as JSONValue, FROM_OUTSIDE);
const nested = (levels: number): JSONValue => {
  let json: JSONValue = null;
  for (let level = 0; level < levels; level++) json = level % 2 === 0 ? [json] : { a: json };
  return json;
};

test("every value comes back from its JSON as it was, the odd numbers too", () => {
  const values = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, true, false, Number.NaN, -0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.string({ unit: "grapheme" }),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.slice().buffer),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^[a-z][ -~]{0,6}$/), tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value;
  fc.assert(
    fc.property(values, (value) => {
      assert.deepEqual(read(JSON.stringify(convexToJson(value))), value);
    }),
  );
});

test("64 levels are read, 65 and a hundred thousand are refused without using up the stack", () => {
  parseValue(nested(64), FROM_OUTSIDE);
  assert.throws(() => parseValue(nested(65), FROM_OUTSIDE), /nests deeper than 64/);
  assert.throws(() => read("[".repeat(100_000) + "]".repeat(100_000)), /nests deeper than 64/);
});

test("keys with $ that mean nothing are refused, alone and beside others", () => {
  assert.throws(() => read('{"$date":"2026"}'), /\$date/);
  assert.throws(() => read('{"a":[{"$integer":"AAAAAAAAAAA=","b":1}]}'), /\$integer/);
  assert.throws(() => read('{"$undefined":null}'), /\$undefined/);
});

test("malformed $integer, $float and $bytes are refused", () => {
  assert.throws(() => read('{"$integer":"AA=="}'), /expected 8/);
  assert.throws(() => read('{"$integer":7}'), /Malformed/);
  assert.throws(() => read('{"$float":"AAAAAAAA8D8="}'), /should be encoded as a number/);
  assert.throws(() => read('{"$bytes":"A"}'));
});

test("__proto__ is refused: it would become fields that nobody checked", () => {
  assert.throws(() => read('{"a":{"__proto__":{"isAdmin":true}}}'), /__proto__/);
  assert.throws(() => read('{"__proto__":1}'), /__proto__/);
});

test("a string with half a surrogate pair is refused, a whole pair is read", () => {
  assert.throws(() => read('{"a":"\\ud83d"}'), /surrogate/);
  assert.deepEqual(read('"\\ud83d\\ude00"'), "😀");
});

test("the commit timestamp is refused from outside and understood inside a transaction", () => {
  const json = { at: [{ $commitTs: null }] };
  assert.throws(() => parseValue(json, FROM_OUTSIDE), /db\.vars\.commitTs/);
  const value = parseValue(json, { allowsCommitTs: true }) as { at: Value[] };
  assert.ok(value.at[0] instanceof CommitTsPlaceholder);
});
