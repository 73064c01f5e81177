import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compareValues, convexToJson, type Value } from "convex/values";
import fc from "fast-check";
import { AFTER_ALL, compareKeys, encodeKey, keyAfter } from "./order.ts";
import { type IndexRange, intervalOf, overlaps } from "./ranges.ts";
import type { KeyInterval, TouchedKey } from "./words.ts";

const index = { table: "messages", name: "by_channel_and_author", fields: ["channel", "author"] };
type Expression = IndexRange[number];

function expression(type: Expression["type"], fieldPath: string, value: Value | undefined): Expression {
  return { type, fieldPath, value: value === undefined ? { $undefined: null } : convexToJson(value) };
}

function isWithin(key: Uint8Array, interval: { from: Uint8Array; to: Uint8Array }): boolean {
  return compareKeys(key, interval.from) >= 0 && compareKeys(key, interval.to) < 0;
}

function holds({ type }: Expression, a: Value | undefined, b: Value | undefined): boolean {
  const order = compareValues(a, b);
  if (type === "Eq") return order === 0;
  if (type === "Gt" || type === "Gte") return type === "Gt" ? order > 0 : order >= 0;
  return type === "Lt" ? order < 0 : order <= 0;
}

describe("intervalOf", () => {
  const FIELDS = ["channel", "author", "_creationTime", "_id"];
  const scalar = fc.constantFrom<(Value | undefined)[]>(
    undefined,
    null,
    0,
    1,
    2,
    3n,
    true,
    "",
    "a",
    "a\0",
    "b",
    [1],
    {},
  );
  const tuple = fc.tuple(scalar, scalar, scalar, scalar);
  const range = fc
    .tuple(
      fc.nat(4),
      tuple,
      fc.option(fc.constantFrom("Gt", "Gte")),
      fc.option(fc.constantFrom("Lt", "Lte")),
      tuple,
      fc.boolean(),
    )
    .map(([equals, values, lower, upper, edges, isLowerFirst]) => {
      const begun = FIELDS.slice(0, equals).map((path, i) => ({ type: "Eq" as const, path, value: values[i] }));
      const path = FIELDS[equals];
      if (path === undefined) return begun;
      const bounds = [
        lower === null ? [] : [{ type: lower, path, value: edges[0] }],
        upper === null ? [] : [{ type: upper, path, value: edges[1] }],
      ];
      return [...begun, ...(isLowerFirst ? bounds : bounds.reverse()).flat()];
    })
    .map((list) => list.map(({ type, path, value }) => ({ json: expression(type as "Eq", path, value), path, value })));

  test("holds exactly the keys whose fields satisfy every expression", () => {
    let inside = 0;
    fc.assert(
      fc.property(range, tuple, (expressions, fields) => {
        const interval = intervalOf(
          index,
          expressions.map(({ json }) => json),
        );
        const isExpected = expressions.every(({ json, path, value }) =>
          holds(json, fields[FIELDS.indexOf(path)], value),
        );
        if (isExpected) inside++;
        assert.equal(isWithin(encodeKey(fields), interval), isExpected);
        assert.ok(compareKeys(interval.from, interval.to) <= 0);
      }),
      { numRuns: 20_000 },
    );
    assert.ok(inside > 500, `only ${inside} keys were inside`);
  });

  test("without expressions holds the whole index, and nothing of no index", () => {
    assert.deepEqual(intervalOf(index, []), { from: new Uint8Array(0), to: AFTER_ALL });
  });

  test("a missing field is asked for with undefined, and a bound alone includes missing fields", () => {
    const missing = encodeKey([undefined, "ann", 1, "id"]);
    assert.ok(isWithin(missing, intervalOf(index, [expression("Eq", "channel", undefined)])));
    assert.ok(isWithin(missing, intervalOf(index, [expression("Lt", "channel", "general")])));
    assert.ok(!isWithin(missing, intervalOf(index, [expression("Gt", "channel", undefined)])));
  });

  test("a range that nothing can be in is empty, never turned round", () => {
    const { from, to } = intervalOf(index, [expression("Gt", "channel", "b"), expression("Lt", "channel", "a")]);
    assert.deepEqual(from, to);
  });

  test("by_creation_time takes its time and the id behind it, by_id the id alone", () => {
    const byTime = { table: "messages", name: "by_creation_time" };
    for (const fields of [[], ["_creationTime"]]) {
      const range = [expression("Eq", "_creationTime", 5), expression("Gt", "_id", "a")];
      assert.ok(isWithin(encodeKey([5, "b"]), intervalOf({ ...byTime, fields }, range)));
    }
    const byId = { table: "messages", name: "by_id", fields: ["_id"] };
    assert.ok(isWithin(encodeKey(["a"]), intervalOf(byId, [expression("Eq", "_id", "a")])));
    assert.throws(() => intervalOf(byId, [expression("Eq", "_creationTime", 1)]), /expected its field "_id" next/);
    const more = [expression("Eq", "_id", "a"), expression("Eq", "_creationTime", 1)];
    assert.throws(() => intervalOf(byId, more), /"_creationTime" comes after its last field.* in order: _id\./);
  });

  const refused: readonly [string, IndexRange, RegExp][] = [
    [
      "an equality out of order names both fields and the index",
      [expression("Eq", "author", "ann")],
      /messages\.by_channel_and_author refused: expected its field "channel" next, got "author"\. .*channel, author, _creationTime, _id/,
    ],
    [
      "a field that the index lacks",
      [expression("Eq", "channel", 1), expression("Gt", "size", 1)],
      /expected its field "author" next, got "size"/,
    ],
    [
      "the same field twice",
      [expression("Eq", "channel", 1), expression("Eq", "channel", 1)],
      /"author" next, got "channel"/,
    ],
    ["a second lower bound", [expression("Gt", "channel", 1), expression("Gte", "channel", 2)], /second lower bound/],
    ["a second upper bound", [expression("Lte", "channel", 1), expression("Lt", "channel", 2)], /second upper bound/],
    [
      "bounds on two fields",
      [expression("Gt", "channel", 1), expression("Lt", "author", 2)],
      /"author" comes after a bound on "channel"/,
    ],
    [
      "an equality behind a bound",
      [expression("Gt", "channel", 1), expression("Eq", "channel", 2)],
      /"channel" has a bound, so it cannot be compared with eq/,
    ],
    [
      "an expression behind the last field",
      [...FIELDS.map((path) => expression("Eq", path, 1)), expression("Eq", "more", 1)],
      /"more" comes after its last field/,
    ],
    ["a value that is none", [{ type: "Eq", fieldPath: "channel", value: { $undefined: 1 } }], /\$undefined/],
    [
      "an unresolved commit timestamp",
      [{ type: "Gt", fieldPath: "channel", value: { $commitTs: null } }],
      /unresolved/,
    ],
  ];
  for (const [name, range, message] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(() => intervalOf(index, range), message);
    });
  }
});

