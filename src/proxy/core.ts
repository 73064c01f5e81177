import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/index.ts";
import { type Clock, type Decision, newRequestId, type Subject } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { type ArmUpstream, createArm } from "./arms.ts";
import { type ClientAddress, createClientAddress } from "./clientAddress.ts";
import { type Cors, createCors } from "./cors.ts";
import type { Deadlines } from "./deadlines.ts";
import { createIdentity, type Identity } from "./identity.ts";
import { createMeters, type Meters } from "./meters.ts";
import type { Overload } from "./overload.ts";
import type { Pass } from "./seats/seat.ts";
import type { SeatGate } from "./seats/seatGate.ts";
import type { FlagView, Mirror, ProxyApplication, ProxyLog } from "./ports.ts";
import { createRateLimiter, type RateLimiter } from "./rateLimit.ts";
import { createRouteTable, type Route, type RouteTable } from "./routeTable.ts";

/** What a configuration compiles to; replaced as a whole by a reload, so that one call never sees two. */
export interface Core {
  readonly config: Config;
  readonly routes: RouteTable;
  readonly identity: Identity;
  readonly cors: Cors;
  readonly clientAddress: ClientAddress;
  readonly arms: { readonly control: ArmUpstream; readonly candidate: ArmUpstream };
  /** Of both arms: none of them leaves the building (security F18). */
  readonly armOrigins: readonly string[];
  readonly limits: {
    readonly subject: RateLimiter;
    readonly address: RateLimiter;
    readonly login: RateLimiter;
    readonly refresh: RateLimiter;
  };
  readonly meters: Meters;
  /** Part of `Via`, so that a call that comes back is recognised. */
  readonly viaName: string;
}

/** What outlives a reload. */
export interface Environment {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: ProxyLog;
  readonly flags: FlagView;
  readonly application: ProxyApplication;
  readonly overload: Overload;
  readonly deadlines: Deadlines;
  /** null: data does not follow a subject, so that it goes where its decision says at once. */
  readonly seats: SeatGate | null;
  /** null: nothing is mirrored. */
  readonly mirror: Mirror | null;
  isDraining: boolean;
}

/** `before`: what a reload replaces; a limit that stays the same stays as used up as it is. */
export function compileCore(config: Config, environment: Environment, before: Core | null = null): Core {
  const { clock } = environment;
  const onReadiness: Parameters<typeof createArm>[2]["onReadiness"] = (instance, backend) =>
    environment.log.event(
      instance.isReady ? "arm.ready" : "arm.not-ready",
      { arm: instance.arm, backend, origin: instance.origin },
      instance.isReady ? "info" : "warn",
    );
  const arm = (name: "control" | "candidate") =>
    createArm(name, config.arms[name], { clock, limits: config.limits, onReadiness });
  const limiter = (name: keyof Core["limits"]): RateLimiter => {
    const key = LIMIT_KEYS[name];
    const isSame = before !== null && isDeepStrictEqual(before.config.limits[key], config.limits[key]);
    return isSame ? before.limits[name] : createRateLimiter(config.limits[key], clock);
  };
  return {
    config,
    meters: createMeters(environment.metrics),
    routes: createRouteTable(config.units.values()),
    identity: createIdentity(config.identity.jwt, clock),
    cors: createCors(config.cors),
    clientAddress: createClientAddress(config.trustedProxies),
    arms: { control: arm("control"), candidate: arm("candidate") },
    armOrigins: [...config.arms.control.urls, ...config.arms.candidate.urls],
    limits: {
      subject: limiter("subject"),
      address: limiter("address"),
      login: limiter("login"),
      refresh: limiter("refresh"),
    },
    viaName: before?.viaName ?? `1.1 switchyard-${newRequestId().slice(0, 8)}`,
  };
}

const LIMIT_KEYS = {
  subject: "callsPerSubject",
  address: "callsPerAddress",
  login: "loginsPerAddress",
  refresh: "refreshesPerAddress",
} as const satisfies Record<keyof Core["limits"], keyof Config["limits"]>;

export interface RoutedDecision extends Decision {
  readonly isStale: boolean;
}

/**
 * Which arm serves, and why. Any doubt goes to control, with a reason that says so: an unmatched path, a unit with one
 * home, and our own failure included.
 */
export function decideRoute(environment: Environment, route: Route | null, subject: Subject | null): RoutedDecision {
  const { state } = environment.flags;
  const { epoch } = state.data;
  if (!route) return { arm: "control", reason: "unmatched", ruleId: "default", epoch, isStale: false };
  const { unit } = route;
  if (unit.fixed) return { arm: unit.fixed, reason: "fixed", ruleId: `fixed:${unit.id}`, epoch, isStale: false };
  try {
    return state.decide(unit, subject, environment.clock.now());
  } catch {
    return { arm: "control", reason: "decision-failed", ruleId: "default", epoch, isStale: false };
  }
}

/** Where a subject's data follows it, a call waits or goes elsewhere while its subject changes arm (handoff §4); null: not so. */
export function enterSeat(
  { seats }: Environment,
  route: Route | null,
  subject: Subject | null,
  { arm }: RoutedDecision,
  mayWrite: boolean,
): Pass | Promise<Pass> | null {
  if (seats === null || route === null || subject === null || route.unit.fixed !== null) return null;
  return seats.enter(route.unit.id, subject, arm, mayWrite);
}

/** The decision as it is served. */
export const seatedDecision = (decided: RoutedDecision, { arm, reason }: Pass): RoutedDecision =>
  reason === null ? decided : { ...decided, arm, reason };
