// Whether the rules of a configuration can be used, asked before anybody uses them: a reload with a bad one is refused whole.
import type { Config } from "../../config/index.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ShadowApplication } from "../ports.ts";
import { readRuleFile } from "./ruleFiles.ts";

/** @throws ConfigProblems of the first file that cannot be used */
export function checkRules(
  { shadow }: Pick<Config, "shadow">,
  { rules, normalisers }: Pick<ShadowApplication, "rules" | "normalisers">,
): void {
  const taken = new Map(rules.map(({ id }) => [id, "the application's rules"]));
  for (const file of shadow?.rules ?? []) {
    const read = readRuleFile(file, { normalisers: { ...NORMALISERS, ...normalisers }, taken });
    for (const { id } of read.rules) taken.set(id, file);
  }
}
