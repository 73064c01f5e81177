import type { Config } from "../config/index.ts";
import type { MetricsJson } from "../metrics/index.ts";
import type { Subject } from "../kernel/index.ts";
import type { SamplesRemoved, SeatHub, SeatLink } from "./ports.ts";
import type { OpenSocket, Proxy } from "./proxy.ts";

/** Whoever serves the public listener: this process alone, or a set of workers. */
export interface DataPlane {
  /** Binds the listener and gives the address; rejects with the system's error. */
  start(): Promise<{ readonly address: string; readonly port: number }>;
  reconfigure(config: Config): void;
  socketsOf(subject: string): Promise<readonly OpenSocket[]>;
  /** Of the subject, by all processes (shadow P5). */
  removeSamples(subject: Subject): Promise<readonly SamplesRemoved[]>;
  arms(): Promise<ReturnType<Proxy["arms"]>>;
  /** One entry a process. */
  metrics(): Promise<readonly MetricsJson[]>;
  drain(): Promise<void>;
  stop(): void;
}

/** The data plane in this process. */
export function createLocalDataPlane(proxy: Proxy, metrics: () => Promise<MetricsJson>): DataPlane {
  return {
    start: () => proxy.listen(),
    reconfigure: (config) => proxy.reconfigure(config),
    socketsOf: async (subject) => proxy.socketsOf(subject),
    removeSamples: async (subject) => [await proxy.removeSamples(subject)],
    arms: async () => proxy.arms(),
    metrics: async () => [await metrics()],
    drain: () => proxy.drain(),
    stop: () => proxy.stop(),
  };
}

/** The line between the two ends when one process is both; never from within a call of the other end. */
export function linkSeats(hub: SeatHub): SeatLink {
  let listener: Parameters<SeatLink["onOrder"]>[0] = () => {};
  const member = hub.join((order) => queueMicrotask(() => listener(order)));
  return {
    report: (report) => queueMicrotask(() => member.report(report)),
    onOrder: (next) => {
      listener = next;
    },
  };
}
