import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import { CommitTsPlaceholder, type GenericValidator, type JSONValue, jsonToConvex, v, type Value } from "convex/values";
import fc from "fast-check";
import { checkValue, parseValidator, showValidator, type ValidatorJson } from "./validate.ts";
import { showValue } from "./valueForms.ts";

const COMMIT_TS = jsonToConvex({ $commitTs: null });
/** Ids of this test: "table:anything". */
const tableOf = (id: string) => (id.includes(":") ? (id.split(":")[0] ?? null) : null);
const jsonOf = (validator: GenericValidator) =>
  parseValidator((validator as unknown as { json: unknown }).json, "test validator");
const check = (validator: GenericValidator, value: Value | undefined) => checkValue(jsonOf(validator), value, tableOf);

function problemOf(validator: GenericValidator, value: Value | undefined): string {
  return check(validator, value) ?? assert.fail(`expected ${showValue(value)} to be refused`);
}

test("each scalar validator takes its own values and no others", () => {
  const samples: readonly (readonly [string, Value | undefined])[] = [
    ["null", null],
    ["number", 1.5],
    ["number", Number.NaN],
    ["number", -0],
    ["number", Number.NEGATIVE_INFINITY],
    ["int64", 5n],
    ["int64", -(2n ** 63n)],
    ["int64", COMMIT_TS],
    ["boolean", false],
    ["string", ""],
    ["bytes", new ArrayBuffer(3)],
    ["array", []],
    ["object", {}],
    ["undefined", undefined],
    ["too large", 2n ** 63n],
  ];
  const accepts: readonly (readonly [GenericValidator, readonly string[]])[] = [
    [v.null(), ["null"]],
    [v.number(), ["number"]],
    [v.float64(), ["number"]],
    [v.int64(), ["int64"]],
    [v.bigint(), ["int64"]],
    [v.commitTs(), ["int64"]],
    [v.boolean(), ["boolean"]],
    [v.string(), ["string"]],
    [v.bytes(), ["bytes"]],
    [v.array(v.null()), ["array"]],
    [v.object({}), ["object"]],
    [v.record(v.string(), v.null()), ["object"]],
    [v.any(), samples.map(([kind]) => kind).filter((kind) => kind !== "undefined")],
    [v.union(), []],
  ];
  for (const [validator, kinds] of accepts) {
    for (const [kind, value] of samples) {
      const message = `${showValidator(jsonOf(validator))} and ${kind}`;
      assert.equal(check(validator, value) === null, kinds.includes(kind), message);
    }
  }
});

test("v.commitTs() takes an int64 and the placeholder, and so does v.int64(), which it becomes", () => {
  assert.ok(COMMIT_TS instanceof CommitTsPlaceholder);
  for (const validator of [v.commitTs(), v.int64(), v.union(v.null(), v.commitTs())]) {
    assert.equal(check(validator, COMMIT_TS), null);
    assert.equal(check(validator, 1_700_000_000_000_000_000n), null);
    assert.notEqual(check(validator, 1_700_000_000), null);
  }
  assert.match(problemOf(v.string(), COMMIT_TS), /Value: db\.vars\.commitTs\nValidator: v\.string\(\)/);
});

test("a literal is itself only", () => {
  for (const literal of ["a", "", 1, 0, -0, Number.NaN, Number.POSITIVE_INFINITY, 7n, true, false]) {
    const validator = v.literal(literal);
    assert.equal(check(validator, literal), null, showValue(literal));
    for (const other of ["b", 2, 8n, null, [], {}]) assert.notEqual(check(validator, other), null);
    assert.equal(check(validator, true) === null, literal === true);
  }
  assert.match(problemOf(v.literal(7n), 7), /Value: 7\nValidator: v\.literal\(7n\)/);
});

test("an id must be of its table, and the message says of which it is", () => {
  assert.equal(check(v.id("users"), "users:1"), null);
  assert.match(
    problemOf(v.id("users"), "teams:1"),
    /^An id of table "teams"\.\nValue: "teams:1"\nValidator: v\.id\("users"\)$/,
  );
  assert.match(problemOf(v.id("users"), "hello"), /^Not an id of any table here\./);
  assert.match(problemOf(v.id("users"), 4), /^Value does not match validator\./);
  assert.equal(check(v.id("_storage"), "_storage:1"), null);
});

test("an object has its fields, no others, and may lack the optional ones", () => {
  const person = v.object({ name: v.string(), age: v.optional(v.number()) });
  assert.equal(check(person, { name: "Ada" }), null);
  assert.equal(check(person, { name: "Ada", age: 36 }), null);
  assert.equal(check(person, { name: "Ada", age: undefined, nick: undefined }), null);
  assert.match(problemOf(person, { age: 36 }), /^Object is missing the required field `name`\.\nValue: {age: 36}\n/);
  assert.match(
    problemOf(person, { name: "Ada", age: null }),
    /^Value does not match validator\.\nPath: \.age\nValue: null/,
  );
  assert.match(
    problemOf(person, { name: "Ada", nick: 1 }),
    /^Object contains extra field `nick` that is not in the validator\./,
  );
});