describe("overlaps", () => {
  const key = fc.uint8Array({ min: 0, max: 3, maxLength: 3 });
  const read: fc.Arbitrary<KeyInterval> = fc.record({ index: fc.nat(2), from: key, to: key });
  const touch: fc.Arbitrary<TouchedKey> = fc.record({ index: fc.nat(2), key });

  test("finds what comparing every read with every key finds", () => {
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(fc.array(read, { maxLength: 4 }), fc.array(touch, { maxLength: 12 }), (reads, touched) => {
        const isExpected = reads.some((one) =>
          touched.some(({ index, key }) => index === one.index && isWithin(key, one)),
        );
        seen[`${isExpected}`]++;
        assert.equal(overlaps(reads, touched), isExpected);
      }),
      { numRuns: 10_000 },
    );
    assert.ok(Math.min(seen.true, seen.false) > 1_000, JSON.stringify(seen));
  });

  test("a document read by its id is touched by that id alone", () => {
    const id = (text: string): Uint8Array => new TextEncoder().encode(text);
    const reads = [{ index: 0, from: id("abc"), to: keyAfter(id("abc")) }];
    assert.ok(overlaps(reads, [{ index: 0, key: id("abc") }]));
    for (const other of ["ab", "abcd", "abd"]) assert.ok(!overlaps(reads, [{ index: 0, key: id(other) }]));
    assert.ok(!overlaps(reads, [{ index: 1, key: id("abc") }]));
  });

  test("a thousand subscriptions against a commit of 50,000 keys sort its keys once", () => {
    let readings = 0;
    const touched = Array.from({ length: 50_000 }, (_, i) => ({
      get index() {
        readings++;
        return 1;
      },
      key: encodeKey([(i * 7919) % 50_000]),
    }));
    for (let i = 0; i < 1_000; i++) {
      const at = encodeKey([i + 0.5]);
      assert.ok(!overlaps([{ index: 1, from: at, to: keyAfter(at) }], touched));
      assert.ok(overlaps([{ index: 1, from: at, to: encodeKey([i + 1.5]) }], touched));
    }
    assert.equal(readings, 50_000);
  });

  test("an interval that ends where it begins is touched by nothing", () => {
    const at = encodeKey([1]);
    assert.ok(!overlaps([{ index: 1, from: at, to: at }], [{ index: 1, key: at }]));
  });
});
