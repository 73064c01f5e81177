// At most 60 lines, for a comment on a pull request (ux §6).
import { againText } from "./askedAgain.ts";
import {
  boundsText,
  changeText,
  count,
  coveragePercent,
  coverageText,
  duration,
  limitText,
  percent,
  plural,
  sentence,
  shortMoment,
} from "./format.ts";
import { isParity, stateDetail } from "./headline.ts";
import { type Align, code, plain, table } from "./markdownText.ts";
import type { FamilyReport, ReportHead, RouteReport, ShadowReport } from "./model.ts";
import { sumOf } from "./order.ts";

const ROUTES_MAX = 30;
const FAMILIES_MAX = 5;
const REASONS_MAX = 8;
const EXPIRED_MAX = 5;
const BLIND_MAX = 10;

export function toMarkdown(report: ShadowReport): string {
  const { head, routes, families, gaps, groups, expiredRules, cannotSay } = report;
  const shown = routes.slice(0, ROUTES_MAX);
  const top = families.filter((one) => isOpen(one) && one.unseen === null).slice(0, FAMILIES_MAX);
  const lines = [
    titleOf(head),
    `**${head.readiness.state.toUpperCase()}**: ${head.readiness.text}. ${sentence(coverageText(head))}.`,
    "",
    ...table(
      HEAD,
      ALIGNS,
      shown.map((one) => rowOf(one, head)),
    ),
    ...(routes.length > shown.length ? ["", furtherRoutes(routes.slice(ROUTES_MAX))] : []),
    "",
    ...top.map(topLine),
    ...beforeLine(families, head),
    notCompared(head),
    ...(gaps.length > 0
      ? [
          `Gaps: ${plural(gaps.length, "time")} without evidence, ${duration(sumOf(gaps.map(({ fromMs, toMs }) => toMs - fromMs)))} in all`,
        ]
      : []),
    ...(groups === null
      ? []
      : [
          `Groups: ${count(groups.seeded)} seeded, ${count(groups.diverged)} diverged, ${count(groups.waiting)} waiting`,
        ]),
    ...(expiredRules.length > 0
      ? [
          `Expired rules: ${listed(
            expiredRules.map(({ id }) => plain(id)),
            EXPIRED_MAX,
          )}`,
        ]
      : []),
    ...(cannotSay.length > 0
      ? ["", "This campaign cannot say:", ...cannotSay.slice(0, BLIND_MAX).map(({ text }) => `- ${plain(text)}`)]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

const HEAD = ["Route", "Compared", "Mismatch", "Noise floor", "Above noise (95 %)", "Limit", "State"];
const ALIGNS: readonly Align[] = ["left", "right", "right", "right", "left", "right", "left"];

function titleOf({ unit, window, campaign }: ReportHead): string {
  const { builds, backends, rulesHash } = campaign;
  return [
    `### Shadow report · ${plain(unit)}`,
    `${shortMoment(window.fromMs)} → ${shortMoment(window.toMs)} UTC`,
    `${plain(`${backends.control} ${builds.control}`)}, ${plain(`${backends.candidate} ${builds.candidate}`)}`,
    `rules ${plain(rulesHash.slice(0, 8))}`,
  ].join(" · ");
}

function rowOf(one: RouteReport, { gate, readiness }: ReportHead): readonly string[] {
  const { route, mode, compared, coverage, mismatchRatio, noiseFloor, aboveNoise, limit, state } = one;
  const name = plain(route) + (mode === "sandbox" ? " (sandbox)" : "");
  const detail = stateDetail(one, readiness.because);
  const word = state === "not ready" ? "**not ready**" : state;
  const told = detail === null ? word : `${word} (${plain(detail)})`;
  if (state === "not mirrored") return [name, "–", "–", "–", "–", "–", told];
  const done = coverage === null ? count(compared) : `${count(compared)} (${coveragePercent(coverage)})`;
  if (aboveNoise === null || !isParity(one, gate)) return [name, done, "–", "–", "–", limitText(limit), told];
  return [name, done, percent(mismatchRatio), percent(noiseFloor), boundsText(aboveNoise), limitText(limit), told];
}

function furtherRoutes(routes: readonly RouteReport[]): string {
  const states = ["not ready", "not enough data", "ready", "not mirrored"] as const;
  const counts = states.map((state) => ({ state, found: routes.filter((one) => one.state === state).length }));
  const told = counts.filter(({ found }) => found > 0).map(({ state, found }) => `${count(found)} ${state}`);
  return `And ${plural(routes.length, "more route")}: ${told.join(", ")}.`;
}

const isOpen = ({ state }: FamilyReport): boolean => state === "open" || state === "regressed";

/** What became of the differences of the build before. */
function beforeLine(families: readonly FamilyReport[], { campaign }: ReportHead): readonly string[] {
  const build = campaign.builds.candidate;
  const fixed = families.filter((one) => one.state === "fixed" && one.fixed?.build === build).length;
  const waiting = families.filter((one) => isOpen(one) && one.unseen !== null);
  const told = [
    fixed > 0 && `${count(fixed)} fixed in build ${plain(build)}`,
    waiting.length > 0 && `${count(waiting.length)} open and not seen since${leastCompared(waiting)}`,
  ].filter((part) => part !== false);
  return told.length === 0 ? [] : [`Of the build before: ${told.join(", ")}`];
}

function leastCompared(waiting: readonly FamilyReport[]): string {
  const counted = waiting.flatMap(({ unseen }) => (unseen?.needed != null && unseen.compared !== null ? [unseen] : []));
  const [least] = counted.sort((one, other) => (one.compared ?? 0) - (other.compared ?? 0));
  if (least?.needed == null) return "";
  return ` (${counted.length > 1 ? "the least " : ""}${count(least.compared ?? 0)} of ${count(least.needed)} comparisons)`;
}

function topLine(family: FamilyReport): string {
  const { route, template, kind, seen, compared, groups, severity, isCounting } = family;
  const again = againText(family.askedAgain);
  const parts = [
    plain(route),
    code(template),
    `${kind} ${plain(changeText(family))}`,
    compared === null ? `${count(seen)} seen` : `${count(seen)} of ${count(compared)}`,
    plural(groups, "group"),
    isCounting ? severity : `${severity}, not confirmed`,
    ...(again === null ? [] : [again]),
  ];
  return `Top: ${parts.join(" · ")}`;
}

function notCompared({ sampled, compared, notCompared: reasons }: ReportHead): string {
  const told = reasons.map(({ reason, count: found }) => `${plain(reason)} ${count(found)}`);
  return `Not compared: ${count(sampled - compared)}${told.length > 0 ? ` = ${listed(told, REASONS_MAX)}` : ""}`;
}

function listed(items: readonly string[], max: number): string {
  const further = items.length - max;
  return [...items.slice(0, max), ...(further > 0 ? [`${further} more`] : [])].join(", ");
}
