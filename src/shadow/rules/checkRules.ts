// Whether the rules of a configuration can be used, asked before anybody uses them: a reload with a bad one is refused whole.
import type { Config } from "../../config/index.ts";
import { ConfigProblems } from "../../config/index.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ShadowApplication } from "../ports.ts";
import type { ComparisonRule } from "./rule.ts";
import { RuleBook } from "./ruleBook.ts";
import { readRuleFile } from "./ruleFiles.ts";

type Words = Pick<ShadowApplication, "rules" | "normalisers" | "statusClass">;

/** @throws ConfigProblems of the first file that cannot be used */
export function checkRules({ shadow }: Pick<Config, "shadow">, { rules, normalisers, statusClass }: Words): void {
  const known: ComparisonRule[] = [...rules];
  const words = { normalisers: { ...NORMALISERS, ...normalisers }, statusClass };
  for (const file of shadow?.rules ?? []) {
    known.push(...readRuleFile(file));
    try {
      new RuleBook(known, words, () => 0);
    } catch (error) {
      const what = error instanceof Error ? error.message : "cannot be used";
      const problem = { what, expected: "normalisers by their names, and an id of its own for each rule" };
      throw new ConfigProblems(file, [{ severity: "error", line: 1, col: 1, path: "rules", ...problem }]);
    }
  }
}