test("an inherited name is neither a field nor in the validator", () => {
  assert.match(problemOf(v.object({ constructor: v.any() }), {}), /missing the required field `constructor`/);
  assert.match(problemOf(v.object({}), { toString: 1 }), /extra field `toString`/);
  const inherited: readonly object[] = [
    { role: "admin" },
    { role: "admin", hasOwnProperty: "mine" },
    Object.assign(Object.create(null) as object, { role: "admin" }),
  ];
  for (const prototype of inherited) {
    const polluted = Object.create(prototype) as Record<string, Value>;
    assert.notEqual(check(v.object({ role: v.optional(v.string()) }), polluted), null);
    assert.notEqual(check(v.record(v.string(), v.string()), polluted), null);
  }
});

test("a plain object of another realm is an object; a date, a map and a class instance are not", () => {
  const foreign = vm.runInNewContext("({ a: 1 })") as Record<string, Value>;
  assert.equal(check(v.object({ a: v.number() }), foreign), null);
  assert.equal(check(v.object({}), Object.create(null) as Record<string, Value>), null);
  class Point {}
  for (const odd of [new Date(0), new Map(), new Point(), () => 1]) {
    assert.notEqual(check(v.object({}), odd as unknown as Value), null);
    assert.notEqual(check(v.record(v.string(), v.any()), odd as unknown as Value), null);
  }
});

test("a record checks its keys and its values, each with its path", () => {
  const scores = v.record(v.id("users"), v.number());
  assert.equal(check(scores, {}), null);
  assert.equal(check(scores, { "users:1": 1, "users:2": 2 }), null);
  assert.match(
    problemOf(scores, { "users:1": 1, "teams:1": 2 }),
    /^The key: An id of table "teams"\.\nPath: \["teams:1"\]/,
  );
  assert.match(problemOf(scores, { "users:1": "x" }), /Path: \["users:1"\]\nValue: "x"\nValidator: v\.float64\(\)/);
  const text = v.record(v.string(), v.any());
  for (const key of ["", "_a", "$a", "é", "a\n", "x".repeat(1_025)]) {
    assert.match(problemOf(text, { [key]: 1 }), /Field name .* is not allowed: expected 1 to 1024 printable ASCII/);
  }
  assert.equal(check(text, { "a b~!": 1, _id: 2 }), null);
});

test("the path leads to the place, through arrays, objects and records", () => {
  const validator = v.object({ rows: v.array(v.object({ "odd name": v.record(v.string(), v.array(v.boolean())) })) });
  const value = { rows: [{ "odd name": {} }, { "odd name": { a: [true], b: [true, false, 0] } }] };
  assert.equal(
    problemOf(validator, value),
    'Value does not match validator.\nPath: .rows[1]["odd name"].b[2]\nValue: 0\nValidator: v.boolean()',
  );
});

test("a union takes what one of its members takes", () => {
  const validator = v.union(v.string(), v.null(), v.array(v.number()));
  for (const value of ["a", null, [1, 2]]) assert.equal(check(validator, value), null);
  assert.match(
    problemOf(validator, 5),
    /Value: 5\nValidator: v\.union\(v\.string\(\), v\.null\(\), v\.array\(v\.float64\(\)\)\)/,
  );
});

