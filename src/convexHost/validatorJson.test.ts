import assert from "node:assert/strict";
import { test } from "node:test";
import { type GenericValidator, v } from "convex/values";
import { parseValidator, showValidator, type ValidatorJson } from "./validatorJson.ts";
import { showField, showValue } from "./valueForms.ts";

const jsonOf = (validator: GenericValidator) => (validator as unknown as { json: unknown }).json;
const shown = (validator: GenericValidator) => showValidator(parseValidator(jsonOf(validator), "x"));

test("every kind of validator that the package offers is known, and is shown as it is written", () => {
  const written: Readonly<Record<string, GenericValidator>> = {
    "v.null()": v.null(),
    "v.float64()": v.number(),
    "v.int64()": v.int64(),
    "v.commitTs()": v.commitTs(),
    "v.boolean()": v.boolean(),
    "v.string()": v.string(),
    "v.bytes()": v.bytes(),
    "v.any()": v.any(),
    'v.literal("a")': v.literal("a"),
    "v.literal(7n)": v.literal(7n),
    "v.literal(-0)": v.literal(-0),
    "v.literal(NaN)": v.literal(Number.NaN),
    'v.id("users")': v.id("users"),
    "v.array(v.string())": v.array(v.string()),
    'v.record(v.id("users"), v.float64())': v.record(v.id("users"), v.number()),
    "v.union(v.string(), v.null())": v.nullable(v.string()),
    "v.object({a: v.string(), b: v.optional(v.object({}))})": v.object({ a: v.string(), b: v.optional(v.object({})) }),
  };
  for (const [text, validator] of Object.entries(written)) assert.equal(shown(validator), text);
  const offered = Object.keys(v).filter((name) => !["optional", "nullable", "number", "bigint"].includes(name));
  const covered = offered.filter((name) => Object.keys(written).some((text) => text.startsWith(`v.${name}(`)));
  assert.deepEqual(covered, offered, "a new kind of validator in the package needs support here");
});

test("what is no validator is refused with its place", () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [null, /^Error: args: expected the JSON of a validator, got null/],
    [[], /expected the JSON of a validator/],
    [undefined, /expected the JSON of a validator/],
    [{ type: "set" }, /knows no validator of type "set"/],
    [{ type: "toString" }, /knows no validator of type "toString"/],
    [{ type: "id" }, /v\.id\(\) has no table name/],
    [{ type: "literal", value: null }, /v\.literal\(\) takes/],
    [{ type: "literal" }, /v\.literal\(\) takes/],
    [{ type: "literal", value: { a: 1 } }, /v\.literal\(\) takes/],
    [{ type: "union", value: {} }, /has no list of members/],
    [{ type: "array", value: { type: "map" } }, /^Error: args\[\]: .*"map"/],
    [{ type: "record", keys: { type: "number" }, values: { fieldType: { type: "any" } } }, /keys of v\.record\(\)/],
    [{ type: "record", keys: { type: "string" }, values: {} }, /^Error: args\.\*: expected the JSON/],
    [{ type: "object", value: { a: { fieldType: { type: "any" } } } }, /^Error: args\.a: expected "optional"/],
    [{ type: "object", value: { a: { optional: true, fieldType: { type: "x" } } } }, /^Error: args\.a: .*"x"/],
    [{ type: "object", value: { $a: { optional: true, fieldType: { type: "any" } } } }, /not a field name/],
  ];
  for (const [json, message] of refused) assert.throws(() => parseValidator(json, "args"), message);
});

test("record keys may be a union of strings and ids", () => {
  const keys = { type: "union", value: [{ type: "id", tableName: "a" }, { type: "string" }] };
  const record = { type: "record", keys, values: { fieldType: { type: "any" }, optional: false } };
  assert.equal(parseValidator(record, "x"), record);
  const odd = { ...record, keys: { type: "union", value: [{ type: "null" }] } };
  assert.throws(() => parseValidator(odd, "x"), /keys of v\.record\(\)/);
});

test("a validator too deep to walk is refused", () => {
  let json: unknown = { type: "any" };
  for (let level = 0; level < 100_000; level++) json = { type: "array", value: json };
  assert.throws(() => parseValidator(json, "x"), /nest at most 64 deep/);
});

test("a long validator is cut", () => {
  const fields = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field${index}`, v.string()]));
  const text = showValidator(jsonOf(v.object(fields)) as ValidatorJson, 50);
  assert.equal(text, `v.object({field0: v.string(), field1: v.string(), …`);
});

test("values are shown so that what JSON mixes up is told apart", () => {
  const value = { a: 1n, "b c": [-0, Number.NaN, undefined, new ArrayBuffer(2)], d: "x\n", e: new Date(0), f: () => 1 };
  assert.equal(
    showValue(value),
    '{a: 1n, "b c": [-0, NaN, undefined, <2 bytes>], d: "x\\n", e: <Date>, f: <function>}',
  );
});

test("a long text behind a long name is cut too", () => {
  assert.ok(showValue({ ["n".repeat(70)]: "y".repeat(1_000_000) }, 40).length < 100);
});

test("a cyclic value can be shown", () => {
  const value: unknown[] = [];
  value.push(value);
  assert.match(showValue(value), /^\[+…\]+$/);
});

test("steps of a path are shown as code", () => {
  assert.deepEqual(["a", "_id", "a b", "", "1a", 3].map(showField), [".a", "._id", '["a b"]', '[""]', '["1a"]', "[3]"]);
});
