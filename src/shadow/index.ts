// The public face of the shadow (house §2).
export * from "./cassette/index.ts";
export { compareExchange } from "./compare/exchange.ts";
export { NORMALISERS } from "./compare/normalisers.ts";
export { checkRules } from "./rules/checkRules.ts";
export { readRuleFile } from "./rules/ruleFiles.ts";
export { createShadowMirror, type ShadowMirrorOptions } from "./serving/shadowMirror.ts";
export { runShadowThread } from "./threads/runShadowThread.ts";
export type { Observation, Reply } from "./observation.ts";
export { ruleSchema } from "./rules/rule.ts";
export { RuleBook } from "./rules/ruleBook.ts";
export type { Verdict } from "./verdict.ts";
