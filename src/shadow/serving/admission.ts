// Whether a served leg is copied, and why not (shadow §3): everything that is known on the spot.
import { type Arm, type Clock, otherArm, type UnitId } from "../../kernel/index.ts";
import type { LeavingLeg } from "../../proxy/ports.ts";
import { guardReason } from "../mirror/guardProbe.ts";
import type { Pressure } from "../mirror/pressure.ts";
import type { RoutePlan } from "../plans.ts";
import { isSampled } from "../sampling.ts";
import type { TargetState } from "../threads/messages.ts";
import type { NotComparedReason } from "../words.ts";
import { Budget } from "./budget.ts";
import type { Groups } from "./groups.ts";
import { RecentWrites } from "./recentWrites.ts";

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly pressure: Pressure;
  readonly groups: Groups;
}

/** Behind a circuit that has rested one call is handed over as a try, and this long no other: most tries are known to the mirror thread by then. */
const TRY_GAP_MS = 1_000;
const NO_TARGET: TargetState = { guard: "none", circuit: "closed", restsUntilMs: 0 };

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #budget: Budget;
  readonly #writes: RecentWrites;
  /** When the next try may be handed over, by the arm whose target it is for; monotonic: the wall clock may be set. */
  readonly #nextTryMs: Record<Arm, number> = { control: Number.NEGATIVE_INFINITY, candidate: Number.NEGATIVE_INFINITY };
  /** Groups get their state at the targets before they are compared. */
  hasSeeds = false;
  targets: Readonly<Record<Arm, TargetState>> = { control: NO_TARGET, candidate: NO_TARGET };
  /** The threads are there; without them everything sampled is counted as lost. */
  isRunning = true;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#budget = new Budget(options.clock);
    this.#writes = new RecentWrites(options.clock);
  }

  noteWrite(unit: UnitId, group: string): void {
    this.#writes.note(unit, group);
  }

  isIn(plan: RoutePlan, leg: LeavingLeg, group: string): boolean {
    if (!isSampled(plan.unit, group, plan.samplePercent)) return false;
    return !this.needsSeed(plan, leg) || this.#options.groups.standing(plan.unit, group) !== "waiting";
  }

  /** Of a stateful unit's group that is, or may come to be, compared. */
  isFollowed(plan: RoutePlan, leg: LeavingLeg, group: string): boolean {
    return this.needsSeed(plan, leg) && isSampled(plan.unit, group, plan.samplePercent);
  }

  needsSeed(plan: RoutePlan, leg: LeavingLeg): boolean {
    return plan.isStateful && leg.subject !== null && this.hasSeeds;
  }

  /** null: it may leave. */
  reasonAgainst(plan: RoutePlan, leg: LeavingLeg, group: string): NotComparedReason | null {
    const { pressure, clock, groups } = this.#options;
    if (!this.isRunning) return "engine_lost";
    const arm = otherArm(leg.arm);
    const target = this.targets[arm];
    const isAtTarget = plan.isStateful || target.guard !== "none";
    if (isAtTarget) {
      const reason = guardReason(target.guard);
      if (reason !== null) return reason;
      // A serving instance refuses everything marked but GET (shadow W2).
    } else if (leg.method !== "GET") return "unsafe_write";
    const isTry = target.circuit !== "closed";
    const mayTry = clock.now() >= target.restsUntilMs && clock.monotonic() >= this.#nextTryMs[arm];
    if (isTry && !mayTry) return "circuit_open";
    if (this.needsSeed(plan, leg)) {
      const standing = groups.standing(plan.unit, group);
      if (standing === "lost") return "unseeded";
      if (standing === "diverged") return "diverged"; // the target gets its state anew one day (shadow J4)
    }
    // The other arm lacks what was written here a moment ago (shadow W3).
    if (!isAtTarget && leg.subject !== null && this.#writes.isRecent(plan.unit, group)) return "unseeded";
    if (!isSampled(plan.unit, group, pressure.ratePercent(plan.samplePercent))) return "pressure";
    if (!this.#budget.take(plan.id, plan.copiesPerMinute)) return "budget";
    if (isTry) this.#nextTryMs[arm] = clock.monotonic() + TRY_GAP_MS;
    return null;
  }
}
