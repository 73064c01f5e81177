import type { ShadowApplication } from "../ports.ts";
import type { ComparisonRule } from "./rule.ts";

/** @param isLive the models of both arms answer by themselves (shadow K6) */
export const applicationRules = (
  { rules, liveModels }: Pick<ShadowApplication, "rules" | "liveModels">,
  isLive: boolean,
): readonly ComparisonRule[] => (isLive ? [...rules, ...(liveModels?.rules ?? [])] : rules);
