import assert from "node:assert/strict";
import { test } from "node:test";
import { convexToJson, type JSONValue, type Value } from "convex/values";
import fc from "fast-check";
import { toPlainJson } from "./plainJson.ts";

test("int64, bytes and floats that JSON has no number for become text", () => {
  const value: Value = {
    big: 2n ** 62n,
    negative: -7n,
    bytes: Uint8Array.from([1, 2, 255]).buffer,
    floats: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1.5],
    deep: [{ n: 1n }],
  };
  assert.deepEqual(toPlainJson(convexToJson(value)), {
    big: "4611686018427387904",
    negative: "-7",
    bytes: "AQL/",
    floats: ["NaN", "Infinity", "-Infinity", "-0", 0, 1.5],
    deep: [{ n: "1" }],
  });
});

test("a field called __proto__ stays a field", () => {
  const plain = toPlainJson(JSON.parse('{"__proto__":{"$integer":"AQAAAAAAAAA="}}') as JSONValue);
  assert.equal(JSON.stringify(plain), '{"__proto__":"1"}');
});

test("values that JSON has are the same in both forms", () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.string(),
      fc.integer(),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(name, tie("value"), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  fc.assert(
    fc.property(json, (value) => {
      assert.deepEqual(toPlainJson(convexToJson(value as Value)), value);
    }),
  );
});
