import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions, UsageError } from "./options.ts";

test("without a part all parts run, five rounds of four seconds", () => {
  assert.deepEqual(readOptions([], "/results"), {
    parts: ["rest", "ws"],
    rounds: 5,
    seconds: 4,
    isJson: false,
    resultsDir: "/results",
  });
});

test("parts and numbers are taken as given, a part named twice runs once", () => {
  const options = readOptions(["ws", "ws", "--rounds", "2", "--seconds", "1", "--json", "--out", "/other"], "/results");
  assert.deepEqual(options, { parts: ["ws"], rounds: 2, seconds: 1, isJson: true, resultsDir: "/other" });
});

for (const words of [
  ["tcp"],
  ["--rounds", "0"],
  ["--rounds", "1.5"],
  ["--seconds", "601"],
  ["--seconds"],
  ["--fast"],
]) {
  test(`refuses ${words.join(" ")}`, () => {
    assert.throws(() => readOptions(words, "/results"), UsageError);
  });
}
