import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, loadConfig } from "../../config/index.ts";
import { compileFlagState, type FlagState, type FlagStateData } from "../../flags/index.ts";
import { type Arm, type Clock, systemClock } from "../../kernel/index.ts";
import { createMetrics, type MetricKey, type Metrics } from "../../metrics/index.ts";
import type { ExchangeLine, FlagView } from "../ports.ts";
import { createProxy, type Proxy } from "../proxy.ts";
import { JWT_SECRET } from "./tokens.ts";

export interface LoggedEvent {
  readonly type: string;
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A proxy that really listens, with a real configuration, flags and metrics. */
export interface ProxyFixture {
  readonly port: number;
  readonly proxy: Proxy;
  readonly metrics: Metrics;
  /** One line per finished exchange. */
  readonly lines: ExchangeLine[];
  readonly events: LoggedEvent[];
  /** Value of a counter or gauge under exactly these labels, 0 when it was never touched. */
  count(metric: MetricKey, labels: Readonly<Record<string, string>>): Promise<number>;
  refused(reason: string): Promise<number>;
  setPins(pins: Readonly<Record<string, Arm>>): void;
  stop(): void;
}

export interface FixtureOptions {
  readonly control: string | readonly string[];
  readonly candidate?: string | readonly string[];
  readonly controlArm?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, unknown>>;
  /** Further sections of the configuration. */
  readonly sections?: Readonly<Record<string, unknown>>;
  readonly routes?: readonly unknown[];
  /** Subjects and the arm they are pinned to; everyone else is at control. */
  readonly pins?: Readonly<Record<string, Arm>>;
  readonly clock?: Clock;
}

/** Routes of every kind the rules speak of. */
export const ROUTES: readonly unknown[] = [
  { match: "* /calls/**" },
  { match: "GET|HEAD|DELETE|OPTIONS /open/**", body: "allowed" },
  { match: "GET|POST|DELETE /keyed", keyed: true },
  { match: "GET|DELETE /keyed/:id", keyed: true },
  { match: "POST /upload", kind: "upload" },
  { match: "POST /login", addressLimit: "login" },
  { match: "POST /refresh", addressLimit: "refresh" },
  { match: "GET /moved/:id", rewrite: { control: "/legacy/:id/old", candidate: "/next/:id" } },
  "WS /ws/:id",
];

const urls = (of: string | readonly string[]) => (typeof of === "string" ? { url: of } : { urls: of });

/** Ports that nothing listens on: connections are refused. One for each arm, for both may not be one backend. */
export const NOBODY = "http://127.0.0.1:1";
const NO_CANDIDATE = "http://127.0.0.1:2";

export function testConfig(options: FixtureOptions): Config {
  const tree = {
    listen: "127.0.0.1:0",
    arms: {
      control: { backend: "legacy", ...urls(options.control), ...options.controlArm },
      candidate: { backend: "convex", ...urls(options.candidate ?? NO_CANDIDATE) },
    },
    identity: { jwt: { algorithms: ["HS256"], secretEnv: "TEST_JWT_SECRET" } },
    units: { lesson: { routes: options.routes ?? ROUTES } },
    // Everything here comes from one address and in a hurry; tests of the limits set their own.
    limits: {
      callsPerAddress: { rate: "10000/s", burst: 100_000 },
      callsPerSubject: { rate: "10000/s", burst: 100_000 },
      ...options.limits,
    },
    drain: { delay: "0ms", exchanges: "5s", sockets: "0ms" },
    ...options.sections,
  };
  const folder = mkdtempSync(join(tmpdir(), "switchyard-proxy-"));
  const file = join(folder, "switchyard.config.yaml");
  try {
    writeFileSync(file, JSON.stringify(tree)); // YAML 1.2 holds JSON
    return loadConfig({ file, env: { TEST_JWT_SECRET: JWT_SECRET } }).config;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function startProxy(options: FixtureOptions): Promise<ProxyFixture> {
  const config = testConfig(options);
  const flags = createFlags(config, options.pins ?? {});
  const metrics = createMetrics({ version: "test" });
  const lines: ExchangeLine[] = [];
  const events: LoggedEvent[] = [];
  const proxy = createProxy({
    config,
    clock: options.clock ?? systemClock,
    metrics,
    log: {
      exchange: (line) => void lines.push(line),
      event: (type, fields, level = "info") => void events.push({ type, level, fields }),
    },
    flags,
    application: { codecs: new Map(), unauthorizedBody: null },
  });
  const { port } = await proxy.listen();
  const count: ProxyFixture["count"] = async (metric, labels) => {
    const { values } = await metrics[metric].get();
    const wanted = Object.entries(labels);
    return values.find((one) => wanted.every(([name, value]) => one.labels[name as never] === value))?.value ?? 0;
  };
  return {
    port,
    proxy,
    metrics,
    lines,
    events,
    count,
    refused: (reason) => count("refused", { reason }),
    setPins: flags.setPins,
    stop: () => proxy.stop(),
  };
}

function createFlags(config: Config, pins: Readonly<Record<string, Arm>>) {
  let epoch = 0;
  let state: FlagState;
  const listeners = new Set<(state: FlagState) => void>();
  const setPins = (next: Readonly<Record<string, Arm>>): void => {
    state = compileFlagState(stateWith(next, ++epoch), config.units.values());
    for (const listener of listeners) listener(state);
  };
  setPins(pins);
  const view: FlagView = {
    get state() {
      return state;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return Object.assign(view, { setPins });
}

function stateWith(pins: Readonly<Record<string, Arm>>, epoch: number): FlagStateData {
  const nowMs = Date.now();
  return {
    epoch,
    reading: { source: "file", data: { version: 1, features: [] }, confirmedAtMs: nowMs },
    overrides: {
      kills: [],
      pins: Object.entries(pins).map(([subject, arm], i) => ({
        id: `pin-${i}`,
        subject,
        unit: null,
        arm,
        reason: "test",
        actor: "test",
        createdAtMs: nowMs,
        untilMs: nowMs + 3_600_000,
      })),
    },
    leases: {},
  };
}
