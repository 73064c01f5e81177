import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { areNumbersEqual, areNumbersNear, canonicalNumber } from "./decimal.ts";
import { JSON_LIMITS, readJson } from "./reader.ts";
import { JsonNumber, type JsonValue } from "./values.ts";

function read(body: string | Uint8Array): JsonValue {
  const reading = readJson(body);
  assert.ok("value" in reading, JSON.stringify(reading));
  return reading.value;
}

function plain(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).map(([key, item]) => [key, plain(item)] as const);
  return Object.fromEntries(members);
}

test("reads whatever JSON.stringify writes, with and without blanks", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(plain(read(text)), JSON.parse(text));
      assert.deepEqual(plain(read(Buffer.from(text))), JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test("takes what JSON.parse takes and refuses what it refuses, Python's numbers apart", () => {
  const letters = fc.constantFrom(...'{}[]:,"\\ \n019.eE+-truefalsnu\u00e9\u0001'.split(""));
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: 12 }).map((all) => all.join("")),
      (text) => {
        const reading = readJson(text);
        try {
          assert.deepEqual("value" in reading && plain(reading.value), JSON.parse(text));
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          assert.ok("undecodable" in reading, `${text} was read as ${JSON.stringify(reading)}`);
        }
      },
    ),
    { numRuns: 20_000 },
  );
});

test("keeps the text of every number that a float could change", () => {
  assert.deepEqual(read("[1, -12, 999999999999999]"), [1, -12, 999_999_999_999_999]);
  for (const text of ["1.0", "-0", "1e5", "9007199254740993", "0.1"]) {
    assert.deepEqual(read(text), new JsonNumber(text));
  }
});

test("NaN and Infinity are read and noted", () => {
  const reading = readJson('{"a": NaN, "b": [-Infinity, Infinity]}');
  assert.ok("value" in reading);
  assert.ok(reading.notes.has("invalid-number"));
  assert.deepEqual(reading.value, {
    a: new JsonNumber("NaN"),
    b: [new JsonNumber("-Infinity"), new JsonNumber("Infinity")],
  });
});

test("a key that comes twice is noted, the last counts; __proto__ is a key like any other", () => {
  const reading = readJson('{"a":1,"a":2,"__proto__":{"x":3}}');
  assert.ok("value" in reading);
  assert.ok(reading.notes.has("duplicate-key"));
  assert.deepEqual(Object.keys(reading.value as object), ["a", "__proto__"]);
  assert.equal(Object.getPrototypeOf(reading.value), Object.prototype);
});

test("objects of nearly one shape are read as each is written, and keys that come twice are seen", () => {
  const key = fc.constantFrom("a", "ab", "abc", "b", "__proto__", "a\\u0062", "\\u0061bc");
  const object = fc.array(fc.tuple(key, fc.constantFrom("1", "[]", '{"a":{}}', '{"ab":2,"a":1}')), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(object, { maxLength: 6 }), (objects) => {
      const writtenOf = (members: readonly (readonly [string, string])[]): string =>
        `{${members.map(([name, value]) => `"${name}":${value}`).join()}}`;
      const text = `[${objects.map(writtenOf).join()}]`;
      const reading = readJson(text);
      assert.ok("value" in reading);
      assert.deepEqual(plain(reading.value), JSON.parse(text));
      const names = objects.map((members) => members.map(([name]) => JSON.parse(`"${name}"`) as string));
      const isTwice = names.some((all) => new Set(all).size < all.length);
      assert.equal(reading.notes.has("duplicate-key"), isTwice);
    }),
    { numRuns: 3_000 },
  );
});

