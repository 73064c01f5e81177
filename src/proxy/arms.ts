import { Client, Pool } from "undici";
import type { ArmConfig, LimitsConfig } from "../config/index.ts";
import type { Arm, Clock, Subject } from "../kernel/index.ts";

/** One deployed instance of an arm; its address comes from configuration and from nowhere else (security F17). */
export interface Instance {
  readonly arm: Arm;
  readonly origin: string;
  readonly pool: Pool;
  readonly tls: { readonly ca?: string; readonly rejectUnauthorized: boolean };
  /** Requests handed to the pool and not yet ended. */
  inFlight: number;
  sockets: number;
  isReady: boolean;
  sinceMs: number;
  /** When a reply last arrived: a connection may be waiting for reuse shortly after. */
  lastReplyAtMs: number;
}

export interface ArmUpstream {
  readonly arm: Arm;
  readonly backend: string;
  readonly instances: readonly Instance[];
  /** Instances to try, best first: one subject keeps one instance (ux.md §4). Never empty. */
  order(subject: Subject | null): readonly Instance[];
  /** One instance is ready at least. */
  isUp(): boolean;
  close(): Promise<void>;
}

export interface ArmDeps {
  readonly clock: Clock;
  readonly limits: LimitsConfig;
  onReadiness(instance: Instance, backend: string): void;
}

const READY_INTERVAL_MS = 1_000;

export function createArm(arm: Arm, config: ArmConfig, deps: ArmDeps): ArmUpstream {
  const ca = config.tls.ca ?? undefined;
  // Off lets anyone on the path between here and the backend read and change every call (security F19).
  const tls = { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: config.tls.isVerified };
  const instances = config.urls.map((origin) => createInstance(arm, origin, tls, deps));
  const probes =
    config.readyPath === null ? [] : instances.map((one) => startProbe(one, config.readyPath as string, config, deps));
  const order = createOrder(instances, config.balance);
  return {
    arm,
    backend: config.backend,
    instances,
    order,
    isUp: () => instances.some((one) => one.isReady),
    async close() {
      for (const stop of probes) stop();
      await Promise.all(instances.map((one) => one.pool.close()));
    },
  };
}

function createInstance(arm: Arm, origin: string, tls: Instance["tls"], deps: ArmDeps): Instance {
  const { limits } = deps;
  const pool = new Pool(origin, {
    connections: limits.armConnectionsMax,
    pipelining: 1, // security F6
    keepAliveTimeout: limits.armKeepAliveMs,
    keepAliveMaxTimeout: limits.armKeepAliveMs,
    // First byte and idle are watched by the calls themselves, all with one timer.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: limits.armConnectMs, ...tls },
    allowH2: false, // security F7
  });
  return {
    arm,
    origin,
    pool,
    tls,
    inFlight: 0,
    sockets: 0,
    isReady: true,
    sinceMs: deps.clock.now(),
    lastReplyAtMs: Number.NEGATIVE_INFINITY,
  };
}

function createOrder(instances: readonly Instance[], balance: ArmConfig["balance"]): ArmUpstream["order"] {
  if (instances.length === 1) return () => instances;
  const load = (one: Instance): number => one.inFlight + one.sockets;
  return (subject) => {
    const ranked =
      balance === "spread" || subject === null
        ? [...instances].sort((a, b) => load(a) - load(b))
        : [...instances].sort((a, b) => rendezvous(b.origin, subject) - rendezvous(a.origin, subject));
    const ready = ranked.filter((one) => one.isReady);
    // With none ready the probe may be what is broken: try them all rather than refuse unheard.
    return ready.length === 0 ? ranked : [...ready, ...ranked.filter((one) => !one.isReady)];
  };
}

/** Highest random weight (Thaler and Ravishankar 1998): losing an instance moves only its own subjects. */
export function rendezvous(origin: string, subject: Subject): number {
  let h = 0x811c9dc5;
  for (const text of [origin, "\n", subject]) {
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  // Final mix of murmur3: FNV's high bits alone spread badly for short keys.
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Polls one instance each second on a connection of its own, so that a full pool does not look like a dead backend. */
function startProbe(instance: Instance, path: string, config: ArmConfig, deps: ArmDeps): () => void {
  const client = new Client(instance.origin, {
    headersTimeout: READY_INTERVAL_MS,
    bodyTimeout: READY_INTERVAL_MS,
    keepAliveTimeout: deps.limits.armKeepAliveMs,
    connect: { timeout: READY_INTERVAL_MS, ...instance.tls },
  });
  let isStopped = false;
  let cancel = () => {};
  const probe = async (): Promise<boolean> => {
    try {
      const reply = await client.request({ method: "GET", path });
      await reply.body.dump();
      return reply.statusCode === 200;
    } catch {
      return false;
    }
  };
  const tick = async (): Promise<void> => {
    const isReady = await probe();
    if (isStopped) return;
    if (isReady !== instance.isReady) {
      instance.isReady = isReady;
      instance.sinceMs = deps.clock.now();
      deps.onReadiness(instance, config.backend);
    }
    cancel = deps.clock.after(READY_INTERVAL_MS, () => void tick());
  };
  void tick();
  return () => {
    isStopped = true;
    cancel();
    void client.destroy().catch(() => {});
  };
}
