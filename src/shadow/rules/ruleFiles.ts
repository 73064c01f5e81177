// Rules that an operator keeps in YAML files (shadow N4): all that is wrong with them at once, each at its place.
import { readFileSync } from "node:fs";
import { type ConfigProblem, ConfigProblems, readDocument } from "../../config/index.ts";
import { type ComparisonRule, ruleSchema } from "./rule.ts";

const RULES_MAX = 500;

/** @throws ConfigProblems of the first file that cannot be used */
export const readRuleFiles = (files: readonly string[]): readonly ComparisonRule[] =>
  files.flatMap((file) => readRuleFile(file));

/** @throws ConfigProblems */
export function readRuleFile(file: string): readonly ComparisonRule[] {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    const problem = { what: `cannot be read (${code})`, expected: "a file with rules" };
    throw new ConfigProblems(file, [{ severity: "error", line: 1, col: 1, path: "", ...problem }]);
  }
  return parseRules(source, file);
}

/** Of a text at hand; `file` only names it. @throws ConfigProblems */
export function parseRules(source: string, file: string): readonly ComparisonRule[] {
  const { tree, problems, valueAt } = readDocument(source);
  // `on` is a switch to older readers of YAML, to this one it is the word that rules begin with.
  const found: ConfigProblem[] = problems.filter(({ path }) => !/^rules\[\d+\]\.on$/.test(path));
  const add = (path: readonly (string | number)[], what: string, expected: string): void => {
    found.push({ severity: "error", ...valueAt(path), path: path.join("."), what, expected });
  };
  const list: unknown = tree?.["rules"];
  const rules: ComparisonRule[] = [];
  if (tree !== null && !Array.isArray(list))
    add(["rules"], "has no list of rules", "rules: [{ id, owner, reason, on, … }]");
  for (const [at, one] of (Array.isArray(list) ? list : []).slice(0, RULES_MAX).entries()) {
    const read = ruleSchema.safeParse(one);
    if (read.success) rules.push(read.data);
    else
      for (const issue of read.error.issues)
        add(["rules", at, ...issue.path.map(keyOf)], issue.message, "see docs/shadow.md");
  }
  if (Array.isArray(list) && list.length > RULES_MAX)
    add(["rules", RULES_MAX], "too many rules", `at most ${RULES_MAX}`);
  for (const [at, { id }] of rules.entries()) {
    if (rules.findIndex((other) => other.id === id) !== at)
      add(["rules", at, "id"], `${id} stands twice`, "each id once");
  }
  if (found.some(({ severity }) => severity === "error")) throw new ConfigProblems(file, found);
  return rules;
}

const keyOf = (key: PropertyKey): string | number => (typeof key === "number" ? key : String(key));
