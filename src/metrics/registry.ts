import client from "prom-client";
import { HotCounter, HotHistogram } from "./hot.ts";
import { METRICS, type MetricKey, type MetricRow } from "./table.ts";

type Instrument<Row extends MetricRow> = Row["kind"] extends "counter"
  ? client.Counter<Row["labels"][number]>
  : Row["kind"] extends "gauge"
    ? client.Gauge<Row["labels"][number]>
    : client.Histogram<Row["labels"][number]>;

/** Values of one process, as `getMetricsAsJSON` gives them; plain data that crosses process borders. */
export type MetricsJson = Awaited<ReturnType<client.Registry["getMetricsAsJSON"]>>;

/** Metrics of the hot path, by label set instead of by call. */
type HotCounterKey =
  | "requests"
  | "decisions"
  | "shadowOffered"
  | "shadowSampled"
  | "shadowComparisons"
  | "shadowNotCompared";
type HotHistogramKey = "requestDuration" | "proxyOverhead" | "shadowDuration" | "shadowOfferSeconds";
type HotKey = HotCounterKey | HotHistogramKey;
type LabelOf<K extends MetricKey> = (typeof METRICS)[K]["labels"][number];

export type Metrics = { readonly [K in Exclude<MetricKey, HotKey>]: Instrument<(typeof METRICS)[K]> } & {
  readonly [K in HotCounterKey]: HotCounter<LabelOf<K>>;
} & {
  readonly [K in HotHistogramKey]: HotHistogram<LabelOf<K>>;
} & {
  json(): Promise<MetricsJson>;
};

export const METRICS_CONTENT_TYPE = client.Registry.PROMETHEUS_CONTENT_TYPE;

/** The only place that makes instruments (two copies of the library would have two registries). */
export function createMetrics(build: { version: string }): Metrics {
  const registry = new client.Registry();
  client.collectDefaultMetrics({ register: registry });
  const instruments: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(METRICS) as [string, MetricRow][]) {
    const common = { name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    instruments[key] = HOT.has(key)
      ? createHot(row, registry)
      : row.kind === "counter"
        ? new client.Counter(common)
        : row.kind === "gauge"
          ? new client.Gauge({ ...common, aggregator: GAUGES_OF_ONE.has(row.name) ? "max" : "sum" })
          : new client.Histogram({ ...common, buckets: [...(row.buckets ?? [])] });
  }
  const metrics = { ...instruments, json: () => registry.getMetricsAsJSON() } as unknown as Metrics;
  metrics.buildInfo.set({ version: build.version, node: process.versions.node }, 1);
  return metrics;
}

const HOT: ReadonlySet<string> = new Set<HotKey>([
  "requests",
  "decisions",
  "requestDuration",
  "proxyOverhead",
  "shadowOffered",
  "shadowSampled",
  "shadowComparisons",
  "shadowNotCompared",
  "shadowDuration",
  "shadowOfferSeconds",
]);

function createHot(row: MetricRow, registry: client.Registry): HotCounter<string> | HotHistogram<string> {
  const { name, help, labels, buckets } = row;
  if (row.kind === "histogram") {
    const histogram = new HotHistogram<string>({ name, help, buckets: buckets ?? [] });
    registry.registerMetric(histogram as unknown as client.Metric);
    return histogram;
  }
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  return new HotCounter<string>((collect) => new client.Counter({ ...common, collect }));
}

/** Gauges that say the same in every process: the sum over workers would be wrong. */
const GAUGES_OF_ONE: ReadonlySet<string> = new Set([
  METRICS.armUp.name,
  METRICS.flagsAge.name,
  METRICS.flagsInvalid.name,
  METRICS.overrideActive.name,
  METRICS.exposure.name,
  METRICS.epoch.name,
  METRICS.buildInfo.name,
  METRICS.overload.name,
  METRICS.shadowDifferentConfirmed.name,
  METRICS.shadowNoiseFloor.name,
]);

/** One Prometheus text for all processes. */
export async function renderMetrics(processes: readonly MetricsJson[]): Promise<string> {
  return client.AggregatorRegistry.aggregate([...processes]).metrics();
}
