// The carries of the handovers (handoff §3): bounded in time and number, each told once how it ended.
import type { Arm, Clock, Subject } from "../kernel/index.ts";
import { CARRY_MS } from "./handover.ts";
import { createLanes } from "./lanes.ts";
import type { Continuity, ContinuityLog } from "./ports.ts";

export interface CarriesOptions {
  readonly data: Pick<Continuity, "carry">;
  readonly clock: Clock;
  readonly log: ContinuityLog;
  onDrop(): void;
}

export interface Carry {
  /** One of this name at a time. */
  readonly name: string;
  readonly subject: Subject;
  readonly from: Arm;
  /** Once the data is there; when it throws, the carry has failed. */
  store(): void;
  onEnd(how: "carried" | "carryFailed"): void;
}

export interface Carries {
  /** Gives its cancel: nothing is told after that. */
  begin(carry: Carry): () => void;
  stop(): Promise<void>;
}

/** handoff §10. */
const LANES = 50;
const WAITING_MAX = 10_000;

export function createCarries({ data, clock, log, onDrop }: CarriesOptions): Carries {
  const lanes = createLanes({ width: LANES, capacity: WAITING_MAX, onDrop });
  let isFailing = false;

  const failed = (from: Arm, error: unknown): void => {
    // One line for an arm that is away, not one for each subject.
    if (!isFailing) log.event("carry.failed", { from, error: textOf(error) }, "warn");
    isFailing = true;
  };
  const succeeded = (from: Arm): void => {
    if (isFailing) log.event("carry.back", { from });
    isFailing = false;
  };

  return {
    begin({ name, subject, from, store, onEnd }) {
      let isCancelled = false;
      const limit = new AbortController();
      const end = (how: "carried" | "carryFailed"): void => {
        if (!isCancelled) onEnd(how);
      };
      const isTaken = lanes.run(name, async (stopped) => {
        if (isCancelled) return;
        const cancel = clock.after(CARRY_MS, () => limit.abort(new Error(`took more than ${CARRY_MS / 1_000} s`)));
        try {
          await data.carry(subject, from, AbortSignal.any([stopped, limit.signal]));
          if (!isCancelled) store();
          succeeded(from);
          end("carried");
        } catch (error) {
          if (!isCancelled) failed(from, error);
          end("carryFailed");
        } finally {
          cancel();
        }
      });
      if (!isTaken) end("carryFailed");
      return () => {
        isCancelled = true;
        limit.abort();
      };
    },
    stop: () => lanes.stop(),
  };
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
