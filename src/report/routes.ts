// The figures of each route: counts, shares and latencies, before anything is judged.
import { type Arm, ARMS } from "../kernel/index.ts";
import { LogHistogram, type RouteTotals, VERDICTS, type VerdictName } from "../shadow/ports.ts";
import { exactBounds } from "./binomial.ts";
import type { ReportInput, RouteFacts } from "./input.ts";
import type { ArmLatency, MissingCount, MissingReason, RouteReport, Share } from "./model.ts";
import { by, byText, ratioOf, rounded, sumOf } from "./order.ts";

/** What is let pass above noise where the caller says nothing else. */
export const LIMITS = { http: 0.005, socket: 0.01 } as const;

export type RouteFigures = Omit<RouteReport, "state" | "comparisonsMissing">;

const NOTHING: Omit<RouteTotals, "route"> = {
  sampled: 0,
  verdicts: {},
  notCompared: {},
  latency: { control: {}, candidate: {} },
};

/** Every route that the caller names, or of which there is evidence, by name. */
export function routeFigures({ totals, families, facts }: ReportInput): readonly RouteFigures[] {
  const known = new Map(facts.routes.map((one) => [one.route, one]));
  const counted = new Map(totals.map((one) => [one.route, one]));
  const differing = new Set(families.flatMap(({ route, isCarried }) => (isCarried ? [] : [route])));
  return [...new Set([...known.keys(), ...counted.keys(), ...differing])].sort(byText).map((route) => {
    const one = counted.get(route) ?? NOTHING;
    // What was found while it was mirrored is not forgotten when it no longer is.
    const hasEvidence = one.sampled > 0 || differing.has(route);
    return figures(route, known.get(route), one, hasEvidence);
  });
}

function figures(
  route: string,
  facts: RouteFacts | undefined,
  { verdicts, notCompared, latency, ...totals }: Omit<RouteTotals, "route">,
  hasEvidence: boolean,
): RouteFigures {
  const kind = facts?.kind ?? (route.startsWith("WS ") ? "socket" : "http");
  const failures = verdicts.shadow_failed ?? 0;
  // An arm that gave no answer was compared with nothing: however many of these there are, they prove no parity.
  const compared = comparedOf(verdicts);
  const judged = compared + failures + sumOf(Object.values(notCompared));
  const sampled = Math.max(totals.sampled, judged);
  const isMirrored = facts === undefined || facts.mode !== "never" || hasEvidence;
  const different = verdicts.different ?? 0;
  const noise = (verdicts.noise ?? 0) + (verdicts.transient ?? 0);
  return {
    route,
    kind,
    mode: facts?.mode ?? null,
    notMirrored: isMirrored ? null : (facts.reason ?? "unsafe_write"),
    sampled,
    compared,
    coverage: ratioOf(compared, sampled),
    notCompared: missing(
      [...Object.entries(notCompared), ["shadow_failed", failures], ["open", sampled - judged]],
      sampled,
    ),
    verdicts: Object.fromEntries(
      VERDICTS.filter((name) => (verdicts[name] ?? 0) > 0).map((name) => [name, verdicts[name]]),
    ),
    different,
    mismatchRatio: ratioOf(different + noise, compared),
    noiseFloor: ratioOf(noise, compared),
    aboveNoise: compared > 0 ? shareOf(different, compared) : null,
    shadowFailures: { count: failures, ratio: ratioOf(failures, compared + failures) },
    latency: Object.fromEntries(ARMS.map((arm) => [arm, latencyOf(latency[arm])])) as Record<Arm, ArmLatency | null>,
    limit: isMirrored ? (facts?.limit ?? LIMITS[kind]) : null,
  };
}

/** Both arms did something that could be set side by side (shadow §7). */
export const comparedOf = (verdicts: Readonly<Partial<Record<VerdictName, number>>>): number =>
  sumOf(VERDICTS.filter((name) => name !== "not_compared" && name !== "shadow_failed").map((name) => verdicts[name]));

/** The most frequent first. */
export function missing(
  counts: readonly (readonly [reason: string, count: number])[],
  sampled: number,
): readonly MissingCount[] {
  return counts
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => ({ reason: reason as MissingReason, count, share: count / sampled }))
    .sort(
      by(
        ({ count }) => -count,
        ({ reason }) => reason,
      ),
    );
}

function shareOf(found: number, of: number): Share {
  const { low, high } = exactBounds(found, of);
  return { found, of, ratio: found / of, low: rounded(low), high: rounded(high) };
}

function latencyOf(counts: Readonly<Record<string, number>>): ArmLatency | null {
  const histogram = new LogHistogram(counts);
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => histogram.quantile(share));
  if (p50 == null || p90 == null || p99 == null) return null;
  return { count: histogram.total, p50Ms: rounded(p50, 3), p90Ms: rounded(p90, 3), p99Ms: rounded(p99, 3) };
}
