// Copies of whole subjects: for a first time, and after the feed has lost what is behind a cursor (handoff §3).
import type { Arm, Clock, Subject } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import {
  CarrierError,
  type ContinuityLog,
  type ContinuityState,
  type Copied,
  type CopyProgress,
  type StateCarrier,
} from "./ports.ts";
import { tellApplied } from "./tellApplied.ts";

/** Subjects copied beside each other. */
const LANES = 4;
const BACK_OFF_MS = 1_000;
const BACK_OFF_MS_MAX = 30_000;

export interface CopiesOptions {
  readonly carrier: Pick<StateCarrier, "copy" | "subjects">;
  readonly state: ContinuityState;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "copies" | "relayConflicts" | "relayRows">;
  readonly log: ContinuityLog;
}

export interface Copies {
  /** Copies one subject now, beside whatever runs. @throws CarrierError */
  copy(subject: Subject, from: Arm): Promise<Copied>;
  /** Begins to copy all subjects of `from`, or goes on where a run before stopped; one run a direction. */
  startAll(from: Arm): void;
  progress(from: Arm): CopyProgress | null;
  stop(): Promise<void>;
}

export function createCopies(options: CopiesOptions): Copies {
  const stopped = new AbortController();
  const runs = new Map<Arm, Promise<void>>();
  const failures = new Map<Arm, string>();
  const { carrier, state, clock, metrics, log } = options;

  const copy = async (subject: Subject, from: Arm): Promise<Copied> => {
    try {
      const copied = await carrier.copy(subject, from, stopped.signal);
      metrics.copies.inc({ from, outcome: "done" });
      tellApplied(options, from, copied);
      state.markCopied(subject, from);
      return copied;
    } catch (error) {
      metrics.copies.inc({ from, outcome: "failed" });
      throw error;
    }
  };

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        stopped.signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = clock.after(ms, end);
      stopped.signal.addEventListener("abort", end);
    });

  /** Until it is through or stopped: a run that gives up would leave the direction incomplete for ever. */
  const runAll = async (from: Arm): Promise<void> => {
    for (let failed = 0; !stopped.signal.aborted; ) {
      try {
        if (await copyPage(from)) return;
        failed = 0;
        failures.delete(from);
      } catch (error) {
        if (stopped.signal.aborted) return;
        failures.set(from, textOf(error));
        if (failed === 0) log.event("copy.failed", { from, error: textOf(error) }, "warn");
        await pause(Math.min(BACK_OFF_MS * 2 ** failed, BACK_OFF_MS_MAX));
        failed += 1;
      }
    }
  };

  /** Gives whether that was the last page. */
  const copyPage = async (from: Arm): Promise<boolean> => {
    const run = state.copyRun(from);
    if (run === null) return true;
    const subjects = await carrier.subjects(from, run.through, stopped.signal);
    if (subjects.length === 0) {
      state.endCopyRun(from);
      state.saveDirection(from, { ...state.direction(from), isWhole: true });
      log.event("copy.done", { from, subjects: run.done, tookMs: clock.now() - run.startedAtMs });
      return true;
    }
    for (let at = 0; at < subjects.length && !stopped.signal.aborted; at += LANES) {
      const lane = subjects.slice(at, at + LANES);
      await Promise.all(lane.map((subject) => copy(subject, from)));
      const before = state.copyRun(from) ?? run;
      state.saveCopyRun({ ...before, through: lane.at(-1) ?? before.through, done: before.done + lane.length });
    }
    return false;
  };

  return {
    copy,
    startAll(from) {
      if (runs.has(from) || stopped.signal.aborted) return;
      if (state.copyRun(from) === null) state.saveCopyRun({ from, startedAtMs: clock.now(), through: null, done: 0 });
      runs.set(
        from,
        runAll(from).finally(() => runs.delete(from)),
      );
    },
    progress(from) {
      const run = state.copyRun(from);
      return run === null ? null : { ...run, isRunning: runs.has(from), failure: failures.get(from) ?? null };
    },
    async stop() {
      stopped.abort(new CarrierError("unavailable", "control", "stopped"));
      await Promise.all(runs.values());
    },
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
