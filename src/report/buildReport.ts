// Evidence in, report out: no clock, no order of rows, nothing that is not in the input (shadow §16).
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { type GapRow, lookedAtBy, settleCarried, type Window } from "../shadow/ports.ts";
import { cannotSay } from "./cannotSay.ts";
import { familyReports, totalsSinceStart } from "./families.ts";
import { readinessText } from "./headline.ts";
import type { Gate, ReportFacts, ReportInput } from "./input.ts";
import type { ExpiredRule, ReportHead, RouteState, ShadowReport } from "./model.ts";
import { by, byText, ratioOf, sumOf } from "./order.ts";
import { decide, findingsOf, GATE, stateOf } from "./readiness.ts";
import { missing, type RouteFigures, routeFigures } from "./routes.ts";

const ROUTE_STATES: readonly RouteState[] = ["not ready", "not enough data", "ready", "not mirrored"];

export function buildReport(evidence: ReportInput): ShadowReport {
  const input = withSettled(evidence);
  const { campaign, window, facts } = input;
  const gate: Gate = { ...GATE, ...facts.gate };
  const figures = routeFigures(input);
  const unit = unitFigures(figures);
  const because = findingsOf(figures, input.families, unit, gate);
  const routes = figures
    .map((route) => stateOf(route, because, gate))
    .sort(by(({ state }) => ROUTE_STATES.indexOf(state))); // and by name, as they came
  const { families, leftOut } = familyReports(input);
  const gaps = gapsIn(input.gaps, window);
  const decision = decide(because);
  const head: ReportHead = {
    unit: campaign.unit,
    campaign: {
      id: campaign.id,
      builds: { control: campaign.controlBuild, candidate: campaign.candidateBuild },
      backends: facts.backends ?? { control: "control", candidate: "candidate" },
      rulesHash: campaign.rulesHash,
      startedMs: campaign.startedMs,
    },
    window: { fromMs: window.fromMs, toMs: window.toMs },
    ...unit,
    gate,
    readiness: { ...decision, text: readinessText(routes, because), because },
  };
  return {
    schemaVersion: 2,
    head,
    routes,
    families,
    leftOut,
    gaps,
    groups: facts.groups,
    expiredRules: expiredRules(facts),
    cannotSay: cannotSay(input, { routes: figures, gate, gaps: gaps.length, leftOut }),
  };
}

/** What all processes together have looked for long enough is fixed (shadow §4). */
function withSettled(input: ReportInput): ReportInput {
  const { families, campaign, window } = input;
  const totals = totalsSinceStart(input);
  return totals === null
    ? input
    : { ...input, families: settleCarried(families, lookedAtBy(totals), campaign, window.toMs) };
}

/** 0 for ready, 1 for the others (ux §6). */
export const exitCodeOf = ({ head }: ShadowReport): ExitCode =>
  head.readiness.state === "ready" ? EXIT.fine : EXIT.finding;

function unitFigures(routes: readonly RouteFigures[]) {
  const sampled = sumOf(routes.map((route) => route.sampled));
  const compared = sumOf(routes.map((route) => route.compared));
  const counts = new Map<string, number>();
  for (const { reason, count } of routes.flatMap(({ notCompared }) => notCompared)) {
    counts.set(reason, (counts.get(reason) ?? 0) + count);
  }
  return { sampled, compared, coverage: ratioOf(compared, sampled), notCompared: missing([...counts], sampled) };
}

const gapsIn = (gaps: readonly GapRow[], { fromMs, toMs }: Window): readonly GapRow[] =>
  gaps
    .filter((gap) => gap.toMs >= fromMs && gap.fromMs < toMs)
    .map((gap) => ({ process: gap.process, fromMs: gap.fromMs, toMs: gap.toMs }))
    .sort(
      by(
        (gap) => gap.fromMs,
        (gap) => gap.toMs,
        ({ process }) => process,
      ),
    );

const expiredRules = ({ expiredRules: rules }: ReportFacts): readonly ExpiredRule[] =>
  rules
    .map(({ id, owner, reason, until, on }) => ({ id, owner, reason, until: until ?? null, on: [...on].sort(byText) }))
    .sort(
      by(
        ({ until }) => until ?? "",
        ({ id }) => id,
      ),
    );
