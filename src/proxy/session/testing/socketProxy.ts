import type { Config } from "../../../config/index.ts";
import { compileFlagState, type FlagState, type FlagStateData } from "../../../flags/index.ts";
import { type Arm, type Clock, systemClock } from "../../../kernel/index.ts";
import { createMetrics, type MetricKey, type Metrics } from "../../../metrics/index.ts";
import type { ExchangeLine, FlagView, SeatLink, TurnCodec } from "../../ports.ts";
import { createProxy, type Proxy } from "../../proxy.ts";
import { testConfig } from "../../testing/proxyFixture.ts";
import { brokenCodecs, tinyCodec } from "./tinyCodec.ts";

/** Flags that a test changes by hand; an epoch for each change, the same epoch for a confirmation. */
export interface TestFlags extends FlagView {
  setPins(pins: Readonly<Record<string, Arm>>): void;
  kill(isOn: boolean): void;
  /** What happens every few seconds while nothing changes. */
  confirm(): void;
}

export interface SocketProxy {
  readonly port: number;
  readonly proxy: Proxy;
  readonly metrics: Metrics;
  readonly flags: TestFlags;
  readonly lines: ExchangeLine[];
  count(metric: MetricKey, labels?: Readonly<Record<string, string>>): Promise<number>;
  stop(): void;
}

export interface SocketProxyOptions {
  readonly control: string | readonly string[];
  readonly candidate?: string | readonly string[];
  readonly limits?: Readonly<Record<string, unknown>>;
  readonly sections?: Readonly<Record<string, unknown>>;
  readonly routes?: readonly unknown[];
  readonly pins?: Readonly<Record<string, Arm>>;
  readonly clock?: Clock;
  readonly unauthorizedBody?: { readonly contentType: string; readonly text: string } | null;
  readonly seats?: SeatLink;
}

export const SOCKET_ROUTES: readonly unknown[] = [
  { match: "WS /ws/:id", id: "ws", messages: "10000/s" },
  { match: "WS /paced/:id", id: "paced", messages: "50/s" },
  { match: "WS /tiny/:id", id: "tiny", codec: "tiny", messages: "10000/s" },
  ...Object.keys(brokenCodecs).map((name) => ({
    match: `WS /broken/${name}`,
    id: `broken-${name}`,
    codec: `broken-${name}`,
  })),
  { match: "WS /moved/:id", id: "moved", rewrite: { control: "/old/:id", candidate: "/new/:id" } },
  "GET /calls/**",
];

export const CODECS: ReadonlyMap<string, TurnCodec> = new Map<string, TurnCodec>([
  ["tiny", tinyCodec],
  ...Object.entries(brokenCodecs).map(([name, codec]): [string, TurnCodec] => [`broken-${name}`, codec]),
]);

/** Nothing listens there. */
export const NO_CANDIDATE = "http://127.0.0.1:9";
/** Close codes come at once unless a test is about their spread. */
const QUICK = { closeSpread: "1ms", closes: "100000/s" };

export async function startSocketProxy(options: SocketProxyOptions): Promise<SocketProxy> {
  const { control, candidate, sections, pins, clock = systemClock } = options;
  const config = testConfig({
    control,
    candidate: candidate ?? NO_CANDIDATE,
    limits: { ...QUICK, ...options.limits },
    ...(sections === undefined ? {} : { sections }),
    routes: options.routes ?? SOCKET_ROUTES,
  });
  const flags = createTestFlags(config, pins ?? {});
  const metrics = createMetrics({ version: "test" });
  const lines: ExchangeLine[] = [];
  const proxy = createProxy({
    config,
    clock,
    metrics,
    log: { exchange: (line) => void lines.push(line), event() {} },
    flags,
    application: { codecs: CODECS, unauthorizedBody: options.unauthorizedBody ?? null },
    seats: options.seats ?? null,
  });
  const { port } = await proxy.listen();
  return {
    port,
    proxy,
    metrics,
    flags,
    lines,
    async count(metric, labels = {}) {
      const { values } = await metrics[metric].get();
      const wanted = Object.entries(labels);
      const found = values.filter((one) => wanted.every(([name, value]) => one.labels[name as never] === value));
      return found.reduce((sum, one) => sum + one.value, 0);
    },
    stop: () => proxy.stop(),
  };
}

export function createTestFlags(config: Config, firstPins: Readonly<Record<string, Arm>>): TestFlags {
  const listeners = new Set<(state: FlagState) => void>();
  let epoch = 0;
  let pins = firstPins;
  let isKilled = false;
  let state: FlagState;
  const publish = (): void => {
    state = compileFlagState(stateWith(pins, isKilled, epoch), config.units.values());
    for (const listener of listeners) listener(state);
  };
  const change = (): void => {
    epoch++;
    publish();
  };
  change();
  return {
    get state() {
      return state;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setPins(next) {
      pins = next;
      change();
    },
    kill(isOn) {
      isKilled = isOn;
      change();
    },
    confirm: publish,
  };
}

function stateWith(pins: Readonly<Record<string, Arm>>, isKilled: boolean, epoch: number): FlagStateData {
  const nowMs = Date.now();
  const by = { reason: "test", actor: "test" };
  return {
    epoch,
    reading: { source: "file", data: { version: 1, features: [] }, confirmedAtMs: nowMs },
    overrides: {
      kills: isKilled ? [{ layer: "L0", sinceMs: nowMs, ...by }] : [],
      pins: Object.entries(pins).map(([subject, arm], i) => ({
        id: `pin-${i}`,
        subject,
        unit: null,
        arm,
        createdAtMs: nowMs,
        untilMs: nowMs + 3_600_000,
        ...by,
      })),
    },
    leases: {},
  };
}
