import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonToConvex, type Value } from "convex/values";
import fc from "fast-check";
import { checkDocumentShape } from "./validate.ts";

function problemOf(value: Value): string {
  return checkDocumentShape(value) ?? assert.fail("expected a problem");
}
function nested(levels: number, innermost: Value, isArray: (level: number) => boolean): Value {
  let value = innermost;
  for (let level = levels; level >= 2; level--) value = isArray(level) ? [value] : { a: value };
  return { a: value };
}
const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, index]));

test("a document of every kind of value is fine", () => {
  const document = {
    text: "héllo 😀",
    odd: [Number.NaN, -0, 1n, null, true, new ArrayBuffer(4)],
    at: jsonToConvex({ $commitTs: null }),
    left: undefined,
    "a b": {},
  };
  assert.equal(checkDocumentShape(document as unknown as Value), null);
});

test("only an object is a document", () => {
  for (const value of [null, 1, "a", [], new ArrayBuffer(0), jsonToConvex({ $commitTs: null })]) {
    assert.match(problemOf(value), /^A document must be an object, got /);
  }
});

test("16 levels of objects and arrays are fine, 17 are not", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 18, maxLength: 18 }), (isArray) => {
      const of = (levels: number) => nested(levels, "leaf", (level) => isArray[level] === true);
      assert.equal(checkDocumentShape(of(16)), null);
      assert.match(problemOf(of(17)), /^Document nests deeper than 16 levels of objects and arrays\nPath: /);
    }),
  );
  assert.match(problemOf(nested(17, {}, () => false)), new RegExp(`Path: ${"\\.a".repeat(16)}$`));
});

test("1,024 fields are fine in each object, one more is not; system fields of the document do not count", () => {
  assert.equal(checkDocumentShape({ ...fields(1_024), _id: "x", _creationTime: 1 }), null);
  assert.equal(checkDocumentShape({ a: fields(1_024), b: fields(1_024) }), null);
  assert.equal(checkDocumentShape({ ...fields(1_024), none: undefined }), null);
  assert.equal(problemOf(fields(1_025)), "Object has 1025 fields, at most 1024 allowed");
  assert.equal(problemOf({ a: [fields(1_025)] }), "Object has 1025 fields, at most 1024 allowed\nPath: .a[0]");
});

test("8,192 elements are fine, one more is not", () => {
  assert.equal(checkDocumentShape({ a: Array.from({ length: 8_192 }, () => 0) }), null);
  const long = Array.from({ length: 8_193 }, () => 0);
  assert.equal(problemOf({ a: { b: long } }), "Array has 8193 elements, at most 8192 allowed\nPath: .a.b");
});

test("field names are non-empty printable ASCII without a leading $ or _, at every level", () => {
  for (const name of ["", "$a", "_a", "__id", "_ID", "é", "a\tb", "a\u007f", "x".repeat(1_025)]) {
    assert.match(
      problemOf({ [name]: 1 }),
      /^Field name ".*"…? is not allowed: expected 1 to 1024 printable ASCII characters, .*\.$/,
    );
    assert.match(problemOf({ a: [{ [name]: 1 }] }), /\nPath: \.a\[0\]$/);
  }
  for (const name of ["a", "A_", "a$", "0", " ", "a.b", "~", "x".repeat(1_024), "_id", "_creationTime"]) {
    assert.equal(checkDocumentShape({ [name]: 1, inside: { [name]: 1 } }), null, name);
  }
});

test("what the file could not give back is refused: half characters, large bigints, holes, foreign objects", () => {
  assert.match(problemOf({ a: "x\ud83d" }), /half a surrogate pair.*\nPath: \.a$/);
  assert.match(problemOf({ a: [2n ** 63n] }), /does not fit into an int64\nPath: \.a\[0\]$/);
  const hole: unknown = undefined;
  assert.match(problemOf({ a: [hole as Value] }), /^undefined cannot be stored\nPath: \.a\[0\]$/);
  assert.match(problemOf({ a: new Date(0) as unknown as Value }), /^<Date> cannot be stored\nPath: \.a$/);
  assert.match(problemOf({ a: (() => 1) as unknown as Value }), /^<function> cannot be stored/);
});

test("a cyclic document is too deep, not an endless walk", () => {
  const document: Record<string, Value> = {};
  document["self"] = document;
  assert.match(problemOf(document), /nests deeper than 16/);
});
