import assert from "node:assert/strict";
import { test } from "node:test";
import { compareValues, convexToJson, type JSONValue, type Value } from "convex/values";
import fc from "fast-check";
import { compileFilter } from "./filterExpressions.ts";
import { fieldAt } from "./storedJson.ts";

const document = { _id: "id", _creationTime: 1, n: 3, big: 5n, name: "ada", tags: ["a"], isOpen: true, at: { x: 1 } };
const keeps = (expression: JSONValue) => compileFilter(expression)((path) => fieldAt(document, path));
const literal = (value: Value) => ({ $literal: convexToJson(value) });
const field = (path: string) => ({ $field: path });

test("compares any two values in the order of all values, missing fields before all others", () => {
  assert.ok(keeps({ $eq: [field("n"), literal(3)] }));
  assert.ok(!keeps({ $eq: [field("n"), literal(3n)] }));
  assert.ok(keeps({ $eq: [field("tags"), literal(["a"])] }));
  assert.ok(keeps({ $eq: [field("gone"), { $literal: { $undefined: null } }] }));
  assert.ok(keeps({ $lt: [field("gone"), literal(null)] }));
  assert.ok(keeps({ $neq: [field("at.x"), field("n")] }));
});

test("agrees with compareValues on all six comparisons", () => {
  const values = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: -9n, max: 9n }),
  );
  const expected: Record<string, (order: number) => boolean> = {
    $eq: (order) => order === 0,
    $neq: (order) => order !== 0,
    $lt: (order) => order < 0,
    $lte: (order) => order <= 0,
    $gt: (order) => order > 0,
    $gte: (order) => order >= 0,
  };
  fc.assert(
    fc.property(values, values, fc.constantFrom(...Object.keys(expected)), (a, b, operator) => {
      assert.equal(keeps({ [operator]: [literal(a), literal(b)] }), expected[operator]?.(compareValues(a, b)));
    }),
  );
});

test("calculates with two numbers or two int64s, which wrap around as 64 bits do", () => {
  assert.ok(keeps({ $eq: [{ $add: [field("n"), literal(1)] }, literal(4)] }));
  assert.ok(keeps({ $eq: [{ $sub: [field("big"), literal(6n)] }, literal(-1n)] }));
  assert.ok(keeps({ $eq: [{ $mul: [literal(2n ** 62n), literal(2n)] }, literal(-(2n ** 63n))] }));
  assert.ok(keeps({ $eq: [{ $div: [field("big"), literal(2n)] }, literal(2n)] }));
  assert.ok(keeps({ $eq: [{ $mod: [field("n"), literal(2)] }, literal(1)] }));
  assert.ok(keeps({ $eq: [{ $neg: field("n") }, literal(-3)] }));
  assert.throws(
    () => keeps({ $eq: [{ $add: [field("n"), field("big")] }, literal(4)] }),
    /q\.add: expected two numbers or two int64s, got 3 and 5n/,
  );
  assert.throws(() => keeps({ $eq: [{ $neg: field("name") }, literal(4)] }), /q\.neg: expected a number/);
});

test("combines with and, or, not, and looks no further than it must", () => {
  const bad = { $eq: [{ $neg: field("name") }, literal(1)] };
  assert.ok(keeps({ $or: [field("isOpen"), bad] }));
  assert.ok(!keeps({ $and: [{ $not: field("isOpen") }, bad] }));
  assert.ok(keeps({ $and: [] }));
  assert.ok(!keeps({ $or: [] }));
});

test("refuses what gives no boolean and what is no filter, saying what was expected", () => {
  assert.throws(() => keeps(field("n")), /a filter must give true or false, got 3/);
  assert.throws(() => keeps({ $not: field("n") }), /q\.not must give true or false/);
  assert.throws(() => keeps({ $and: [field("n")] }), /q\.and must give true or false/);
  assert.throws(() => compileFilter({ $nothing: [] }), /unknown filter operator "\$nothing"/);
  assert.throws(() => compileFilter({ constructor: [] }), /unknown filter operator "constructor"/);
  assert.throws(() => compileFilter({ $eq: [literal(1)] }), /q\.eq: expected two operands/);
  assert.throws(() => compileFilter(null), /expected a filter expression/);
  const deep = Array.from({ length: 400 }).reduce<JSONValue>((inner) => ({ $not: inner }), field("isOpen"));
  assert.throws(() => compileFilter(deep), /nests deeper than 256/);
});