test("when one member of a union is meant, the message is about what is wrong inside it", () => {
  const validator = v.union(
    v.object({ kind: v.literal("text"), body: v.string() }),
    v.object({ kind: v.literal("image"), width: v.number(), height: v.number() }),
    v.null(),
  );
  assert.match(problemOf(validator, { kind: "image", width: 1 }), /missing the required field `height`/);
  assert.match(problemOf(validator, { kind: "text", body: 1 }), /Path: \.body\nValue: 1\nValidator: v\.string\(\)/);
  assert.match(problemOf(validator, { kind: "video" }), /Validator: v\.union\(v\.object/);
  assert.match(problemOf(v.union(v.id("users"), v.null()), "teams:1"), /An id of table "teams"/);
  assert.match(
    problemOf(v.union(v.id("users"), v.literal("me")), "you"),
    /Validator: v\.union\(v\.id\("users"\), v\.literal\("me"\)\)/,
  );
});

test("deep unions are checked once each, not once per level again", () => {
  let validator: GenericValidator = v.object({ a: v.string() });
  let value: Value = { a: 1 };
  for (let level = 0; level < 30; level++) {
    validator = v.object({ a: v.union(v.null(), validator) });
    value = { a: value };
  }
  const path = ".a".repeat(31);
  assert.match(problemOf(validator, value), new RegExp(`Path: ${path}\nValue: 1\nValidator: v.string`));
});

test("a message is short however large the value and the validator are", () => {
  const rows = Array.from({ length: 200_000 }, (_, index) => ({ index, text: "x".repeat(40) }));
  const wide = v.union(...Array.from({ length: 500 }, (_, index) => v.literal(`choice ${index}`)));
  assert.ok(problemOf(v.string(), rows).length < 400);
  assert.ok(problemOf(v.string(), [rows, "y".repeat(1_000_000)]).length < 400);
  assert.ok(problemOf(v.number(), "y".repeat(1_000_000)).length < 400);
  assert.ok(problemOf(wide, "other").length < 600);
  const name = "n".repeat(100_000);
  assert.ok(problemOf(v.object({}), { [name]: name }).length < 500);
  assert.ok(problemOf(v.object({ [name.slice(0, 1_000)]: v.string() }), { [name.slice(0, 1_000)]: 1 }).length < 500);
});

const SCALARS = {
  null: () => fc.constant(null),
  number: () => fc.double(),
  bigint: () => fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  commitTs: () => fc.constantFrom(COMMIT_TS, 1n),
  boolean: () => fc.boolean(),
  string: () => fc.string(),
  bytes: () => fc.uint8Array({ maxLength: 8 }).map((bytes) => bytes.slice().buffer),
  any: () => fc.constantFrom<Value>(null, 1, "a", [1n], { a: {} }),
} as const satisfies Record<string, () => fc.Arbitrary<Value>>;

const fieldName = fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,5}$/);
const validators = fc.letrec<{ one: ValidatorJson; strict: ValidatorJson }>((tie) => ({
  one: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("strict"),
    fc.constant<ValidatorJson>({ type: "any" }),
    fc.array(tie("one"), { minLength: 1, maxLength: 3 }).map((value): ValidatorJson => ({ type: "union", value })),
  ),
  strict: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc
      .constantFrom(...Object.keys(SCALARS).filter((type) => type !== "any"))
      .map((type) => ({ type }) as ValidatorJson),
    fc
      .constantFrom<JSONValue>("a", 2, true, { $integer: "BwAAAAAAAAA=" })
      .map((value): ValidatorJson => ({ type: "literal", value })),
    fc.constantFrom("users", "teams").map((tableName): ValidatorJson => ({ type: "id", tableName })),
    tie("strict").map((value): ValidatorJson => ({ type: "array", value })),
    tie("strict").map(
      (fieldType): ValidatorJson => ({
        type: "record",
        keys: { type: "string" },
        values: { fieldType, optional: false },
      }),
    ),
    fc
      .dictionary(fieldName, fc.record({ fieldType: tie("strict"), optional: fc.boolean() }), { maxKeys: 4 })
      .map((value): ValidatorJson => ({ type: "object", value })),
  ),
}));

/** Values that a validator must take, made from its meaning and not from the code under test. */
function valuesOf(validator: ValidatorJson): fc.Arbitrary<Value> {
  switch (validator.type) {
    case "literal":
      return fc.constant(jsonToConvex(validator.value));
    case "id":
      return fc.nat(9).map((index) => `${validator.tableName}:${index}`);
    case "array":
      return fc.array(valuesOf(validator.value), { maxLength: 3 });
    case "union":
      return fc.oneof(...validator.value.map(valuesOf));
    case "record":
      return fc.dictionary(fieldName, valuesOf(validator.values.fieldType), { maxKeys: 3 });
    case "object": {
      const fields = Object.entries(validator.value);
      const requiredKeys = fields.filter(([, field]) => !field.optional).map(([name]) => name);
      return fc.record(Object.fromEntries(fields.map(([name, field]) => [name, valuesOf(field.fieldType)])), {
        requiredKeys,
      });
    }
    default:
      return SCALARS[validator.type]();
  }
}

test("whatever a validator means is taken", () => {
  const pairs = validators.one.chain((validator) => valuesOf(validator).map((value) => ({ validator, value })));
  fc.assert(
    fc.property(pairs, ({ validator, value }) => {
      assert.equal(checkValue(parseValidator(validator, "made"), value, tableOf), null);
    }),
    { numRuns: 500 },
  );
});

/** Every place inside `value`, itself included, as the path a message shows. */
function placesOf(value: Value, path = ""): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item, index) => placesOf(item, `${path}[${index}]`))];
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return [path];
  if (value instanceof CommitTsPlaceholder) return [path];
  return [path, ...Object.entries(value).flatMap(([name, item]) => placesOf(item ?? null, `${path}.${name}`))];
}

function spoiled(value: Value, place: string, path = ""): Value {
  // No validator of a generated value takes a function; JavaScript may hand one in all the same.
  if (path === place) return (() => "spoiled") as unknown as Value;
  if (Array.isArray(value)) return value.map((item, index) => spoiled(item, place, `${path}[${index}]`));
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return value;
  if (value instanceof CommitTsPlaceholder) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, spoiled(item ?? null, place, `${path}.${name}`)]),
  );
}

test("one wrong place anywhere is found, and the path names it", () => {
  const cases = validators.strict.chain((validator) =>
    valuesOf(validator).chain((value) =>
      fc.constantFrom(...placesOf(value)).map((place) => ({ validator, place, value: spoiled(value, place) })),
    ),
  );
  fc.assert(
    fc.property(cases, ({ validator, place, value }) => {
      const lines = checkValue(validator, value, tableOf)?.split("\n");
      assert.ok(lines, "expected a message");
      assert.deepEqual(
        lines.filter((line) => line.startsWith("Path: ")),
        place === "" ? [] : [`Path: ${place}`],
      );
      assert.ok(lines.includes("Value: <function>"));
    }),
    { numRuns: 500 },
  );
});
