import type { Arm } from "../../../kernel/index.ts";
import type { RoutePlan } from "../../plans.ts";
import type { ArmSettings, ShadowSettings, TargetSettings } from "../shadowSettings.ts";

export interface Where {
  readonly serving?: string;
  readonly target?: string | TargetSettings;
}

export function settingsFor(
  plans: readonly RoutePlan[],
  where: Readonly<Partial<Record<Arm, Where>>> = {},
  more: Partial<ShadowSettings> = {},
): ShadowSettings {
  const arm = (name: Arm): ArmSettings => {
    const { serving, target } = where[name] ?? {};
    const settings =
      typeof target === "string" ? { origin: target, isGuarded: false, tokenKey: "k".repeat(32) } : target;
    return { serving: serving === undefined ? [] : [serving], target: settings ?? null };
  };
  return {
    plans: new Map(plans.map((plan) => [plan.id, plan])),
    hop: "hop",
    rules: [],
    surfaces: {},
    isLearningIds: null,
    repeatsShare: 0,
    arms: { control: arm("control"), candidate: arm("candidate") },
    cassette: null,
    seeds: null,
    build: null,
    ...more,
  };
}
