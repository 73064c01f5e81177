// Adding up what processes counted (shadow §14): counts and histograms are mergeable, in any order.
import { ARMS } from "../../kernel/index.ts";
import { LogHistogram } from "./logHistogram.ts";
import type { MinuteRow, RouteTotals } from "./model.ts";

type Counts = Readonly<Record<string, number | undefined>>;

function added(one: Counts, other: Counts): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of [one, other]) {
    for (const [name, count = 0] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

export function addTotals(one: RouteTotals, other: Omit<RouteTotals, "route">): RouteTotals {
  const latency = ARMS.map((arm) => {
    const histogram = new LogHistogram(one.latency[arm]);
    histogram.add(other.latency[arm]);
    return [arm, histogram.counts] as const;
  });
  return {
    route: one.route,
    sampled: one.sampled + other.sampled,
    verdicts: added(one.verdicts, other.verdicts),
    notCompared: added(one.notCompared, other.notCompared),
    latency: Object.fromEntries(latency) as RouteTotals["latency"],
  };
}

export const NO_TOTALS: Omit<RouteTotals, "route"> = {
  sampled: 0,
  verdicts: {},
  notCompared: {},
  latency: { control: {}, candidate: {} },
};

/** By route, in the order of their names. */
export function totalsOf(rows: Iterable<Omit<MinuteRow, "process" | "minute">>): readonly RouteTotals[] {
  const routes = new Map<string, RouteTotals>();
  for (const row of rows) {
    const known = routes.get(row.route) ?? { route: row.route, ...NO_TOTALS };
    routes.set(row.route, addTotals(known, row));
  }
  return [...routes.values()].sort((one, other) => (one.route < other.route ? -1 : 1));
}
