import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { environmentOf, parseEnvFile } from "./envFile.ts";
import { ConfigError } from "./options.ts";

const parse = (content: string) => ({ ...parseEnvFile(content, "test.env") });
const problemsOf = (content: string): readonly string[] => {
  try {
    parseEnvFile(content, "test.env");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
};

test("reads names and values, quotes and comments", () => {
  const content = [
    "# first",
    "A=1",
    "export B = two words  # why",
    "C='it # is'",
    'D="x\\ny" # two lines',
    "E=a=b#c",
    "",
  ];
  assert.deepEqual(parse(content.join("\r\n")), { A: "1", B: "two words", C: "it # is", D: "x\ny", E: "a=b#c" });
});

test("a value in quotes may span lines, and the lines after it keep their numbers", () => {
  assert.deepEqual(parse('KEY="-----BEGIN\nabc\n-----END"\nAFTER=1'), { KEY: "-----BEGIN\nabc\n-----END", AFTER: "1" });
  assert.deepEqual(problemsOf("KEY='a\nb'\nbroken"), ["test.env: line 3: expected NAME=value"]);
});

test("an empty value is empty and does not take the next line", () => {
  assert.deepEqual(parse("A=\nB= \nC=1\nD= # none"), { A: "", B: "", C: "1", D: "" });
});

test("names every line that is no assignment, at once", () => {
  assert.deepEqual(problemsOf("A 1\nB=2\n=3\n1C=4\nB=5\nCONVEX_CLOUD_URL=x"), [
    "test.env: line 1: expected NAME=value",
    "test.env: line 3: expected NAME=value",
    'test.env: "1C": expected a letter, then letters, digits and _, at most 40 characters in all',
    "test.env: B: given twice",
    "test.env: CONVEX_CLOUD_URL: set by the host, cannot be set here",
  ]);
  assert.deepEqual(problemsOf('A="x'), ['test.env: line 1: the quote " of A is not closed']);
  assert.deepEqual(problemsOf("A='x' y"), [
    "test.env: line 1: expected nothing but a comment after the closing ' of A",
  ]);
});

test("refuses what Convex would refuse: too long, too many", () => {
  assert.match(problemsOf(`A=${"x".repeat(8_193)}`).join(), /at most 8192 bytes, got 8193/);
  assert.deepEqual(problemsOf(`A=${"x".repeat(8_192)}`), []);
  const lines = Array.from({ length: 101 }, (_, at) => `V${at}=1`);
  assert.match(problemsOf(lines.join("\n")).join(), /at most 100 variables, got 101/);
  assert.deepEqual(problemsOf(lines.slice(1).join("\n")), []);
});

test("a name of Object's own does no harm", () => {
  assert.match(problemsOf("__proto__=1").join(), /expected a letter/);
  assert.deepEqual(parse("constructor=1"), { constructor: "1" });
});

test("any value without a single quote survives in single quotes", () => {
  const value = fc.string({ unit: "binary", maxLength: 200 }).map((text) => text.replaceAll(/['\r]/g, ""));
  fc.assert(fc.property(value, (text) => assert.deepEqual(parse(`A='${text}'\nB=2`), { A: text, B: "2" })));
});

test("functions see their own variables and where the host is reached, and nothing of the process", () => {
  assert.deepEqual(environmentOf({ A: "1" }, "http://127.0.0.1:8004"), {
    A: "1",
    CONVEX_CLOUD_URL: "http://127.0.0.1:8004",
    CONVEX_SITE_URL: "http://127.0.0.1:8004/http",
  });
});
