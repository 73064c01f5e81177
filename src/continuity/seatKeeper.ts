// Who sits where, and the handovers (handoff §§3, 4): does what the reducer says. One in the process that coordinates;
// the processes that serve join it.
import type { Arm, Clock, SeatKey, SeatOrder, SeatReport, UnitId } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { type Carries, createCarries, textOf } from "./carries.ts";
import {
  type Handover,
  type HandoverEffect,
  type HandoverEvent,
  isForward,
  type ProcessId,
  reduceHandover,
} from "./handover.ts";
import { Fleet } from "./fleet.ts";
import { createLanes, type Lanes } from "./lanes.ts";
import type { Continuity, ContinuityLog, SeatHub, SeatMember, SeatState, SeatStatus } from "./ports.ts";
import { joinOrder, newSubject, Pace, seatNameOf, seatOrder, type Subject, SubjectBook } from "./subjects.ts";

export interface SeatKeeperOptions {
  /** By the newest flags. */
  decide(unit: UnitId, subject: string): Arm;
  readonly data: Pick<Continuity, "isMovable" | "carry" | "copy">;
  readonly state: SeatState;
  readonly clock: Clock;
  readonly metrics: SeatMetrics;
  readonly log: ContinuityLog;
  /** Both arms should hold the same of this subject now. */
  onSeated(key: SeatKey): void;
}

export type SeatMetrics = Pick<
  Metrics,
  "moveFinished" | "moveSeconds" | "movePhases" | "moveBehind" | "moveWaiting" | "queueDropped"
>;

export interface SeatKeeper extends SeatHub {
  /** The flags have changed: changes of arm that are no longer wanted are taken back. */
  redecide(): void;
  armOf(key: SeatKey): Arm;
  readonly status: SeatStatus;
  stop(): Promise<void>;
}

/** Subjects whose data is on its way for the first time. */
const COPIES = 2;
const COPIES_WAITING = 10_000;
/** Who finds the second's changes used up asks again after this. */
const LATER_MS = 500;
/** How often an arm that is gone makes those that wait for it go on. */
const LOST_MS = 1_000;

export const createSeatKeeper = (options: SeatKeeperOptions): SeatKeeper => new Keeper(options);

