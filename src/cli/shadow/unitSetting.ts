// What the configuration and the application say of one unit's shadow, as its threads would have it.
import { type Config, ConfigProblems, type UnitConfig } from "../../config/index.ts";
import { EXIT, type UnitId } from "../../kernel/index.ts";
import {
  applicationRules,
  compilePlans,
  type ComparisonRule,
  NORMALISERS,
  readRuleFile,
  type RoutePlan,
  RuleBook,
} from "../../shadow/index.ts";
import { CliError } from "../cliError.ts";
import type { CliShadow } from "../ports.ts";

export interface UnitSetting {
  readonly unit: UnitConfig | null;
  readonly plans: ReadonlyMap<string, RoutePlan>;
  /** Of the application, unless it does not know the unit, and of the files. */
  readonly rules: readonly ComparisonRule[];
  readonly isPlain: boolean;
  readonly isLearningIds: boolean;
}

export const wordsOf = ({ normalisers, statusClass }: CliShadow) => ({
  normalisers: { ...NORMALISERS, ...normalisers },
  statusClass,
});

export interface FileRules {
  readonly rules: readonly ComparisonRule[];
  /** Of each file that cannot be used. */
  readonly problems: readonly ConfigProblems[];
  /** Where each id stands, those of the application too. */
  readonly taken: ReadonlyMap<string, string>;
}

/** Of the files that the configuration names, all but those that `isWanted` leaves out. */
export function rulesOfFiles(
  { shadow }: Pick<Config, "shadow">,
  application: CliShadow,
  isWanted: (file: string) => boolean = () => true,
): FileRules {
  // Those too that hold at other times: no file may take their names.
  const taken = new Map(applicationRules(application, true).map(({ id }) => [id, "the application"]));
  const rules: ComparisonRule[] = [];
  const problems: ConfigProblems[] = [];
  for (const file of (shadow?.rules ?? []).filter(isWanted)) {
    try {
      const read = readRuleFile(file, { normalisers: wordsOf(application).normalisers, taken });
      for (const { id } of read.rules) taken.set(id, file);
      rules.push(...read.rules);
    } catch (error) {
      if (!(error instanceof ConfigProblems)) throw error;
      problems.push(error);
    }
  }
  return { rules, problems, taken };
}

export const areModelsLive = ({ shadow }: Pick<Config, "shadow">): boolean => shadow?.cassette?.isLive === true;

/** @throws CliError with every problem of every file */
export function goodRules({ rules, problems }: FileRules): readonly ComparisonRule[] {
  if (problems.length === 0) return rules;
  throw new CliError(EXIT.configuration, problems.map(({ message }) => message).join("\n"));
}

export function settingOf(
  config: Config,
  id: UnitId,
  application: CliShadow,
  fileRules: readonly ComparisonRule[],
): UnitSetting {
  const all = compilePlans(config, application.mirroring);
  const plans = new Map([...all].filter(([, plan]) => plan.unit === id));
  const isPlain = [...plans.values()].every((plan) => plan.isPlain);
  return {
    unit: config.units.get(id) ?? null,
    plans,
    isPlain,
    rules: [...(isPlain ? [] : applicationRules(application, areModelsLive(config))), ...fileRules],
    isLearningIds: config.shadow?.isLearningIds ?? (!isPlain && application.identity.mode === "learnt"),
  };
}

/** @param now epoch ms @throws RangeError for rules that do not go together */
export const bookOf = (
  { isPlain }: Pick<UnitSetting, "isPlain">,
  rules: readonly ComparisonRule[],
  application: CliShadow,
  now: () => number,
): RuleBook => new RuleBook(rules, wordsOf(application), now, isPlain ? [] : application.checks);

/** As evidence calls it; one that the configuration no longer has is what its label says. */
export function routeOf(
  { plans }: UnitSetting,
  label: string,
): Pick<RoutePlan, "id" | "methods" | "paths" | "surface"> {
  const plan = plans.get(label);
  if (plan !== undefined) return plan;
  const [method = "", path = ""] = label.split(" ");
  return { id: label, methods: [method], paths: [path], surface: null };
}
