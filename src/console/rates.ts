import type { Arm, UnitId } from "../kernel/index.ts";
import type { UnitArmTotals } from "./ports.ts";

/** Totals of all units and arms at one moment. */
export interface TotalsSample {
  readonly atMs: number;
  readonly totals: readonly UnitArmTotals[];
}

export interface UnitArmRates {
  readonly unit: UnitId;
  readonly arm: Arm;
  /** Requests and errors counted within the window; every rate stands beside its count (ux.md §1 rule 5). */
  readonly requests: number;
  readonly errors: number;
  readonly requestsPerSecond: number | null;
  readonly errorRatio: number | null;
  readonly p95Ms: number | null;
  /** The 95th percentile lies above the last bucket; `p95Ms` is that bucket's edge. */
  readonly isP95Floor: boolean;
  readonly sockets: number;
}

export const RATE_WINDOW_MS = 60_000;
const SAMPLES_MAX = 121;

/** Samples of the last minute, oldest first; older ones leave when a new one comes. */
export function addSample(ring: readonly TotalsSample[], sample: TotalsSample): readonly TotalsSample[] {
  const kept = ring.filter((old) => sample.atMs - old.atMs <= RATE_WINDOW_MS && old.atMs < sample.atMs);
  return [...kept, sample].slice(-SAMPLES_MAX);
}

export function windowOf(ring: readonly TotalsSample[]): number {
  return (ring.at(-1)?.atMs ?? 0) - (ring[0]?.atMs ?? 0);
}

export function deriveRates(ring: readonly TotalsSample[]): readonly UnitArmRates[] {
  const newest = ring.at(-1);
  if (!newest) return [];
  return newest.totals.map((current) => ratesOf(current, ring));
}

interface Growth {
  requests: number;
  errors: number;
  seconds: number;
  buckets: Map<number, number>;
}

function ratesOf(current: UnitArmTotals, ring: readonly TotalsSample[]): UnitArmRates {
  const growth = growthOf(current, ring);
  const { requests, errors, seconds } = growth;
  const p95 = quantile(0.95, requests, growth.buckets);
  return {
    unit: current.unit,
    arm: current.arm,
    requests,
    errors,
    requestsPerSecond: seconds > 0 ? requests / seconds : null,
    errorRatio: requests > 0 ? errors / requests : null,
    p95Ms: p95 === null ? null : Math.round(p95.seconds * 10_000) / 10,
    isP95Floor: p95?.isFloor ?? false,
    sockets: current.sockets,
  };
}

/** Sums the steps between neighbouring samples. A step down is a worker that restarted: nothing can be said about it, so it is left out. */
function growthOf(series: UnitArmTotals, ring: readonly TotalsSample[]): Growth {
  const growth: Growth = { requests: 0, errors: 0, seconds: 0, buckets: new Map() };
  for (const [index, sample] of ring.entries()) {
    const before = ring[index - 1];
    const from = before && find(before, series);
    const to = find(sample, series);
    if (!before || !from || !to) continue;
    const requests = to.requests - from.requests;
    const errors = to.errors - from.errors;
    // More errors than requests is a restart too: the new counters merely have overtaken the old ones.
    if (requests < 0 || errors < 0 || errors > requests) continue;
    growth.requests += requests;
    growth.errors += errors;
    growth.seconds += (sample.atMs - before.atMs) / 1_000;
    for (const [position, bucket] of to.durationBuckets.entries()) {
      const step = bucket.count - (from.durationBuckets[position]?.count ?? 0);
      growth.buckets.set(bucket.upperSeconds, (growth.buckets.get(bucket.upperSeconds) ?? 0) + Math.max(0, step));
    }
  }
  return growth;
}

const find = (sample: TotalsSample, series: UnitArmTotals): UnitArmTotals | undefined =>
  sample.totals.find((item) => item.unit === series.unit && item.arm === series.arm);

/** Linear inside the bucket, as Prometheus' histogram_quantile does, so that console and dashboards agree. */
export function quantile(
  share: number,
  requests: number,
  buckets: ReadonlyMap<number, number>,
): { readonly seconds: number; readonly isFloor: boolean } | null {
  const edges = [...buckets].sort(([a], [b]) => a - b);
  const last = edges.at(-1);
  if (!last) return null;
  const total = last[0] === Infinity ? last[1] : Math.max(requests, last[1]);
  if (total <= 0) return null;
  const rank = share * total;
  let lower = { edge: 0, count: 0 };
  for (const [edge, count] of edges) {
    if (edge === Infinity) break;
    if (count >= rank) {
      const inside = count > lower.count ? (rank - lower.count) / (count - lower.count) : 1;
      return { seconds: lower.edge + (edge - lower.edge) * inside, isFloor: false };
    }
    lower = { edge, count };
  }
  return { seconds: lower.edge, isFloor: true };
}
