import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeId, tableNumberOf } from "./ids.ts";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const random = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Each length of the varint as often as the others. */
const tableNumber = fc.oneof(
  ...[7, 14, 21, 28, 32].map((bits) => fc.integer({ min: 2 ** (bits - 7) || 1, max: 2 ** bits - 1 })),
  fc.constantFrom(1, 127, 128, 16_383, 16_384, 2 ** 21, 2 ** 28, 2 ** 31, 2 ** 32 - 1),
);
const id = fc.tuple(tableNumber, random).map(([number, bytes]) => encodeId(number, bytes));

/** The bytes of an id, read the slow way: as one long number. */
function bytesOf(text: string): number[] {
  const bits = Array.from(text, (digit) => ALPHABET.indexOf(digit).toString(2).padStart(5, "0")).join("");
  return (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
}

function textOf(bytes: readonly number[]): string {
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? []).map((digit) => ALPHABET[Number.parseInt(digit.padEnd(5, "0"), 2)]).join("");
}

function withChecksum(body: readonly number[]): readonly number[] {
  let low = 0;
  let high = 0;
  for (const byte of body) {
    low = (low + byte) % 256;
    high = (high + low) % 256;
  }
  return [...body, low, high];
}

test("ids that Convex deployments issued are read, with tables numbered from 10,001 as there", () => {
  assert.equal(tableNumberOf("j57cvkhfqz7kxzjden4f3khpcn6y41jn"), 10_001);
  assert.equal(tableNumberOf("k57db26aa1n9c18vz2m4246r358d50he"), 10_009);
  assert.equal(tableNumberOf("k577phaqkbwf1fe3a20y6zgfad8d5dq2"), 10_009);
});

test("every table number and every 16 bytes survive the way to an id and back", () => {
  fc.assert(
    fc.property(tableNumber, random, (number, bytes) => {
      const text = encodeId(number, bytes);
      assert.equal(tableNumberOf(text), number);
      assert.deepEqual(bytesOf(text).slice(-18, -2), [...bytes]);
      assert.match(text, /^[0-9a-hjkmnp-tv-z]{31,37}$/);
    }),
    { numRuns: 2_000 },
  );
});

test("an id of a user's table has 32 characters and begins with a letter or digit of its table", () => {
  assert.equal(encodeId(10_001, new Uint8Array(16)), textOf(withChecksum([0x91, 0x4e, ...new Uint8Array(16)])));
  assert.equal(encodeId(10_001).length, 32);
  assert.notEqual(encodeId(10_001), encodeId(10_001));
});

test("one changed character makes it no id", () => {
  fc.assert(
    fc.property(
      id,
      fc.nat(),
      fc.constantFrom(...Array.from(ALPHABET), "i", "l", "o", "u", "A", "-", "é", "😀"),
      (text, at, digit) => {
        const position = at % text.length;
        fc.pre(text[position] !== digit);
        const changed = text.slice(0, position) + digit + text.slice(position + 1);
        const number = tableNumberOf(changed);
        // A change across two bytes can cancel itself in the sums; then it is another id, spelled as one is.
        if (number !== null) assert.equal(encodeId(number, Uint8Array.from(bytesOf(changed).slice(-18, -2))), changed);
        if (!ALPHABET.includes(digit)) assert.equal(number, null);
      },
    ),
    { numRuns: 5_000 },
  );
});

test("whatever is taken for an id is spelled as encodeId spells it", () => {
  const number = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 6 });
  const forged = fc.tuple(number, random).map(([varint, bytes]) => textOf(withChecksum([...varint, ...bytes])));
  let taken = 0;
  fc.assert(
    fc.property(forged, (text) => {
      const found = tableNumberOf(text);
      if (found === null) return;
      taken++;
      assert.equal(encodeId(found, Uint8Array.from(bytesOf(text).slice(-18, -2))), text);
    }),
    { numRuns: 5_000 },
  );
  assert.ok(taken > 500, `only ${taken} forgeries were well formed`);
});

test("other spellings of an id are no ids: upper case, spaces, cut, longer, bits behind the end", () => {
  fc.assert(
    fc.property(id, (text) => {
      for (const other of [
        text.toUpperCase(),
        ` ${text}`,
        `${text} `,
        `${text}0`,
        `0${text}`,
        text.slice(0, -1),
        text.slice(1),
      ]) {
        if (other !== text) assert.equal(tableNumberOf(other), null, other);
      }
    }),
  );
  const text = encodeId(1, new Uint8Array(16));
  assert.equal(text.length, 31);
  const last = ALPHABET.indexOf(text.slice(-1));
  for (const bits of [1, 2, 4]) assert.equal(tableNumberOf(text.slice(0, -1) + (ALPHABET[last | bits] ?? "")), null);
});

test("longer spellings of a table number, table 0 and numbers beyond 32 bits are no ids, though their checksum is right", () => {
  const body = [...new Uint8Array(16).fill(7)];
  const spellings = [
    [0],
    [0x81, 0x00],
    [0x80, 0x00],
    [0x80],
    [0x81, 0x80, 0x80, 0x80, 0x10],
    [0xff, 0xff, 0xff, 0xff, 0x7f],
  ];
  for (const varint of spellings) assert.equal(tableNumberOf(textOf(withChecksum([...varint, ...body]))), null);
  assert.equal(tableNumberOf(textOf(withChecksum([0xff, 0xff, 0xff, 0xff, 0x0f, ...body]))), 2 ** 32 - 1);
});

test("texts that are nothing like an id are no ids", () => {
  for (const text of [
    "",
    "0",
    "users",
    "0".repeat(31),
    "0".repeat(32),
    "\0".repeat(32),
    "é".repeat(32),
    "z".repeat(1_000_000),
  ]) {
    assert.equal(tableNumberOf(text), null);
  }
  fc.assert(fc.property(fc.string({ maxLength: 40 }), (text) => tableNumberOf(text) === null));
});

test("a table number outside 1 to 2^32-1 and other than 16 bytes are refused", () => {
  for (const number of [0, -1, 1.5, Number.NaN, 2 ** 32]) assert.throws(() => encodeId(number), /from 1 to 4294967295/);
  for (const length of [0, 15, 17]) assert.throws(() => encodeId(1, new Uint8Array(length)), /16 random bytes, got/);
});
