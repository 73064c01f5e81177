import type { Arm, RouteId } from "../../kernel/index.ts";
import type { Metrics } from "../../metrics/index.ts";

/** Frames relayed since they were last handed to the metric. */
export interface FrameTally {
  in: number;
  out: number;
}

/** Counts frames in place: the metric's labels are hashed once a second for each route and arm, not for each frame. */
export interface FrameTallies {
  /** The same route and arm give the same tally; the routes of a configuration bound them. */
  of(route: RouteId, arm: Arm): FrameTally;
  flush(): void;
}

export function createFrameTallies(metrics: Metrics): FrameTallies {
  const byArm = { control: new Map<RouteId, FrameTally>(), candidate: new Map<RouteId, FrameTally>() };
  const flushOne = (route: RouteId, arm: Arm, tally: FrameTally): void => {
    if (tally.in > 0) metrics.socketFrames.inc({ route, arm, direction: "in" }, tally.in);
    if (tally.out > 0) metrics.socketFrames.inc({ route, arm, direction: "out" }, tally.out);
    tally.in = 0;
    tally.out = 0;
  };
  return {
    of(route, arm) {
      let tally = byArm[arm].get(route);
      if (!tally) {
        tally = { in: 0, out: 0 };
        byArm[arm].set(route, tally);
      }
      return tally;
    },
    flush() {
      for (const arm of ["control", "candidate"] as const) {
        for (const [route, tally] of byArm[arm]) flushOne(route, arm, tally);
      }
    },
  };
}
