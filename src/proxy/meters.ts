import type { Arm, Reason } from "../kernel/index.ts";
import type { Metrics, Tally, Timing } from "../metrics/index.ts";
import type { Outcome } from "./ports.ts";
import { NO_UNIT, type Route, UNMATCHED } from "./routeTable.ts";

/** The metrics of one route, found without hashing labels at every call. */
export interface RouteMeters {
  decision(arm: Arm, reason: Reason): Tally;
  outcome(arm: Arm, outcome: Outcome): Tally;
  duration(arm: Arm): Timing;
  readonly overhead: Timing;
}

/** Meters by route, made when a route is first called; the routes of a configuration bound them. */
export interface Meters {
  /** null: an unmatched path. */
  of(route: Route | null): RouteMeters;
}

export function createMeters(metrics: Metrics): Meters {
  const routes = new Map<Route | null, RouteMeters>();
  return {
    of(route) {
      let meters = routes.get(route);
      if (!meters) {
        meters = createRouteMeters(metrics, route?.unit.id ?? NO_UNIT, route?.id ?? UNMATCHED);
        routes.set(route, meters);
      }
      return meters;
    },
  };
}

type ByArm<T> = Record<Arm, T>;

function createRouteMeters(metrics: Metrics, unit: string, route: string): RouteMeters {
  const decisions: ByArm<Partial<Record<Reason, Tally>>> = { control: {}, candidate: {} };
  const outcomes: ByArm<Partial<Record<Outcome, Tally>>> = { control: {}, candidate: {} };
  const durations: Partial<ByArm<Timing>> = {};
  return {
    decision: (arm, reason) => (decisions[arm][reason] ??= metrics.decisions.of({ unit, arm, reason })),
    outcome: (arm, outcome) =>
      (outcomes[arm][outcome] ??= metrics.requests.of({ unit, route, arm, role: "served", outcome })),
    duration: (arm) => (durations[arm] ??= metrics.requestDuration.of({ unit, route, arm })),
    overhead: metrics.proxyOverhead.of({ route }),
  };
}
