// After a change of arm both arms must hold the same of the subject (handoff §3): looked at 5 s and 60 s later, at rest.
import type { Arm, Clock, Subject } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { createLanes } from "./lanes.ts";
import type { Continuity, ContinuityLog, StateCarrier } from "./ports.ts";

export interface SeatChecksOptions {
  readonly carrier: Pick<StateCarrier, "digest">;
  readonly data: Pick<Continuity, "repair">;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "relayChecks" | "relayConflicts" | "queueDropped">;
  readonly log: ContinuityLog;
}

export interface SeatChecks {
  /** A subject has changed arm. */
  schedule(subject: Subject): void;
  stop(): Promise<void>;
}

const CHECKS_MS = [5_000, 60_000] as const;
const LANES = 2;
const WAITING_MAX = 10_000;
/** Longer than the relay needs: two digests apart by this tell who is writing just now from who lacks something. */
const REST_MS = 2_000;
const LOOKS_MAX = 5;
const LOOK_MS = 10_000;

type Result = "equal" | "repaired" | "unequal" | "busy" | "failed";

export function createSeatChecks({ carrier, data, clock, metrics, log }: SeatChecksOptions): SeatChecks {
  const stopped = new AbortController();
  const timers = new Set<() => void>();
  const dropped = (): void => metrics.queueDropped.inc({ queue: "check" });
  const lanes = createLanes({ width: LANES, capacity: WAITING_MAX, onDrop: dropped });

  const after = (ms: number, run: () => void): void => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        stopped.signal.removeEventListener("abort", end);
        resolve();
      };
      stopped.signal.addEventListener("abort", end);
      after(ms, end);
    });
  const hashesOf = (subject: Subject): Promise<readonly [string, string]> => {
    const limit = new AbortController();
    const cancel = clock.after(LOOK_MS, () => limit.abort(new Error(`took more than ${LOOK_MS / 1_000} s`)));
    const signal = AbortSignal.any([stopped.signal, limit.signal]);
    const hashOf = async (arm: Arm): Promise<string> => (await carrier.digest(subject, arm, signal)).fullHash;
    return Promise.all([hashOf("control"), hashOf("candidate")]).finally(cancel);
  };

  const look = async (subject: Subject): Promise<"equal" | "unequal" | "busy"> => {
    let before: readonly [string, string] | null = null;
    for (let looked = 0; looked < LOOKS_MAX && !stopped.signal.aborted; looked++) {
      if (looked > 0) await pause(REST_MS);
      const [control, candidate] = await hashesOf(subject);
      if (control === candidate) return "equal";
      if (before?.[0] === control && before[1] === candidate) return "unequal";
      before = [control, candidate];
    }
    return "busy";
  };

  const check = async (subject: Subject): Promise<Result> => {
    try {
      const found = await look(subject);
      if (found !== "unequal") return found;
      metrics.relayConflicts.inc({ from: "control" });
      log.event("check.unequal", {}, "warn");
      await data.repair(subject, stopped.signal);
      const repaired = await look(subject);
      if (repaired === "unequal") log.event("check.still-unequal", {}, "error");
      return repaired === "unequal" ? "unequal" : "repaired";
    } catch {
      return "failed"; // an arm is away; the relay tells it
    }
  };

  return {
    schedule(subject) {
      for (const ms of CHECKS_MS) {
        if (timers.size >= WAITING_MAX) {
          dropped();
          continue;
        }
        after(ms, () =>
          lanes.run(subject, async () => {
            const result = await check(subject);
            if (!stopped.signal.aborted) metrics.relayChecks.inc({ result });
          }),
        );
      }
    },
    async stop() {
      stopped.abort();
      for (const cancel of timers) cancel();
      await lanes.stop();
    },
  };
}
