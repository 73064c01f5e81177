// What a report is made of: one campaign of the evidence, and what the configuration says of its unit.
import type { Arm } from "../../kernel/index.ts";
import type { AcceptingRule, ReportFacts, ReportInput, RouteFacts } from "../../report/index.ts";
import { type ComparisonRule, hashOfRules, isLive } from "../../shadow/index.ts";
import type { CliContext } from "../context.ts";
import type { CliShadow } from "../ports.ts";
import type { Chosen } from "./chosen.ts";
import { reachOf, type StoredPlace } from "./ruleReach.ts";
import { areModelsLive, bookOf, goodRules, routeOf, rulesOfFiles, settingOf, type UnitSetting } from "./unitSetting.ts";

type Family = ReportInput["families"][number];

export interface ReportReading extends Chosen {
  readonly application: CliShadow;
  /** Of the end of the evidence; null: all of it. */
  readonly sinceMs: number | null;
  complain(text: string): void;
  talk(text: string): void;
}

/** @throws CliError for rule files that cannot be used */
export const reportInput = ({ deps, out }: CliContext, chosen: Chosen, sinceMs: number | null): Promise<ReportInput> =>
  readReportInput({
    ...chosen,
    application: deps.shadow,
    sinceMs,
    complain: (text) => out.complain(text),
    talk: (text) => out.talk(text),
  });

/** For whoever has no terminal. @throws CliError for rule files that cannot be used */
export async function readReportInput(reading: ReportReading): Promise<ReportInput> {
  const { config, evidence, campaign, application, sinceMs } = reading;
  const { id, untilMs: toMs } = campaign;
  const setting = settingOf(config, campaign.unit, application, goodRules(rulesOfFiles(config, application)));
  if (setting.unit === null)
    reading.complain(`The configuration has no unit "${campaign.unit}": its routes are not known.`);
  else if (hashOfRules(setting.rules) !== campaign.rulesHash)
    reading.talk("Other rules hold now than those of this campaign: what they say shows in the next one.");
  const families = await evidence.families(id);
  const samples = await evidence.allSamples(id);
  // No clock: the same evidence is the same report (shadow §16).
  const fromMs = sinceMs === null ? campaign.startedMs : Math.max(campaign.startedMs, toMs - sinceMs);
  const whole = { fromMs: campaign.startedMs, toMs };
  const { untilMs: _, ...row } = campaign;
  return {
    campaign: row,
    window: { fromMs, toMs },
    totals: await evidence.totals(id, { fromMs, toMs }),
    ...(fromMs > campaign.startedMs ? { totalsSinceStart: await evidence.totals(id, whole) } : {}),
    families,
    samples,
    gaps: await evidence.gaps(id),
    facts: factsOf(config, setting, application, { families, groups: await evidence.groups(id), nowMs: toMs }),
  };
}

function factsOf(
  { arms, shadow }: Chosen["config"],
  setting: UnitSetting,
  application: CliShadow,
  {
    families,
    groups,
    nowMs,
  }: { readonly families: readonly Family[]; readonly groups: ReportFacts["groups"]; readonly nowMs: number },
): ReportFacts {
  const arm = <T>(of: (name: Arm) => T) => ({ control: of("control"), candidate: of("candidate") });
  const accepting = setting.rules.filter((rule) => rule.accept !== undefined && isLive(rule, nowMs));
  const acceptedBy = new Map<string, AcceptingRule>();
  for (const family of families) {
    const rule = family.state === "accepted" ? acceptingRule(accepting, family, setting, application) : undefined;
    if (rule !== undefined) acceptedBy.set(family.name, rule);
  }
  const limits = new Map(shadow?.routes.map(({ route, limitRatio }) => [route, limitRatio]));
  return {
    routes: (setting.unit?.routes ?? []).map(({ id, methods }): RouteFacts => {
      const limit = limits.get(id) ?? null;
      return {
        route: id,
        kind: methods.includes("WS") ? "socket" : "http",
        mode: setting.plans.get(id)?.mode ?? "never",
        ...(limit === null ? {} : { limit }),
      };
    }),
    backends: arm((name) => arms[name].backend),
    groups,
    groupsCompared: null,
    expiredRules: bookOf(setting, setting.rules, application, () => nowMs).ended,
    acceptedBy,
    guards: arm((name) => shadow?.targets[name]?.guard ?? null),
    areRepeatsOn: (shadow?.repeatsShare ?? 0) > 0,
    areModelsLive: areModelsLive({ shadow }),
  };
}

function acceptingRule(
  rules: readonly ComparisonRule[],
  family: Family,
  setting: UnitSetting,
  { statusClass }: CliContext["deps"]["shadow"],
): ComparisonRule | undefined {
  const place: StoredPlace = { ...family, path: family.template, route: routeOf(setting, family.route), status: null };
  return rules.find((rule) => reachOf(rule, place, statusClass) !== "none");
}
