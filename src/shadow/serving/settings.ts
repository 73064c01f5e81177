// What the threads get of the configuration.
import type { Config } from "../../config/index.ts";
import { type Arm, ARMS, otherArm, type UnitId } from "../../kernel/index.ts";
import { type Builds, hashOfRules } from "../campaign.ts";
import type { Plans } from "../plans.ts";
import type { ShadowApplication } from "../ports.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import type { ArmSettings, ShadowSettings } from "../threads/shadowSettings.ts";
import type { SeedAheadSettings } from "./seedAhead.ts";

export function settingsOf(
  config: Config,
  hop: string,
  plans: Plans,
  rules: readonly ComparisonRule[],
  build: ShadowApplication["build"],
): ShadowSettings {
  const { shadow } = config;
  const arm = (name: Arm): ArmSettings => {
    const target = shadow?.targets[name] ?? null;
    const serving = config.arms[name].urls;
    if (target === null) return { serving, target: null };
    const { url: origin, guard, jwtSecret: tokenKey } = target;
    return { serving, target: { origin, isGuarded: guard === "required", tokenKey } };
  };
  const { control, candidate } = shadow?.targets ?? { control: null, candidate: null };
  const targetTokens = { control: control?.serviceToken ?? null, candidate: candidate?.serviceToken ?? null };
  const hasSeeds = config.continuity !== null && (targetTokens.control !== null || targetTokens.candidate !== null);
  return {
    seeds: hasSeeds ? { servingToken: config.continuity?.token ?? "", targetTokens } : null,
    plans,
    hop,
    rules,
    surfaces: shadow?.surfaces ?? {},
    isLearningIds: shadow?.isLearningIds ?? null,
    repeatsShare: shadow?.repeatsShare ?? 0,
    arms: { control: arm("control"), candidate: arm("candidate") },
    cassette:
      shadow?.cassette == null
        ? null
        : {
            replay: shadow.cassette.replay,
            missesToken: shadow.cassette.missesToken,
            isLive: shadow.cassette.isLive,
          },
    build: shadow?.build ?? ([...plans.values()].some(({ isPlain }) => !isPlain) ? build : null),
  };
}

/** Who may be seeded before their first call, and what begins a new run of that (shadow J1). */
export function aheadOf(settings: ShadowSettings, { control, candidate }: Partial<Builds>): SeedAheadSettings {
  const { seeds, arms, plans, rules } = settings;
  const samplePercent = new Map<UnitId, number>();
  for (const plan of plans.values()) {
    if (!plan.isStateful) continue;
    samplePercent.set(plan.unit, Math.max(samplePercent.get(plan.unit) ?? 0, plan.samplePercent));
  }
  const served = ARMS.filter(
    (arm) => arms[otherArm(arm)].target !== null && seeds?.targetTokens[otherArm(arm)] != null,
  );
  const targets = served.map((arm) => arms[otherArm(arm)].target?.origin);
  const hasBuilds = control !== undefined && candidate !== undefined;
  const isLive = settings.cassette?.isLive === true;
  const campaign = hasBuilds ? JSON.stringify([control, candidate, hashOfRules(rules), isLive, targets]) : null;
  return { campaign, samplePercent, arms: served };
}