class Keeper implements SeatKeeper {
  readonly #options: SeatKeeperOptions;
  readonly #fleet: Fleet;
  readonly #subjects = new SubjectBook();
  readonly #pace = new Pace();
  readonly #carries: Carries;
  readonly #copies: Lanes;
  #round = 0;
  #lostSeenMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(options: SeatKeeperOptions) {
    this.#options = options;
    this.#fleet = new Fleet(options.state.guests());
    const dropped = (queue: string) => () => options.metrics.queueDropped.inc({ queue });
    this.#carries = createCarries({ ...options, onDrop: dropped("carry") });
    this.#copies = createLanes({ width: COPIES, capacity: COPIES_WAITING, onDrop: dropped("copy") });
  }

  join(send: (order: SeatOrder) => void): SeatMember {
    const process = this.#fleet.add(send);
    this.#tellAll({ type: "processJoined", process });
    return {
      report: (report) => this.#hear(process, report),
      leave: () => {
        this.#fleet.remove(process);
        this.#tellAll({ type: "processGone", process });
      },
    };
  }

  redecide(): void {
    if (this.#isStopped) return;
    for (const subject of this.#subjects.changing()) this.#want(subject, this.#decide(subject), []);
  }

  armOf(key: SeatKey): Arm {
    const handover = this.#subjects.get(key)?.handover;
    if (handover === undefined) return this.#options.state.seat(key);
    return handover.phase === "settled" ? handover.arm : handover.from;
  }

  get status(): SeatStatus {
    const { changingCount, putOff } = this.#subjects;
    return { atCandidate: Object.fromEntries(this.#fleet.guests), changing: changingCount, putOff };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { cancelDeadline } of this.#subjects.changing()) cancelDeadline();
    await Promise.all([this.#carries.stop(), this.#copies.stop()]);
  }

  #tellAll(event: HandoverEvent): void {
    for (const subject of this.#subjects.changing()) this.#dispatch(subject, event);
  }

  #hear(process: ProcessId, report: SeatReport): void {
    if (this.#isStopped) return;
    try {
      const subject = this.#subjects.get(report);
      if (report.type === "ask") this.#asked(process, report);
      else if (subject) this.#dispatch(subject, { type: report.type, round: report.round, process });
    } catch (error) {
      // Without an answer the process serves the subject from control.
      this.#options.log.event("seat.failed", { unit: report.unit, error: textOf(error) }, "error");
    }
  }

  #asked(process: ProcessId, { unit, subject: of, downArms }: Extract<SeatReport, { type: "ask" }>): void {
    if (!this.#fleet.guests.has(unit)) this.#fleet.countGuests(unit, 0);
    const key = { unit, subject: of };
    const subject = this.#subjects.get(key) ?? newSubject(key, this.#options.state.seat(key));
    const { phase } = subject.handover;
    if (phase === "settled") {
      const to = this.#decide(key);
      if (to !== subject.handover.arm && isForward(to) && !this.#pace.has(this.#options.clock.monotonic())) {
        this.#seat(subject, subject.handover.arm, LATER_MS, process);
        return;
      }
      if (!this.#want(subject, to, downArms)) this.#answerSettled(subject, process);
    } else this.#fleet.tell(process, joinOrder(subject, subject.handover));
    if (downArms.length > 0) this.#hurryThoseFrom(downArms);
  }

  #answerSettled(subject: Subject, process: ProcessId): void {
    const { handover } = subject;
    if (handover.phase !== "settled") return;
    const stayMs = Math.max(0, handover.notBeforeMs - this.#options.clock.monotonic());
    this.#seat(subject, handover.arm, handover.putOff === null ? 0 : stayMs, process);
  }

  /** An arm that is gone ends nothing: who waits for it to end something goes on (handoff §9). */
  #hurryThoseFrom(downArms: readonly Arm[]): void {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#lostSeenMs < LOST_MS) return;
    this.#lostSeenMs = nowMs;
    for (const subject of this.#subjects.changing()) {
      const { handover } = subject;
      const isLost = handover.phase !== "settled" && downArms.includes(handover.from);
      if (isLost) this.#want(subject, this.#decide(subject), downArms);
    }
  }

  /** Gives whether anything follows from it. */
  #want(subject: Subject, to: Arm, downArms: readonly Arm[]): boolean {
    const { handover } = subject;
    const from = handover.phase === "settled" ? handover.arm : handover.from;
    return this.#dispatch(subject, {
      type: "wanted",
      to,
      isMovable: this.#options.data.isMovable(subject.subject, from),
      isFromUp: !downArms.includes(from),
      processes: this.#fleet.ids,
      round: ++this.#round,
    });
  }

  #decide({ unit, subject }: SeatKey): Arm {
    try {
      return this.#options.decide(unit, subject);
    } catch {
      return "control";
    }
  }

  #dispatch(subject: Subject, event: HandoverEvent, nowMs = this.#options.clock.monotonic()): boolean {
    const { clock } = this.#options;
    const before = subject.handover;
    const [after, effects] = reduceHandover(before, event, nowMs);
    subject.handover = after;
    if (after.phase !== before.phase) this.#tellPhase(subject, before);
    if (before.phase === "settled" && after.phase !== "settled") subject.startedMs = clock.monotonic();
    if (before.phase !== "settled" && after.phase === "settled") {
      subject.cancelDeadline();
      subject.cancelCarry();
    }
    if (after !== before) this.#subjects.note(subject);
    this.#options.metrics.moveWaiting.set(this.#subjects.changingCount);
    for (const effect of effects) this.#do(subject, effect);
    return effects.length > 0;
  }

  /** `before` has just ended. */
  #tellPhase(subject: Subject, before: Handover): void {
    const nowMs = this.#options.clock.monotonic();
    if (before.phase !== "settled") {
      const { to, phase } = before;
      this.#options.metrics.movePhases.observe({ to, phase }, (nowMs - subject.phaseMs) / 1_000);
    }
    subject.phaseMs = nowMs;
  }

  #do(subject: Subject, effect: HandoverEffect): void {
    const { unit, subject: of } = subject;
    switch (effect.type) {
      case "settle":
        this.#wakeAt(subject, effect.deadlineMs);
        this.#fleet.tellAll({ type: "settle", unit, subject: of, round: effect.round, from: effect.from });
        break;
      case "hold": {
        const { round, to, isForced } = effect;
        this.#wakeAt(subject, effect.deadlineMs);
        this.#fleet.tellAll({ type: "hold", unit, subject: of, round, to, isForced });
        break;
      }
      case "carry":
        this.#wakeAt(subject, effect.deadlineMs);
        this.#carry(subject, effect.from, effect.round);
        break;
      case "commit":
        this.#commit(subject, effect);
        break;
      case "putOff":
        this.#options.metrics.moveFinished.inc({
          unit,
          to: "candidate",
          result: effect.why === "busy" || effect.why === "not-copied" ? "postponed" : "aborted",
        });
        this.#seat(subject, effect.arm, effect.stayMs, null);
        break;
      case "copy":
        this.#copy(subject, effect.from);
        break;
    }
  }

  #wakeAt(subject: Subject, deadlineMs: number): void {
    const { clock } = this.#options;
    subject.cancelDeadline();
    // A timer may fire a fraction of a millisecond early.
    const run = (): unknown => this.#dispatch(subject, { type: "deadline" }, Math.max(clock.monotonic(), deadlineMs));
    subject.cancelDeadline = clock.after(Math.max(0, deadlineMs - clock.monotonic()), run);
  }

  #carry(subject: Subject, from: Arm, round: number): void {
    const name = `${seatNameOf(subject)} ${round}`;
    subject.cancelCarry = this.#carries.begin({
      name,
      subject: subject.subject,
      from,
      // A seat at the candidate is written before anybody is served there: who restarts must know where the newest rows are.
      store: () => {
        if (from === "control") this.#options.state.saveSeat(subject, "candidate");
      },
      onEnd: (type) => void this.#dispatch(subject, { type, round }),
    });
  }

  #commit(subject: Subject, { arm, isForced, isBehind }: Extract<HandoverEffect, { type: "commit" }>): void {
    const { metrics, clock, log, state } = this.#options;
    const { unit } = subject;
    if (arm === "control") {
      try {
        state.saveSeat(subject, arm);
      } catch (error) {
        // Back goes on; after a restart it is asked to go back once more.
        log.event("seat.unsaved", { unit, error: textOf(error) }, "error");
      }
    }
    this.#fleet.countGuests(unit, arm === "candidate" ? 1 : -1);
    this.#seat(subject, arm, 0, null);
    metrics.moveFinished.inc({ unit, to: arm, result: isForced ? "forced" : "planned" });
    metrics.moveSeconds.observe({ to: arm }, (clock.monotonic() - subject.startedMs) / 1_000);
    if (isBehind) metrics.moveBehind.inc({ unit });
    this.#options.onSeated(subject);
  }

  /** `process` null: to all that took part. */
  #seat(subject: Subject, arm: Arm, stayMs: number, process: ProcessId | null): void {
    const order = seatOrder(subject, arm, stayMs);
    if (process === null) this.#fleet.tellAll(order);
    else this.#fleet.tell(process, order);
  }

  /** Everything of the subject for the first time, beside its work; then it may be tried again at once. */
  #copy(subject: Subject, from: Arm): void {
    this.#copies.run(seatNameOf(subject), async () => {
      try {
        await this.#options.data.copy(subject.subject, from);
      } catch (error) {
        this.#options.log.event("copy.failed", { from, error: textOf(error) }, "warn");
        return;
      }
      const { handover } = subject;
      if (handover.phase !== "settled" || handover.putOff !== "not-copied") return;
      this.#subjects.forget(subject);
      this.#seat(subject, handover.arm, 0, null);
    });
  }
}
