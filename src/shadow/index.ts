// The public face of the shadow (house §2).
export * from "./cassette/index.ts";
export { compareExchange, RouteRules } from "./compare/exchange.ts";
export { NORMALISERS } from "./compare/normalisers.ts";
export type { Observation, Reply } from "./observation.ts";
export { ruleSchema } from "./rules/rule.ts";
export type { Verdict } from "./verdict.ts";
