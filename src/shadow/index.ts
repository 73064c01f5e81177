// The public face of the shadow (house §2).
export * from "./cassette/index.ts";
export { hashOfRules } from "./campaign.ts";
export { compareExchange } from "./compare/exchange.ts";
export { NORMALISERS } from "./compare/normalisers.ts";
export { checkRules } from "./rules/checkRules.ts";
export type { SampleRow } from "./evidence/model.ts";
export {
  EvidenceProblem,
  type FoundBodies,
  readEvidence,
  readFleetEvidence,
  type StoredCampaign,
  type StoredEvidence,
} from "./evidence/readEvidence.ts";
export { createGroupPrint } from "./evidence/fingerprint.ts";
export { EvidenceError } from "./evidence/evidenceError.ts";
export { type InspectedFile, inspectEvidence, sizeOfFleetEvidence } from "./evidence/inspectEvidence.ts";
export { openSqliteEvidence } from "./evidence/sqliteEvidence.ts";
export { readSample, type SampleBody, type SampleDifference, type SampleSide } from "./evidence/sampleBody.ts";
export { removeSamples, type SampleRemoval, type SampleRemovalAsked, sumRemoved } from "./evidence/removeSamples.ts";
export { IdentityMap } from "./identity/identityMap.ts";
export { askGuard, type GuardState } from "./mirror/guardProbe.ts";
export { createMatcher, type Place } from "./paths/matcher.ts";
export { parsePattern } from "./paths/pattern.ts";
export { compilePlans, type RoutePlan } from "./plans.ts";
export type { ShadowApplication } from "./ports.ts";
export { applicationRules } from "./rules/applicationRules.ts";
export { namesOf, plainNameOf } from "./rules/routeNames.ts";
export { readRuleFile, type RuleFile } from "./rules/ruleFiles.ts";
export { createShadowMirror, type ShadowMirrorOptions } from "./serving/shadowMirror.ts";
export { runShadowThread } from "./threads/runShadowThread.ts";
export type { Observation, Reply } from "./observation.ts";
export { type ComparisonRule, isForStatus, isLive, ruleSchema } from "./rules/rule.ts";
export { RuleBook } from "./rules/ruleBook.ts";
export type { Verdict } from "./verdict.ts";
export { type Difference, type VerdictName, VERDICTS } from "./words.ts";
