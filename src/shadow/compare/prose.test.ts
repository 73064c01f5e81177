import assert from "node:assert/strict";
import { test } from "node:test";
import { NORMALISERS } from "./normalisers.ts";
import { isLikeProse } from "./prose.ts";

const BAND = { least: 0.2, most: 5 };
const ENGLISH =
  "Plants take in light and water, and make sugar of them, which they keep until they need it for growing.";
const ANOTHER =
  "When the sun shines on a leaf, it turns water and air into sugar; the plant grows with what it has made.";
const GERMAN = "Pflanzen nehmen Licht und Wasser auf und machen daraus Zucker, den sie für ihr Wachstum aufheben.";
const RUSSIAN =
  "Растения поглощают свет и воду и делают из них сахар, который хранят до тех пор, пока он не понадобится.";

test("two answers in one language and of like length are alike", () => {
  assert.ok(isLikeProse(ENGLISH, ANOTHER, BAND));
  assert.ok(isLikeProse(GERMAN, `${GERMAN} Das ist alles.`, BAND));
});

test("another language is another answer, whatever its letters", () => {
  assert.ok(!isLikeProse(ENGLISH, GERMAN, BAND));
  assert.ok(!isLikeProse(ENGLISH, RUSSIAN, BAND));
});

test("of a short text the language is not told, and counts for nothing", () => {
  assert.ok(isLikeProse("Water moves.", "Wasser fließt.", BAND));
});

test("the length stays within its band, and something is not nothing", () => {
  const long = (times: number): string => ENGLISH.repeat(times);
  assert.ok(isLikeProse(long(1), long(5), BAND) && isLikeProse(long(5), long(1), BAND));
  assert.ok(!isLikeProse(long(1), long(6), BAND) && !isLikeProse(long(6), long(1), BAND));
  assert.ok(isLikeProse(" ", "", BAND) && !isLikeProse("a", " ", BAND) && !isLikeProse("", "a", BAND));
});

test("as a normaliser it takes texts only, and needs its band", () => {
  const prose = NORMALISERS["prose"];
  const made = prose?.("prose(0.2,5)", ["0.2", "5"]);
  assert.equal(made?.isSame?.(ENGLISH, ANOTHER, { delayMs: 0 }), true);
  assert.equal(made?.takes?.(["a"]), false);
  for (const args of [[], ["5", "0.2"], ["a", "b"], ["1"]]) assert.throws(() => prose?.("prose", args), RangeError);
});
