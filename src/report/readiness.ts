// Whether the candidate may serve (rollout §3.5): three answers, each with its reason. What is bad already outweighs what is missing.
import type { FamilyRow } from "../shadow/ports.ts";
import { comparisonsFor } from "./binomial.ts";
import { bound, boundsText, count, coverageText, limitText, plural } from "./format.ts";
import type { Gate } from "./input.ts";
import { type Finding, GATE_RULES, type GateRule, READINESS, type Readiness, type RouteReport } from "./model.ts";
import { by, ratioOf } from "./order.ts";
import type { RouteFigures } from "./routes.ts";

export const GATE: Gate = { coverageMin: 0.95, comparisonsMin: 200 };

type Figures = Pick<RouteFigures, "sampled" | "compared" | "coverage" | "notCompared">;
type FamilyFacts = Pick<FamilyRow, "route" | "severity" | "state" | "confirmedBy" | "isCarried">;

/**
 * Breaking ones from their first exchange, others when noise is ruled out (shadow §8), until a rule or a build ends them. What only
 * the build before has shown is no mismatch of this one (ADR 17).
 */
export const isCounting = ({ state, severity, confirmedBy, isCarried }: Omit<FamilyFacts, "route">): boolean =>
  !isCarried && (state === "open" || state === "regressed") && (severity === "breaking" || confirmedBy !== null);

/** Everything that is bad or missing, the worst first. @param unit all routes together */
export function findingsOf(
  routes: readonly RouteFigures[],
  families: readonly FamilyFacts[],
  unit: Figures,
  gate: Gate,
): readonly Finding[] {
  const mirrored = routes.filter(({ notMirrored }) => notMirrored === null);
  const findings = [
    ...mirrored.flatMap((route) => ofFamilies(route, families)),
    ...mirrored.flatMap((route) => [...ofMismatch(route, gate), ...ofComparisons(route, gate)]),
    ...mirrored.flatMap((route) => ofCoverage(route, route.route, gate)),
    ...ofCoverage(unit, null, gate),
    ...(mirrored.length > 0 ? [] : [NOTHING_MIRRORED]),
  ];
  return findings.sort(
    by(
      ({ state }) => READINESS.indexOf(state),
      ({ rule }) => GATE_RULES.indexOf(rule),
      ({ route }) => route ?? "",
    ),
  );
}

export interface Decision {
  readonly state: Readiness;
  readonly rule: GateRule | null;
}

/** @param findings the worst first */
export const decide = ([worst]: readonly Finding[]): Decision =>
  worst === undefined ? { state: "ready", rule: null } : { state: worst.state, rule: worst.rule };

/** What was found of one route decides its state. */
export function stateOf(figures: RouteFigures, findings: readonly Finding[], gate: Gate): RouteReport {
  const own = findings.filter(({ route }) => route === figures.route);
  const state = figures.notMirrored === null ? decide(own).state : "not mirrored";
  const comparisonsMissing = state === "not enough data" ? missingOf(figures, gate) : 0;
  return { ...figures, state, comparisonsMissing };
}

/** So many more are needed at least: if not one of them differs. */
function missingOf({ compared, different, limit, aboveNoise }: RouteFigures, gate: Gate): number {
  const isBounded = limit === null || (aboveNoise !== null && aboveNoise.high <= limit);
  const needed = isBounded ? 0 : comparisonsFor(different, limit);
  return Math.max(0, gate.comparisonsMin - compared, needed - compared);
}

const NOTHING_MIRRORED: Finding = {
  rule: "mirrored",
  state: "not enough data",
  route: null,
  value: 0,
  limit: 1,
  samples: 0,
  text: "no route is mirrored",
};

function ofFamilies({ route, compared }: RouteFigures, families: readonly FamilyFacts[]): readonly Finding[] {
  const counting = families.filter((one) => one.route === route && isCounting(one));
  const breaking = counting.filter(({ severity }) => severity === "breaking").length;
  const shared = { state: "not ready", route, limit: 0, samples: compared } as const;
  const told = (rule: "breaking" | "confirmed", value: number): readonly Finding[] =>
    value === 0 ? [] : [{ ...shared, rule, value, text: `${plural(value, `${rule} difference`)} open` }];
  return [...told("breaking", breaking), ...told("confirmed", counting.length - breaking)];
}

function ofMismatch(figures: RouteFigures, gate: Gate): readonly Finding[] {
  const { route, compared, aboveNoise, limit } = figures;
  if (aboveNoise === null || limit === null || aboveNoise.high <= limit) return [];
  const shared = { rule: "mismatch", route, value: aboveNoise.ratio, limit, samples: compared } as const;
  const text = `${boundsText(aboveNoise)} above noise, limit ${limitText(limit)}`;
  // Few comparisons may be bad luck, unless even their lower bound is above.
  const isAbove = aboveNoise.low > limit || (aboveNoise.ratio > limit && compared >= gate.comparisonsMin);
  if (isAbove) return [{ ...shared, state: "not ready", text }];
  if (compared < gate.comparisonsMin) return [];
  const more = plural(missingOf(figures, gate), "more comparison");
  return [{ ...shared, state: "not enough data", text: `${text}: may still be above it, at least ${more} needed` }];
}

function ofComparisons({ route, compared }: RouteFigures, { comparisonsMin }: Gate): readonly Finding[] {
  if (compared >= comparisonsMin) return [];
  const text = `${count(compared)} of ${plural(comparisonsMin, "comparison")}`;
  const value = compared;
  return [
    { rule: "comparisons", state: "not enough data", route, value, limit: comparisonsMin, samples: compared, text },
  ];
}

function ofCoverage(figures: Figures, route: string | null, { coverageMin }: Gate): readonly Finding[] {
  const { sampled, compared, notCompared } = figures;
  if (compared >= coverageMin * sampled) return [];
  const most = notCompared[0];
  const why = most === undefined ? "" : `, mostly for ${most.reason} (${bound(most.share, "down")} %)`;
  const text = `${coverageText(figures)}, needs ${limitText(coverageMin)}${why}`;
  const value = ratioOf(compared, sampled) ?? 0;
  return [{ rule: "coverage", state: "not enough data", route, value, limit: coverageMin, samples: sampled, text }];
}
