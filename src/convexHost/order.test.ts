import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { CommitTsPlaceholder, compareValues, type Value } from "convex/values";
import fc from "fast-check";
import { AFTER_ALL, compareKeys, encodeKey, endOfPrefix, keyAfter } from "./order.ts";

type Field = Value | undefined;

/** A float64 by its bits, for the NaNs that have no literal. All quiet: the engine may make signalling ones quiet at any time. */
function floatOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

const NANS = [0x7ff8000000000000n, 0x7ff8000000000007n, 0x7fffffffffffffffn]
  .flatMap((bits) => [bits, bits | 0x8000000000000000n])
  .map(floatOf);
const FLOATS = [-Infinity, -1.5, -1, -Number.MIN_VALUE, -0, 0, Number.MIN_VALUE, 1, 2, 1e300, Infinity, ...NANS];
const INTS = [-(2n ** 63n), -256n, -1n, 0n, 1n, 255n, 256n, 2n ** 63n - 1n];
/** Both sides of every length of UTF-8, of the surrogates, and where UTF-16 order is another one (U+FFFF, U+10000). */
const UNITS = ["\0", "\x01", "a", "b", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\uffff"];
const ASTRAL = ["\u{10000}", "😀", "\u{10ffff}"];
const LONE = ["\ud800", "\udbff", "\udc00", "\udfff"];

const text = fc.array(fc.constantFrom(...UNITS, ...ASTRAL, ...LONE), { maxLength: 4 }).map((units) => units.join(""));
const bytes = fc
  .array(fc.constantFrom(0, 1, 127, 254, 255), { maxLength: 4 })
  .map((list) => Uint8Array.from(list).buffer);
const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>(null, true, false),
  fc.constantFrom(...INTS),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(...FLOATS.filter((one) => !Number.isNaN(one)), Number.NaN),
  // The bits of any other NaN are the engine's to change, on the way from one function to the next too: those stand in tests of their own.
  fc.double({ noNaN: true }),
  text,
  fc.string({ unit: "binary", maxLength: 6 }),
  bytes,
);
const value = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie("value"), { maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.constantFrom("a", "aa", "b", "_id", "10", "9"), tie("value"), { maxKeys: 3 }),
    },
  ),
})).value;
const field: fc.Arbitrary<Field> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 15, arbitrary: value },
);

/** Random pairs differ at their first byte: half of these agree up to a point inside, where an encoding can go wrong. */
const pair: fc.Arbitrary<readonly [Field, Field]> = fc.oneof<fc.Arbitrary<readonly [Field, Field]>[]>(
  fc.tuple(field, field),
  fc.tuple(scalar, scalar).filter(([a, b]) => typeof a === typeof b),
  fc.tuple(text, text, text).map(([start, a, b]) => [start + a, start + b] as const),
  fc.tuple(fc.array(value, { maxLength: 2 }), value, value).map(
    ([start, a, b]) =>
      [
        [...start, a],
        [...start, b],
      ] as const,
  ),
  fc.tuple(fc.array(value, { maxLength: 2 }), value).map(([start, a]) => [start, [...start, a]] as const),
  fc.tuple(value, value, value).map(
    ([same, a, b]) =>
      [
        { a: same, b: a },
        { a: same, b },
      ] as const,
  ),
);

function compareTuples(a: readonly Field[], b: readonly Field[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return Math.sign(order);
  }
  return Math.sign(a.length - b.length);
}

function orderOfKeys(a: readonly Field[], b: readonly Field[]): number {
  return Math.sign(compareKeys(encodeKey(a), encodeKey(b)));
}

test("keys order as compareValues does, for 100,000 random pairs", () => {
  let equalPairs = 0;
  let pairs = 0;
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const expected = Math.sign(compareValues(a, b));
      pairs++;
      if (expected === 0) equalPairs++;
      assert.equal(orderOfKeys([a], [b]), expected);
    }),
    { numRuns: 100_000 },
  );
  assert.equal(pairs, 100_000);
  assert.ok(equalPairs > 1_000, `only ${equalPairs} of the pairs were equal: the generator is too wide`);
});

