import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ConfigProblems } from "../../config/index.ts";
import { checkRules } from "./checkRules.ts";
import { parseRules, readRuleFile } from "./ruleFiles.ts";

const RULE = "{ id: a, owner: me, reason: why, on: [GET /a], path: $.x, compare: [num(0.1)] }";
const problemsOf = (run: () => unknown): readonly string[] => {
  try {
    run();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigProblems)) throw error;
    return error.problems.map(({ line, path, what }) => `${line} ${path} ${what}`);
  }
};

test("a rule of a file is the same as one of the application", () => {
  const [rule] = parseRules(`rules:\n  - ${RULE}\n`, "r.yaml");
  assert.deepEqual(rule?.on, ["GET /a"]);
  assert.deepEqual(rule?.compare, ["num(0.1)"]);
});

test("everything that is wrong is told at once, each at its place", () => {
  const text = [
    "rules:",
    `  - ${RULE}`,
    `  - ${RULE}`,
    "  - { id: b, owner: me, reason: why, on: [x], path: '$[' , isId: true }",
  ];
  const found = problemsOf(() => parseRules([...text, "  - { id: c }"].join("\n"), "r.yaml"));
  assert.ok(
    found.some((one) => one.startsWith("3 rules.1.id a stands twice")),
    found.join("\n"),
  );
  assert.ok(
    found.some((one) => one.startsWith("4 rules.2.path")),
    found.join("\n"),
  );
  assert.ok(
    found.some((one) => one.startsWith("5 rules.3.owner")),
    found.join("\n"),
  );
});

test("no list, no file, too much: a sentence, never an exception of ours", () => {
  assert.match(problemsOf(() => parseRules("other: 1\n", "r.yaml")).join(), /has no list of rules/);
  assert.match(problemsOf(() => parseRules("", "r.yaml")).join(), /empty/);
  assert.match(problemsOf(() => readRuleFile("/nowhere/r.yaml")).join(), /cannot be read \(ENOENT\)/);
  const many = Array.from({ length: 501 }, (_, at) => `  - ${RULE.replace("id: a", `id: a${at}`)}`);
  assert.match(problemsOf(() => parseRules(`rules:\n${many.join("\n")}\n`, "r.yaml")).join(), /too many rules/);
});

test("a normaliser that nobody has is told before any thread uses the rules", (t: TestContext) => {
  const dir = mkdtempSync(join(tmpdir(), "rules-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "r.yaml");
  writeFileSync(file, `rules:\n  - ${RULE.replace("num(0.1)", "nothing(1)")}\n`);
  const words = { rules: [], normalisers: {}, statusClass: String };
  const config = { shadow: { rules: [file] } } as unknown as Parameters<typeof checkRules>[0];
  assert.match(problemsOf(() => checkRules(config, words)).join(), /nothing/);
  assert.deepEqual(
    problemsOf(() => checkRules({ shadow: null }, words)),
    [],
  );
});
