export type { Tally, Timing } from "./hot.ts";
export { createMetrics, METRICS_CONTENT_TYPE, type Metrics, type MetricsJson, renderMetrics } from "./registry.ts";
export { METRICS, type MetricKey, type MetricRow } from "./table.ts";
export { type Totals, totalsOf } from "./totals.ts";