test("each edge value orders against each other one as compareValues does", () => {
  const strings = [...UNITS, ...ASTRAL, ...LONE].flatMap((a) => ["", a, `${a}\0`, `${a}a`, `a${a}`, `${a}\uffff`]);
  const buffers = [[], [0], [0, 0], [0, 255], [1], [255], [255, 0]].map((list) => Uint8Array.from(list).buffer);
  const scalars: Field[] = [undefined, null, true, false, ...INTS, ...FLOATS, ...strings, ...buffers];
  const nested: Field[] = [
    [],
    [[]],
    [null],
    [0, 1],
    {},
    { a: 1 },
    { a: 1, b: 2 },
    { a: [], b: {} },
    { b: 0 },
    { a: {} },
  ];
  const edges = [...scalars, ...nested, ...strings.slice(0, 20).flatMap((s) => [[s], { a: s }])];
  for (const a of edges) {
    for (const b of edges) assert.equal(orderOfKeys([a], [b]), Math.sign(compareValues(a, b)));
  }
});

test("keys of several values order by the first value that differs", () => {
  const tuple = fc.array(field, { maxLength: 3 });
  const pairs = fc.tuple(tuple, tuple, tuple).map(
    ([start, a, b]) =>
      [
        [...start, ...a],
        [...start, ...b],
      ] as const,
  );
  fc.assert(
    fc.property(pairs, ([a, b]) => {
      assert.equal(orderOfKeys(a, b), compareTuples(a, b));
    }),
    { numRuns: 5_000 },
  );
});

test("a key's continuations all lie between it and its end, and no other key does", () => {
  fc.assert(
    fc.property(pair, field, ([a, b], next) => {
      const prefix = encodeKey([a]);
      const other = encodeKey([b, next]);
      const isWithin = compareKeys(other, prefix) >= 0 && compareKeys(other, endOfPrefix(prefix)) < 0;
      assert.equal(isWithin, compareValues(a, b) === 0);
      assert.ok(compareKeys(other, AFTER_ALL) < 0);
    }),
    { numRuns: 10_000 },
  );
});

test("keyAfter is the next possible key: greater, with nothing between", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 5 }), (key, other) => {
      const next = keyAfter(key);
      assert.ok(compareKeys(key, next) < 0);
      assert.ok(compareKeys(other, key) <= 0 || compareKeys(other, next) >= 0);
    }),
  );
});

test("SQLite stores the keys in the order that compareKeys gives", () => {
  const database = new DatabaseSync(":memory:");
  try {
    database.exec("CREATE TABLE entries(key BLOB PRIMARY KEY, at INTEGER) WITHOUT ROWID");
    const values = fc.sample(field, { numRuns: 500, seed: 7 });
    const insert = database.prepare("INSERT OR IGNORE INTO entries VALUES(?, ?)");
    for (const [at, one] of values.entries()) insert.run(encodeKey([one]), at);
    const stored = database.prepare("SELECT at FROM entries ORDER BY key").all();
    const inOrder = stored.map((row) => values[Number(row.at)]);
    assert.ok(inOrder.length > 200);
    for (const [i, one] of inOrder.entries()) {
      if (i > 0) assert.ok(compareValues(inOrder[i - 1], one) < 0);
    }
  } finally {
    database.close();
  }
});

test("text that has no lone surrogates is UTF-8 in the key, however long", () => {
  for (const unit of ["a", "ä", "€", "\uffff", "😀"]) {
    for (const count of [1, 1_000, 100_000]) {
      const utf8 = Buffer.from(unit.repeat(count));
      assert.deepEqual(Buffer.from(encodeKey([unit.repeat(count)])), Buffer.concat([Buffer.of(6), utf8, Buffer.of(0)]));
    }
  }
});

test("the key of a long text is exact, and the next key is untouched by it", () => {
  const long = "ä\0".repeat(200_000);
  const key = encodeKey([long]);
  assert.equal(key.length, 1 + 200_000 * 4 + 1);
  assert.deepEqual(encodeKey(["b"]), Uint8Array.of(6, 98, 0));
  assert.equal(orderOfKeys([long, 1], [long, 2]), -1);
});

test("what has no place in the order is refused, and the next key is whole", () => {
  assert.throws(() => encodeKey(["begun", new CommitTsPlaceholder()]), /unresolved commit timestamp/);
  assert.throws(() => encodeKey([{ a: [new CommitTsPlaceholder()] }]), /unresolved commit timestamp/);
  assert.throws(() => encodeKey([2n ** 63n]), /expected -2\^63 to 2\^63-1, got 9223372036854775808/);
  assert.throws(() => encodeKey([-(2n ** 63n) - 1n]), RangeError);
  assert.throws(() => encodeKey([Symbol("x") as unknown as Value]), /got a symbol/);
  assert.deepEqual(encodeKey([null]), Uint8Array.of(2));
});
