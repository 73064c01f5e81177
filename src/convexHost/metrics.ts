// The host's figures as Prometheus text (exposition format 0.0.4), without a library: the room imports none of ours.
const PREFIX = "embedded_host_";
/** Label values come from a closed list, so this many is a mistake; what is beyond is counted, not kept. */
const SERIES_MAX = 200;

/** Every counter: help and labels. */
const COUNTERS = {
  calls: { help: "Calls from outside, by kind and result.", labels: ["kind", "result"] },
  commits: { help: "COMMITs that changed something.", labels: [] },
  jobs: { help: "Scheduled functions that ended, by kind and result.", labels: ["kind", "result"] },
  crons: { help: "Runs of crons: success, failed, skipped (another ran), missed (while down).", labels: ["result"] },
  reloads: { help: "Reloads of the functions, by result.", labels: ["result"] },
  series_dropped: { help: "Figures that were not kept because a metric had too many label values.", labels: [] },
} as const satisfies Readonly<Record<string, { help: string; labels: readonly string[] }>>;

/** Every gauge: help. */
const GAUGES = {
  ready: "1 when calls are served, else 0.",
  connections: "Open sync connections.",
  resident_memory_bytes: "Resident memory of the process.",
  heap_used_bytes: "Heap in use.",
  uptime_seconds: "Since the process began.",
} as const satisfies Readonly<Record<string, string>>;

export type CounterName = keyof typeof COUNTERS;
export type GaugeName = keyof typeof GAUGES;
export type Labels = Readonly<Record<string, string>>;

export interface Metrics {
  /** Adds one. @throws Error on labels that the counter does not have */
  count(name: CounterName, labels?: Labels): void;
  /** The text for `GET /metrics`. */
  render(): string;
}

/** `gauges` are read at each rendering; one without a reader is left out. */
export function createMetrics(gauges: Partial<Record<GaugeName, () => number>> = {}): Metrics {
  const series = new Map<CounterName, Map<string, number>>();
  /** Rendered labels by their values: there are few, and each call counts. */
  const rendered = new Map<string, string>();
  const labelsOf = (name: CounterName, labels: Labels): string => {
    const key = [name, ...Object.entries(labels).flat()].join("\0");
    const known = rendered.get(key) ?? renderLabels(name, labels);
    if (rendered.size < SERIES_MAX) rendered.set(key, known);
    return known;
  };
  const add = (name: CounterName, labels: string): boolean => {
    const ofName = series.get(name) ?? new Map<string, number>();
    series.set(name, ofName);
    if (!ofName.has(labels) && ofName.size >= SERIES_MAX) return false;
    ofName.set(labels, (ofName.get(labels) ?? 0) + 1);
    return true;
  };
  return {
    count(name, labels = {}) {
      if (!add(name, labelsOf(name, labels))) add("series_dropped", "");
    },
    render() {
      const lines: string[] = [];
      for (const name of Object.keys(COUNTERS) as CounterName[]) {
        lines.push(`# HELP ${PREFIX}${name}_total ${COUNTERS[name].help}`, `# TYPE ${PREFIX}${name}_total counter`);
        const ofName = series.get(name) ?? new Map<string, number>();
        if (COUNTERS[name].labels.length === 0 && ofName.size === 0) lines.push(`${PREFIX}${name}_total 0`);
        for (const [labels, value] of ofName) lines.push(`${PREFIX}${name}_total${labels} ${value}`);
      }
      for (const name of Object.keys(GAUGES) as GaugeName[]) {
        const read = gauges[name];
        if (read === undefined) continue;
        lines.push(
          `# HELP ${PREFIX}${name} ${GAUGES[name]}`,
          `# TYPE ${PREFIX}${name} gauge`,
          `${PREFIX}${name} ${read()}`,
        );
      }
      return `${lines.join("\n")}\n`;
    },
  };
}

function renderLabels(name: CounterName, labels: Labels): string {
  const expected: readonly string[] = COUNTERS[name].labels;
  const given = Object.keys(labels);
  if (given.length !== expected.length || expected.some((label) => labels[label] === undefined)) {
    throw new Error(
      `metric ${name}: expected labels ${expected.join(", ") || "none"}, got ${given.join(", ") || "none"}`,
    );
  }
  if (expected.length === 0) return "";
  return `{${expected.map((label) => `${label}="${escapeLabel(labels[label] ?? "")}"`).join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
