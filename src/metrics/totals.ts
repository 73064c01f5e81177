import { METRICS } from "./table.ts";
import type { MetricsJson } from "./registry.ts";

/** Running totals of one unit on one arm, summed over processes and routes. */
export interface Totals {
  readonly unit: string;
  readonly arm: string;
  requests: number;
  errors: number;
  sockets: number;
  readonly durationBuckets: { readonly upperSeconds: number; count: number }[];
}

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly metricName?: string;
}

const READ: ReadonlySet<string> = new Set([METRICS.requests.name, METRICS.sockets.name, METRICS.requestDuration.name]);

/** Errors as the user sees them: what the arm or the way to it got wrong. */
const ERROR_OUTCOMES = new Set(["server_error", "timeout"]);

/** Reads the totals out of the processes' metrics; `unitOf` names the unit of a socket's route. */
export function totalsOf(processes: readonly MetricsJson[], unitOf: (route: string) => string | undefined): Totals[] {
  const all = new Map<string, Totals>();
  const of = (unit: string, arm: string): Totals => {
    const key = `${unit}\n${arm}`;
    let one = all.get(key);
    if (!one) {
      one = { unit, arm, requests: 0, errors: 0, sockets: 0, durationBuckets: [] };
      all.set(key, one);
    }
    return one;
  };
  for (const metric of processes.flat()) {
    if (!READ.has(metric.name)) continue;
    for (const sample of metric.values as readonly Sample[]) add(metric.name, sample, of, unitOf);
  }
  for (const one of all.values()) one.durationBuckets.sort((a, b) => a.upperSeconds - b.upperSeconds);
  return [...all.values()];
}

function add(
  name: string,
  sample: Sample,
  of: (unit: string, arm: string) => Totals,
  unitOf: (route: string) => string | undefined,
): void {
  const { unit = "", arm = "", route = "", outcome = "", le } = sample.labels;
  if (name === METRICS.requests.name) {
    const totals = of(String(unit), String(arm));
    totals.requests += sample.value;
    if (ERROR_OUTCOMES.has(String(outcome))) totals.errors += sample.value;
  } else if (name === METRICS.sockets.name) {
    const owner = unitOf(String(route));
    if (owner !== undefined) of(owner, String(arm)).sockets += sample.value;
  } else if (name === METRICS.requestDuration.name && le !== undefined) {
    addBucket(of(String(unit), String(arm)), le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), sample.value);
  }
}

function addBucket(totals: Totals, upperSeconds: number, count: number): void {
  const bucket = totals.durationBuckets.find((one) => one.upperSeconds === upperSeconds);
  if (bucket) bucket.count += count;
  else totals.durationBuckets.push({ upperSeconds, count });
}
