// Adding up what processes counted (shadow §14): counts and histograms are mergeable, in any order.
import { type Arm, ARMS } from "../../kernel/index.ts";
import { LogHistogram } from "./logHistogram.ts";
import type { RouteTotals } from "./model.ts";

type Counts = Readonly<Record<string, number | undefined>>;

interface Sum {
  sampled: number;
  readonly verdicts: Record<string, number>;
  readonly notCompared: Record<string, number>;
  readonly latency: Readonly<Record<Arm, LogHistogram>>;
}

/** By route, in the order of their names. */
export function totalsOf(rows: Iterable<RouteTotals>): readonly RouteTotals[] {
  const routes = new Map<string, Sum>();
  for (const { route, sampled, verdicts, notCompared, latency } of rows) {
    let sum = routes.get(route);
    if (sum === undefined) {
      const histograms = { control: new LogHistogram(), candidate: new LogHistogram() };
      sum = { sampled: 0, verdicts: {}, notCompared: {}, latency: histograms };
      routes.set(route, sum);
    }
    sum.sampled += sampled;
    add(sum.verdicts, verdicts);
    add(sum.notCompared, notCompared);
    for (const arm of ARMS) sum.latency[arm].add(latency[arm]);
  }
  const sorted = [...routes].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([route, { sampled, verdicts, notCompared, latency }]) => {
    const { control, candidate } = latency;
    const counts = { control: control.counts, candidate: candidate.counts };
    return { route, sampled, verdicts: ordered(verdicts), notCompared: ordered(notCompared), latency: counts };
  });
}

function add(sum: Record<string, number>, counts: Counts): void {
  for (const name in counts) sum[name] = (sum[name] ?? 0) + (counts[name] ?? 0);
}

/** The same for the same counts, whatever the order in which they came. */
const ordered = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1)));
