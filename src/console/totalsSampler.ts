import type { Clock } from "../kernel/index.ts";
import { withDeadline } from "./deadline.ts";
import type { UnitArmTotals } from "./ports.ts";
import { addSample, type TotalsSample } from "./rates.ts";

const SAMPLE_INTERVAL_MS = 1_000;
const SAMPLE_TIMEOUT_MS = 2_000;

export interface TotalsSampler {
  readonly samples: readonly TotalsSample[];
  start(): void;
  stop(): void;
}

/** Asks for the totals each second; a failing port costs samples, never the listener: rates then show an older window. */
export function createTotalsSampler(
  totals: () => Promise<readonly UnitArmTotals[]>,
  clock: Clock,
  onFailure: (error: unknown) => void,
): TotalsSampler {
  let isFailing = false;
  let ring: readonly TotalsSample[] = [];
  let cancel: (() => void) | null = null;
  let isRunning = false;
  const sample = async (): Promise<void> => {
    try {
      const current = await withDeadline(totals(), SAMPLE_TIMEOUT_MS, clock);
      ring = addSample(ring, { atMs: clock.monotonic(), totals: current });
      isFailing = false;
    } catch (error) {
      // The next second asks again, `status` names the window it really has, and the log hears of it once.
      if (!isFailing) onFailure(error);
      isFailing = true;
    }
    if (isRunning) cancel = clock.after(SAMPLE_INTERVAL_MS, () => void sample());
  };
  return {
    get samples() {
      return ring;
    },
    start() {
      isRunning = true;
      void sample();
    },
    stop() {
      isRunning = false;
      cancel?.();
    },
  };
}
