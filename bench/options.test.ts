import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions, UsageError } from "./options.ts";

test("without a part all parts run, five rounds of four seconds", () => {
  assert.deepEqual(readOptions([], "/results"), {
    parts: ["rest", "ws", "arms", "convex", "shadow"],
    rounds: 5,
    seconds: 4,
    soakSeconds: null,
    isJson: false,
    resultsDir: "/results",
  });
});

test("parts and numbers are taken as given, a part named twice runs once", () => {
  const options = readOptions(["ws", "ws", "--rounds", "2", "--seconds", "1", "--json", "--out", "/other"], "/results");
  assert.deepEqual(options, {
    parts: ["ws"],
    rounds: 2,
    seconds: 1,
    soakSeconds: null,
    isJson: true,
    resultsDir: "/other",
  });
});

test("a soak of the embedded host lasts as long as it says", () => {
  const soak = (text: string) => readOptions(["convex", "--soak", text], "/results").soakSeconds;
  assert.deepEqual([soak("90s"), soak("30m"), soak("2h")], [90, 1_800, 7_200]);
});

for (const words of [
  ["tcp"],
  ["--rounds", "0"],
  ["--rounds", "1.5"],
  ["--seconds", "601"],
  ["--seconds"],
  ["--fast"],
  ["convex", "--soak", "30"],
  ["convex", "--soak", "0s"],
  ["convex", "--soak", "25h"],
  ["--soak", "30m"],
  ["convex", "ws", "--soak", "30m"],
]) {
  test(`refuses ${words.join(" ")}`, () => {
    assert.throws(() => readOptions(words, "/results"), UsageError);
  });
}
