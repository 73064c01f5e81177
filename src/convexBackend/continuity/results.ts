// What became of a change.

export interface Result {
  readonly outcome: "applied" | "skipped" | "rejected";
  readonly reason?: string;
  /** Somebody's write has lost. */
  readonly isConflict?: boolean;
}

export const APPLIED: Result = { outcome: "applied" };
export const SKIPPED: Result = { outcome: "skipped" };
export const rejected = (reason: string): Result => ({ outcome: "rejected", reason });
export const BUSY = rejected("later: session busy");
