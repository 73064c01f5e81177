import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "./errors.ts";
import { bool, integer, nullable, optional, readBody, readQuery, required, text } from "./fields.ts";
import { parseJson } from "./json.ts";

function rows(read: () => unknown): [string, (string | number)[], unknown?][] {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof InvalidInputError);
    return error.violations.map(({ type, loc, ctx }) => (ctx ? [type, [...loc], ctx] : [type, [...loc]]));
  }
  return [];
}

test("every violation of a body is one row", () => {
  const fields = {
    name: required(text({ min: 1, max: 2 })),
    isRight: required(bool),
    note: optional(nullable(text())),
  };
  assert.deepEqual(
    rows(() => readBody(fields, undefined)),
    [["missing", ["body"]]],
  );
  assert.deepEqual(
    rows(() => readBody(fields, [])),
    [["model_attributes_type", ["body"]]],
  );
  assert.deepEqual(
    rows(() => readBody(fields, { name: "", isRight: "maybe", note: 1 })),
    [
      ["string_too_short", ["body", "name"], { min_length: 1 }],
      ["bool_parsing", ["body", "isRight"]],
      ["string_type", ["body", "note"]],
    ],
  );
  assert.deepEqual(
    rows(() => readBody(fields, { name: "😀😀", isRight: "YES", note: null })),
    [],
  );
  assert.deepEqual(
    rows(() => readBody(fields, { name: "abc", isRight: null })),
    [
      ["string_too_long", ["body", "name"], { max_length: 2 }],
      ["bool_type", ["body", "isRight"]],
    ],
  );
});

test("integers: texts, whole fractions and booleans count, others are named by their kind", () => {
  const read = (value: unknown): unknown => {
    const fields = { n: required(integer({ ge: 0, le: 9 })) };
    const found = rows(() => readBody(fields, { n: value }));
    return found[0]?.[0] ?? readBody(fields, { n: value }).n;
  };
  const cases: [unknown, unknown][] = [
    [1, 1],
    ["2", 2],
    ["3.0", 3],
    [true, 1],
    [1.5, "int_from_float"],
    ["x", "int_parsing"],
    ["1.5", "int_parsing"],
    [null, "int_type"],
    [[], "int_type"],
    [-1, "greater_than_equal"],
    [10, "less_than_equal"],
  ];
  for (const [given, expected] of cases) assert.equal(read(given), expected, JSON.stringify(given));
});

test("of a repeated query parameter the last counts", () => {
  assert.equal(readQuery({ n: required(integer()) }, new URLSearchParams("n=1&n=2")).n, 2);
  assert.deepEqual(
    rows(() => readQuery({ n: required(integer()) }, new URLSearchParams())),
    [["missing", ["query", "n"]]],
  );
});

test("bodies are strict JSON in UTF-8 without a mark, and the last of two keys wins", () => {
  const parse = (bytes: string | Buffer) => parseJson(Buffer.from(bytes as string));
  for (const bad of [
    "{",
    "NaN",
    '{"a":Infinity}',
    "\ufeff{}",
    "[".repeat(501) + "]".repeat(501),
    Buffer.from([0x22, 0xff, 0x22]),
  ]) {
    assert.equal(parse(bad).kind, "invalid", String(bad));
  }
  assert.deepEqual(parse('{"a":1,"a":2}'), { kind: "json", value: { a: 2 } });
  assert.deepEqual(parse('"\\ud800"'), { kind: "json", value: "\uFFFD" });
  assert.deepEqual(parse(""), { kind: "none" });
});
