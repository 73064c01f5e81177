import { z } from "zod";
import type { ClientFeatures, FeatureDefinition, StrategyDefinition } from "./ports.ts";
import { GROUP_ID } from "./rank.ts";

const constraintSchema = z.looseObject({
  contextName: z.string(),
  operator: z.string(),
  values: z.array(z.string()).optional(),
  inverted: z.boolean().optional(),
});
const strategySchema = z.looseObject({
  name: z.string().min(1),
  parameters: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
  constraints: z.array(constraintSchema).nullish(),
  segments: z.array(z.number()).nullish(),
});
const featureSchema = z.looseObject({
  name: z.string(),
  enabled: z.boolean(),
  strategies: z.array(strategySchema).nullish(),
  dependencies: z.array(z.looseObject({ feature: z.string() })).nullish(),
});
type RawStrategy = z.infer<typeof strategySchema>;

/** Operators the SDK reads `values` for; without the list it throws. */
const LIST_OPERATORS = new Set(["IN", "NOT_IN", "STR_ENDS_WITH", "STR_STARTS_WITH", "STR_CONTAINS", "IN_CIDR"]);

/** A share as a flag may hold it: 0 … 100, at most one decimal (rollout.md §1.2). */
export const isPercent = (text: string): boolean => /^(100(\.0)?|\d{1,2}(\.\d)?)$/.test(text);

type Read<T> = { readonly problem: string } | { readonly value: T };

/** rollout.md §1.3: what the server lets through and nobody may be served by. */
function shareProblem(parameters: Readonly<Record<string, string>>): string | null {
  const { rollout = "", stickiness = "userId", groupId = GROUP_ID } = parameters;
  if (!isPercent(rollout)) return `rollout "${rollout}" is no percentage from 0 to 100 with at most one decimal`;
  if (stickiness !== "userId" && stickiness !== "default") {
    return `stickiness "${stickiness}" is refused: only "userId" gives a subject the same arm each time`;
  }
  // Another group would draw other subjects: cohorts would no longer be nested across units.
  if (groupId !== GROUP_ID) return `groupId "${groupId}" is refused: all units share "${GROUP_ID}"`;
  return null;
}

function readStrategy(raw: RawStrategy): Read<StrategyDefinition> {
  for (const { operator, values } of raw.constraints ?? []) {
    if (LIST_OPERATORS.has(operator) && !values)
      return { problem: `a constraint with ${operator} has no list of values` };
  }
  if (raw.name === "gradualRolloutRandom")
    return { problem: "strategy gradualRolloutRandom draws a random number each time" };
  const parameters = Object.fromEntries(
    Object.entries(raw.parameters ?? {}).map(([key, value]) => [key, String(value)]),
  );
  const { constraints, segments, parameters: _raw, ...rest } = raw;
  const lists = { ...(constraints ? { constraints } : {}), ...(segments ? { segments } : {}) };
  if (raw.name !== "flexibleRollout") return { value: { ...rest, ...lists, parameters } };
  const problem = shareProblem(parameters);
  if (problem) return { problem };
  return { value: { ...rest, ...lists, parameters: { ...parameters, stickiness: "userId", groupId: GROUP_ID } } };
}

/**
 * Reads a unit's flag: either why nobody may be served by it, or its definition as the engine gets it
 * (numbers as text, `default` stickiness read as `userId`, a missing group as ours).
 */
export function readUnitFlag(feature: FeatureDefinition): Read<FeatureDefinition> {
  const checked = featureSchema.safeParse(feature);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    return { problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}` };
  }
  const { strategies: raw, ...rest } = checked.data;
  if (!rest.enabled) return { value: { ...rest, strategies: [] } };
  if (!raw?.length) return { problem: "it is on without strategies, which would serve everyone from the candidate" };
  const strategies: StrategyDefinition[] = [];
  for (const [at, strategy] of raw.entries()) {
    const read = readStrategy(strategy);
    if ("problem" in read) return { problem: `strategies.${at}: ${read.problem}` };
    strategies.push(read.value);
  }
  return { value: { ...rest, strategies } };
}

export interface FlagFault {
  readonly flag: string;
  readonly problem: string;
  /** What holds instead. */
  readonly kept: "last valid definition" | "off";
}

export interface Accepted {
  readonly data: ClientFeatures;
  readonly faults: readonly FlagFault[];
  /** The definitions that hold, by flag: the next call's `held`. */
  readonly held: ReadonlyMap<string, FeatureDefinition>;
}

const switchedOff = (name: string, held: FeatureDefinition | undefined): FeatureDefinition =>
  Object.freeze({ ...held, name, enabled: false, strategies: held?.strategies ?? [] });

/**
 * What of a new document holds. An invalid unit flag keeps the definition that held before, except that `enabled: false`
 * is obeyed even then (rollout.md §1.3); a flag that is gone is gone, because *unknown* means control.
 */
export function accept(
  data: ClientFeatures,
  unitFlags: ReadonlySet<string>,
  before: ReadonlyMap<string, FeatureDefinition>,
): Accepted {
  const faults: FlagFault[] = [];
  const held = new Map<string, FeatureDefinition>();
  const counts = new Map<string, number>();
  for (const { name } of data.features) counts.set(name, (counts.get(name) ?? 0) + 1);

  const holds = (feature: FeatureDefinition): FeatureDefinition | null => {
    const read =
      counts.get(feature.name) === 1 ? readUnitFlag(feature) : { problem: "the file holds several flags of this name" };
    if ("value" in read) return feature;
    const last = before.get(feature.name);
    const isOff = data.features.some(({ name, enabled }) => name === feature.name && enabled === false);
    const keep = isOff ? switchedOff(feature.name, last) : (last ?? null);
    faults.push({ flag: feature.name, problem: read.problem, kept: keep?.enabled ? "last valid definition" : "off" });
    return keep;
  };

  const features: FeatureDefinition[] = [];
  const seen = new Set<string>();
  for (const feature of data.features) {
    if (seen.has(feature.name)) continue;
    seen.add(feature.name);
    const kept = unitFlags.has(feature.name) ? holds(feature) : feature;
    if (!kept) continue;
    if (unitFlags.has(feature.name)) held.set(feature.name, kept);
    features.push(kept);
  }
  return { data: Object.freeze({ ...data, features: Object.freeze(features) }), faults, held };
}
