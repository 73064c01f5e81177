import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "./canonicalJson.ts";
import { JSON_DEPTH_MAX } from "./constants.ts";
import {
  codePointLength,
  compareByCodePoint,
  equalsIgnoringAsciiCase,
  firstCodePoints,
  foldAscii,
  isBlank,
  lastCodePoints,
  replaceLoneSurrogates,
  replaceLoneSurrogatesDeep,
  splitAtBlanks,
  trim,
} from "./text.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const BLANKS = new Set([
  ...range(0x9, 0xd),
  0x20,
  0x85,
  0xa0,
  0x1680,
  ...range(0x2000, 0x200a),
  0x2028,
  0x2029,
  0x202f,
  0x205f,
  0x3000,
  0xfeff,
]);

const words = fc.string({ unit: "binary", maxLength: 40 });
const blanks = fc.string({ unit: fc.constantFrom(...[...BLANKS].map((c) => String.fromCodePoint(c))), maxLength: 6 });

test("exactly the listed code points are blank", () => {
  for (const code of range(0, 0xffff)) {
    assert.equal(isBlank(String.fromCharCode(code)), BLANKS.has(code), code.toString(16));
  }
  assert.ok(isBlank(""));
});

test("trim removes blanks at both ends and nothing else", () => {
  fc.assert(
    fc.property(blanks, words, blanks, (before, word, after) => {
      const kept = `x${word}x`;
      assert.equal(trim(before + kept + after), kept);
      assert.equal(trim(before + after), "");
    }),
  );
});

test("trimming a long run of blanks inside a text stays linear", () => {
  const text = `a${" ".repeat(1_000_000)}b`;
  const start = performance.now();
  assert.equal(trim(text), text);
  assert.ok(performance.now() - start < 2_000);
});

test("splitting at blanks leaves no empty part and loses no other character", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(blanks, words)), (pieces) => {
      const text = pieces.flat().join("");
      const parts = splitAtBlanks(text);
      assert.ok(parts.every((part) => part !== "" && !Array.from(part).some((c) => isBlank(c))));
      assert.equal(
        parts.join(""),
        Array.from(text)
          .filter((c) => !isBlank(c))
          .join(""),
      );
    }),
  );
});

test("lengths and cuts count code points and never split a pair", () => {
  assert.equal(codePointLength("a😀é"), 3);
  fc.assert(
    fc.property(words, fc.nat(50), (text, n) => {
      const points = Array.from(text);
      assert.equal(codePointLength(text), points.length);
      assert.equal(firstCodePoints(text, n), points.slice(0, n).join(""));
      assert.equal(lastCodePoints(text, n), n === 0 ? "" : points.slice(-n).join(""));
    }),
  );
});

test("only lone surrogates are replaced", () => {
  assert.equal(replaceLoneSurrogates("\udc00a\ud800😀\ud83d"), "\ufffda\ufffd😀\ufffd");
  assert.deepEqual(replaceLoneSurrogatesDeep(JSON.parse('{"\\ud800":["\\udc00",1,null],"__proto__":true}')), {
    "\ufffd": ["\ufffd", 1, null],
    ["__proto__"]: true,
  });
});

test("what canonical JSON can nest passes the replacement, deeper values are refused by name", () => {
  const nest = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  assert.deepEqual(canonicalJson(replaceLoneSurrogatesDeep(nest(JSON_DEPTH_MAX))), canonicalJson(nest(JSON_DEPTH_MAX)));
  assert.throws(() => replaceLoneSurrogatesDeep(nest(JSON_DEPTH_MAX + 1)), /nested deeper than/);
});

test("case folding touches A to Z only", () => {
  assert.equal(foldAscii("AZ az İÄß"), "az az İÄß");
  assert.ok(equalsIgnoringAsciiCase("Bearer", "bEARER"));
  assert.ok(!equalsIgnoringAsciiCase("É", "é"));
  // U+212A KELVIN SIGN lower-cases to k in full case mapping.
  assert.ok(!equalsIgnoringAsciiCase("\u212a", "k"));
});

test("texts sort as their code points do", () => {
  fc.assert(
    fc.property(words, words, (a, b) => {
      const [x, y] = [a, b].map((text) => Array.from(text.toWellFormed(), (c) => c.codePointAt(0) ?? 0));
      assert.equal(compareByCodePoint(a.toWellFormed(), b.toWellFormed()), compareNumbers(x ?? [], y ?? []));
    }),
  );
  assert.equal(compareByCodePoint("\uffff", "\u{10000}"), -1);
});

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((x, i) => x !== b[i]);
  if (at < 0) return Math.sign(a.length - b.length);
  const other = b[at];
  return other === undefined ? 1 : Math.sign((a[at] ?? 0) - other);
}