test("an escaped key is what it says, where JSON.parse now and then takes it for a backslash (nodejs/node#63785)", () => {
  for (const key of ["~", '"', "\\", "\0", "\ud800", "a"]) {
    const escaped = `\\u${key.charCodeAt(0).toString(16).padStart(4, "0")}`;
    const reading = readJson(`[{"h":[],"\\\\":0},{"h":1,"${escaped}":2}]`);
    assert.ok("value" in reading);
    assert.deepEqual(reading.value, [
      { h: [], "\\": 0 },
      { h: 1, [key]: 2 },
    ]);
  }
});

test("limits end in a reason, never in an exception", () => {
  const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  assert.ok("value" in readJson(deep(JSON_LIMITS.levels)));
  const tooLarge = [
    deep(JSON_LIMITS.levels + 1),
    deep(1_000_000),
    `[${"0,".repeat(JSON_LIMITS.nodes)}0]`,
    `"${"x".repeat(JSON_LIMITS.bytes)}"`,
  ];
  for (const body of tooLarge) assert.ok("undecodable" in readJson(body));
  assert.deepEqual(readJson(Uint8Array.of(0x22, 0xff, 0x22)), { undecodable: "not UTF-8" });
});

const decimalText = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.integer({ min: 0, max: 25 }))
  .map(([isNegative, digits, fraction]) => {
    const text = digits.toString().padStart(fraction + 1, "0");
    const at = text.length - fraction;
    const number = fraction === 0 ? text : `${text.slice(0, at)}.${text.slice(at)}`;
    return { text: isNegative ? `-${number}` : number, digits: isNegative ? -digits : digits, fraction };
  });

test("numbers are equal exactly when their decimals are", () => {
  fc.assert(
    fc.property(decimalText, decimalText, fc.integer({ min: -9, max: 9 }), (one, other, shift) => {
      const as = ({ digits, fraction }: typeof one): bigint => digits * 10n ** BigInt(30 - fraction);
      const isEqual = as(one) === as(other);
      assert.equal(areNumbersEqual(new JsonNumber(one.text), new JsonNumber(other.text)), isEqual);
      const shifted = new JsonNumber(`${one.digits}e${shift - one.fraction}`);
      const same = new JsonNumber(`${one.text}e${shift}`);
      assert.equal(canonicalNumber(shifted), canonicalNumber(same));
      const apart = as(one) - as(other);
      for (const tolerance of [0, 1, 1_000_000]) {
        const isNear = (apart < 0n ? -apart : apart) <= BigInt(tolerance) * 10n ** 30n;
        assert.equal(areNumbersNear(new JsonNumber(one.text), new JsonNumber(other.text), tolerance), isNear);
      }
    }),
  );
});

test("Python's and JavaScript's spellings are one number, neighbours beyond 2^53 are two", () => {
  const same = [
    ["0.0", "0"],
    ["1e-07", "1e-7"],
    ["1e+20", "100000000000000000000"],
    ["-0.0", "0"],
    ["20.0", "20"],
  ] as const;
  for (const [one, other] of same) {
    assert.ok(areNumbersEqual(read(one) as JsonNumber, read(other) as JsonNumber), `${one} ${other}`);
  }
  assert.ok(!areNumbersEqual(read("9007199254740993") as JsonNumber, read("9007199254740992") as JsonNumber));
  assert.ok(areNumbersEqual(new JsonNumber("1e9007199254740993"), new JsonNumber("10e+9007199254740992")));
  assert.ok(!areNumbersEqual(new JsonNumber("100e9007199254740991"), new JsonNumber("10e9007199254740991")));
  assert.ok(!areNumbersNear(new JsonNumber("1e9007199254740993"), new JsonNumber("1e9007199254740992"), 1));
  assert.ok(!areNumbersNear(new JsonNumber("1e999999"), new JsonNumber("1e999998"), 1));
  assert.ok(!areNumbersNear(new JsonNumber("NaN"), 1, 1));
});

test("a number of many zeros takes no time", () => {
  const number = new JsonNumber(`1${"0".repeat(1_000_000)}1`);
  assert.ok(!areNumbersEqual(number, new JsonNumber(`${number.text}0`)));
});
