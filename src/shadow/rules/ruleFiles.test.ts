import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigProblems } from "../../config/index.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import { parseRules, readRuleFile, type RuleSurroundings } from "./ruleFiles.ts";

const RULE = ["  - id: one", "    owner: shop", "    reason: known", "    on: [GET /a]", "    path: $.a"];

const problems = (lines: readonly string[], surroundings: RuleSurroundings = {}): string[] => {
  try {
    parseRules(lines.join("\n"), "x.yaml", surroundings);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigProblems);
    return error.problems.map(({ line, col, path, what }) => `${line}:${col} ${path} ${what}`);
  }
};

test("a file names the fixtures that it is known to hide", () => {
  const text = ["rules:", ...RULE, "    compare: [num]", "hides: [notes-order, version]"].join("\n");
  assert.deepEqual(parseRules(text, "x.yaml").hides, ["notes-order", "version"]);
  assert.deepEqual(parseRules(["rules:", ...RULE, "    compare: [num]"].join("\n"), "x.yaml").hides, []);
  const wrong = problems(["rules:", ...RULE, "    compare: [num]", "hides: version"]);
  assert.deepEqual(wrong, ["8:8 hides no list of names"]);
});

test("everything that is wrong is told at once, each at its place", () => {
  const found = problems(
    [
      "rules:",
      ...RULE,
      "    compare: [num, nonsense]",
      ...RULE,
      "    ignore: value",
      "  - id: two",
      "    owner: shop",
      "    reason: known",
      "    on: [GET /a]",
      "    path: $.a",
      "    compare: [num]",
      "hidez: [a]",
    ],
    { normalisers: NORMALISERS, taken: new Map([["two", "other.yaml"]]) },
  );
  assert.deepEqual(
    found.map((text) => text.replace(/; there are.*/, "")),
    [
      "20:1 hidez unknown key",
      "8:5 rules[1].until what hides differences ends some day: until",
      "7:20 rules[0].compare[1] no normaliser nonsense",
      "14:9 rules[2].id two stands in other.yaml already",
    ],
  );
});

test("an empty file and one that is not there say what was expected", () => {
  const messageOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  assert.match(
    messageOf(() => parseRules("", "x.yaml")),
    /the file is empty +rules: \[/,
  );
  assert.match(
    messageOf(() => readRuleFile("/nowhere/x.yaml")),
    /cannot be read \(ENOENT\)/,
  );
});
