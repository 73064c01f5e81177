import type { Arm, Reason, SeatKey, Subject, UnitId } from "../../kernel/index.ts";

/** Where a call goes, and why it does not go where it was decided to; null: it does. */
export interface Pass {
  readonly arm: Arm;
  readonly reason: Reason | null;
  /** Of the seat; a call that may write gives it back when it has ended. */
  readonly seat: Seat;
}

export interface Waiting {
  readonly decided: Arm;
  readonly isWrite: boolean;
  readonly sinceMs: number;
  resolve(pass: Pass): void;
}

/**
 * open       served at `arm`; null: not known
 * asking     calls wait for the coordinating process to say where
 * settling   served at `arm`; told when nothing is open any more
 * holding    calls wait for the seat; sockets are closed
 */
export type SeatPhase = "open" | "asking" | "settling" | "holding";

/** One (unit, subject) in one serving process. */
export class Seat implements SeatKey {
  readonly unit: UnitId;
  readonly subject: Subject;
  phase: SeatPhase = "open";
  arm: Arm | null = null;
  round = 0;
  isForced = false;
  /** It has told the coordinating process what this phase is for. */
  hasTold = false;
  /** Calls that may write and handshakes that have not ended. */
  underWay = 0;
  waiting: Waiting[] = [];
  /** Monotonic ms before which it does not ask, though the decision is another. */
  stayUntilMs = Number.NEGATIVE_INFINITY;
  stayReason: Reason = "settling";
  cancelTimer: () => void = nothing;
  /** Its sockets' turn to change arm has not come yet. */
  cancelNudge: (() => void) | null = null;
  #pass: Pass | null = null;

  constructor(unit: UnitId, subject: Subject) {
    this.unit = unit;
    this.subject = subject;
  }

  get isIdle(): boolean {
    return this.phase === "open" && this.underWay === 0 && this.cancelNudge === null;
  }

  /** The way of a call that goes where it was decided to: the same object each time. */
  asDecided(arm: Arm): Pass {
    if (this.#pass?.arm !== arm) this.#pass = { arm, reason: null, seat: this };
    return this.#pass;
  }
}

const nothing = (): void => {};
