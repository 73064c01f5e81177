import type { AddressInfo } from "node:net";
import type { Config } from "../config/index.ts";
import { type Arm, ARMS, type Clock, type Decision, type RouteId, type Subject, type UnitId } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { type Core, compileCore, type Environment } from "./core.ts";
import { createDeadlines } from "./deadlines.ts";
import { watchOverload } from "./overload.ts";
import type { FlagView, Mirror, ProxyApplication, ProxyLog, SamplesRemoved, SeatLink } from "./ports.ts";
import { SeatGate } from "./seats/seatGate.ts";
import { createFrontDoor } from "./server.ts";
import { createSocketRegistry } from "./session/registry.ts";
import { createUpgrader } from "./session/upgrade.ts";

export interface ProxyDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: ProxyLog;
  readonly flags: FlagView;
  readonly application: ProxyApplication;
  /** Where a subject's data follows it: who knows where each one sits. Without it a subject changes arm at once. */
  readonly seats?: SeatLink | null;
  /** Copies what is served; without it nothing is mirrored. */
  readonly mirror?: Mirror | null;
}

export interface OpenSocket {
  readonly route: RouteId;
  readonly unit: UnitId;
  readonly arm: Arm;
  readonly openedAtMs: number;
  readonly decision: Decision;
}

/** By who mirrors nothing. */
export const NOTHING_REMOVED: SamplesRemoved = { samples: 0, campaigns: [], file: null, failure: null };

/** The data plane of one process. */
export interface Proxy {
  /** Binds the public listener; rejects with the system's error when it cannot. */
  listen(): Promise<AddressInfo>;
  /** Applies a new configuration whole: the next call sees it. The listener's address cannot change. */
  reconfigure(config: Config): void;
  socketsOf(subject: string): readonly OpenSocket[];
  /** On request of whom they are of (shadow P5). Never rejects. */
  removeSamples(subject: Subject): Promise<SamplesRemoved>;
  arms(): readonly {
    arm: Arm;
    backend: string;
    instances: readonly { url: string; isReady: boolean; sinceMs: number }[];
  }[];
  readonly core: Core;
  /** Ends in order: no new connections, running exchanges, sockets with 1012 (ux.md §7). Safe to call twice. */
  drain(): Promise<void>;
  /** Cuts everything at once. */
  stop(): void;
}

export function createProxy(deps: ProxyDeps): Proxy {
  const { clock, metrics, log, flags, application } = deps;
  const overload = watchOverload({ clock, memoryBytesMax: deps.config.limits.memoryBytesMax });
  const deadlines = createDeadlines(clock);
  let core: Core;
  const seats = deps.seats
    ? new SeatGate({
        clock,
        metrics,
        link: deps.seats,
        socketsOf: (unit, subject) => sockets.of(subject, unit),
        downArms: () => ARMS.filter((arm) => !core.arms[arm].isUp()),
        spreadMs: (subject) => sockets.spreadMs(subject),
      })
    : null;
  const mirror = deps.mirror ?? null;
  const parts = { clock, metrics, log, flags, application, overload, deadlines, seats, mirror };
  const env: Environment = { ...parts, isDraining: false };
  core = compileCore(deps.config, env);
  const sockets = createSocketRegistry(env, () => core);
  const door = createFrontDoor(env, () => core, createUpgrader(env, sockets));
  const stopRedeciding = flags.onChange(() => sockets.redecide());
  const stopGauges = startGauges(env, () => core);
  const openOf = (subject: string) => sockets.of(subject).filter(({ phase }) => phase !== "closed");
  let draining: Promise<void> | null = null;

  const drain = async (): Promise<void> => {
    const { drain: times } = core.config;
    env.isDraining = true;
    await sleep(clock, times.delayMs);
    const closed = door.close();
    const calls = Promise.race([closed, sleep(clock, times.exchangesMs)]);
    await Promise.all([calls, sockets.drain(times.socketsMs, times.socketsMs + CLOSE_GRACE_MS)]);
    await mirror?.stop();
    stop();
  };
  const stop = (): void => {
    env.isDraining = true;
    void mirror?.stop();
    stopRedeciding();
    stopGauges();
    sockets.stop();
    overload.stop();
    deadlines.stop();
    door.cut();
    void Promise.all([core.arms.control.close(), core.arms.candidate.close()]).catch(() => {});
  };
  return {
    listen: () => door.listen(core.config.listen.host, core.config.listen.port),
    reconfigure(config) {
      const before = core;
      mirror?.configure(config);
      core = compileCore(config, env, before);
      // Calls that began under the old configuration end on its connections; then those close.
      void Promise.all([before.arms.control.close(), before.arms.candidate.close()]).catch(() => {});
      sockets.redecide();
    },
    socketsOf: (subject) =>
      openOf(subject).map((one) => ({
        route: one.parts.route.id,
        unit: one.parts.route.unit.id,
        arm: one.arm,
        openedAtMs: one.openedAtMs,
        decision: one.parts.decision,
      })),
    removeSamples: async (subject) => (await mirror?.removeSamples(subject)) ?? NOTHING_REMOVED,
    arms: () =>
      [core.arms.control, core.arms.candidate].map(({ arm, backend, instances }) => ({
        arm,
        backend,
        instances: instances.map(({ origin, isReady, sinceMs }) => ({ url: origin, isReady, sinceMs })),
      })),
    get core() {
      return core;
    },
    drain() {
      draining ??= drain();
      return draining;
    },
    stop,
  };
}

const GAUGES_MS = 1_000;
/** Close handshakes that began at the end of the spread. */
const CLOSE_GRACE_MS = 2_000;

function startGauges(env: Environment, core: () => Core): () => void {
  let cancel = () => {};
  const tick = (): void => {
    for (const arm of ["control", "candidate"] as const)
      env.metrics.armUp.set({ arm }, core().arms[arm].isUp() ? 1 : 0);
    env.metrics.overload.set({ guard: "event_loop" }, env.overload.shedRatio);
    env.metrics.overload.set({ guard: "memory" }, env.overload.isMemoryShort() ? 1 : 0);
    env.mirror?.look(...inFlightOf(core()));
    cancel = env.clock.after(GAUGES_MS, tick);
  };
  tick();
  return () => cancel();
}

/** Calls under way, and how many there may be. */
function inFlightOf({ arms, config }: Core): readonly [number, number] {
  const instances = [...arms.control.instances, ...arms.candidate.instances];
  const most = config.limits.armConnectionsMax * 2 * instances.length;
  return [instances.reduce((sum, one) => sum + one.inFlight, 0), most];
}

const sleep = (clock: Clock, ms: number): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((resolve) => void clock.after(ms, resolve));
