// What the scheduler needs from the rest of the host.
import type { Timers } from "./alarm.ts";
import { CommitFailed } from "./commitQueue.ts";
import type { HostLog } from "./functionHost.ts";
import type { Functions } from "./functions.ts";
import type { CommitQueue } from "./ports.ts";
import { TransportError } from "./words.ts";

/** What runs them (functions.ts): without an identity (embedded-convex §3.6). */
export type JobFunctions = Pick<Functions, "kindOf" | "resolve" | "runJob">;

export interface SchedulerOptions {
  readonly queue: CommitQueue;
  readonly functions: JobFunctions;
  /** Paths of all components, "" among them: each has jobs and crons of its own. A reload may change them. */
  readonly components: () => readonly string[];
  /** Epoch ms. */
  readonly clock: () => number;
  readonly timers: Timers;
  readonly log: HostLog;
  readonly count: (what: "jobs" | "crons", labels: Readonly<Record<string, string>>) => void;
}

/** After trouble that is not a function's doing (disk full), the scheduler rests this long. */
export const RETRY_MS = 1_000;

/** A pause on the scheduler's timers. */
export function sleepOn(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    timers.set(resolve, delayMs);
  });
}

/** Whether it says nothing about the function: what ran, if anything, is undone, and may be tried again. */
export function isHostTrouble(error: unknown): boolean {
  return error instanceof CommitFailed || error instanceof TransportError;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
