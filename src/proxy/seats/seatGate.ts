// Lets calls and handshakes of a subject through to the arm where it sits, or makes them wait while it changes arm
// (handoff §§1, 4). One in each serving process; where nobody changes arm, no call waits for the coordinating process.
import {
  type Arm,
  type Clock,
  otherArm,
  type Reason,
  type SeatOrder,
  type Subject,
  SwitchyardError,
  type UnitId,
} from "../../kernel/index.ts";
import type { Metrics } from "../../metrics/index.ts";
import type { SeatLink } from "../ports.ts";
import { type Pass, Seat, type Waiting } from "./seat.ts";

/** An open socket, as far as the gate cares. */
export interface SeatedSocket {
  readonly arm: Arm;
  readonly openTurns: number;
  /** Nothing that the client said is on its way to the arm any more. */
  readonly isLegClosed: boolean;
  /** Stays when it is on this arm, otherwise goes: closed 1012 at the end of its turn, `capMs` from now at the latest. */
  goTo(arm: Arm, delayMs: number, capMs: number): void;
}

export interface SeatGateDeps {
  readonly clock: Clock;
  readonly link: SeatLink;
  readonly metrics: Pick<Metrics, "moveStall" | "moveDoubts" | "queueDropped">;
  socketsOf(unit: UnitId, subject: Subject): readonly SeatedSocket[];
  /** Arms that the probes find not ready. */
  downArms(): readonly Arm[];
  /** How long sockets of this subject wait for their turn (handoff §10). */
  spreadMs(subject: Subject): number;
}

/** handoff §§4, 11. */
const HELD_MAX = 64;
const HELD_MS = 5_000;
/** No answer by then: control, and nobody asks for a while. */
const ANSWER_MS = 1_000;
const SILENCE_MS = 5_000;
/** A first call waits this long for what other processes have open, then goes where the subject still sits. */
const PATIENCE_MS = 200;
/** Of an open turn while everything else is closed already. */
const HOLD_MS = 2_000;
const NUDGE_MS_MIN = 250;
const SEATS_MAX = 100_000;
/** Tried to make room for one. */
const EVICT_TRIES = 32;

export class SeatGate {
  readonly #deps: SeatGateDeps;
  readonly #units = new Map<UnitId, Map<Subject, Seat>>();
  /** Whether any subject of a unit sits at the candidate, as far as this process was told. */
  readonly #guests = new Map<UnitId, boolean>();
  #size = 0;
  #silentUntilMs = Number.NEGATIVE_INFINITY;

  constructor(deps: SeatGateDeps) {
    this.#deps = deps;
    deps.link.onOrder((order) => this.#obey(order));
  }

  /**
   * The way in: a promise while the subject changes arm. Whoever `mayWrite` (handshakes too) gives it back with `leave`.
   * @throws SwitchyardError SY_OVERLOADED when too many wait already
   */
  enter(unit: UnitId, subject: Subject, decided: Arm, mayWrite: boolean): Pass | Promise<Pass> {
    const seat = this.#seatOf(unit, subject);
    const pass = this.#passNow(seat, decided);
    if (pass === null) return this.#wait(seat, decided, mayWrite);
    if (mayWrite) seat.underWay++;
    return pass;
  }

  leave({ seat }: Pass): void {
    seat.underWay--;
    this.#tell(seat);
  }

  /** Something of this subject has ended: a turn, a socket. */
  settled(unit: UnitId, subject: Subject): void {
    const seat = this.#units.get(unit)?.get(subject);
    if (seat) this.#tell(seat);
  }

  /** A socket was opened: its subject may have changed arm meanwhile. */
  opened(unit: UnitId, subject: Subject, socket: SeatedSocket): void {
    const seat = this.#seatOf(unit, subject);
    if (seat.phase === "holding") socket.goTo(otherArm(socket.arm), 0, 0);
    else if (seat.phase === "open" && seat.arm !== null && seat.arm !== socket.arm) {
      socket.goTo(seat.arm, this.#deps.spreadMs(subject), HOLD_MS);
    }
  }

  /** The flags have changed: sockets whose decision is another now follow it, each subject at its own moment. */
  redecide(unit: UnitId, subject: Subject, decided: Arm): void {
    const seat = this.#seatOf(unit, subject);
    if (seat.phase !== "open") return;
    if (seat.arm === decided) {
      seat.cancelNudge?.();
      seat.cancelNudge = null;
    } else if (seat.cancelNudge === null) this.#nudge(seat, this.#deps.spreadMs(subject));
  }

  armOf(unit: UnitId, subject: Subject): Arm | null {
    return this.#units.get(unit)?.get(subject)?.arm ?? null;
  }

  #passNow(seat: Seat, decided: Arm): Pass | null {
    if (seat.phase === "settling" && seat.waiting.length === 0) {
      return this.#other(seat, seat.arm ?? "control", decided, "settling");
    }
    if (seat.phase !== "open") return null;
    if (seat.arm === decided) return seat.asDecided(decided);
    if (seat.arm === null && decided === "control" && this.#guests.get(seat.unit) === false) {
      seat.arm = decided;
      return seat.asDecided(decided);
    }
    const nowMs = this.#deps.clock.monotonic();
    if (seat.arm !== null && nowMs < seat.stayUntilMs) return this.#other(seat, seat.arm, decided, seat.stayReason);
    if (nowMs < this.#silentUntilMs) return this.#doubt(seat, decided);
    // Forward there is no hurry: its sockets' moment comes. Back, the call itself is the moment.
    if (seat.arm === "control" && seat.cancelNudge !== null) return this.#other(seat, "control", decided, "settling");
    this.#ask(seat);
    return null;
  }

  #other(seat: Seat, arm: Arm, decided: Arm, reason: Reason): Pass {
    return arm === decided ? seat.asDecided(arm) : { arm, reason, seat };
  }

  /** Any doubt goes to control. */
  #doubt(seat: Seat, decided: Arm): Pass {
    this.#deps.metrics.moveDoubts.inc({ unit: seat.unit });
    return this.#other(seat, "control", decided, "not-carried");
  }

  #wait(seat: Seat, decided: Arm, isWrite: boolean): Promise<Pass> {
    if (seat.waiting.length >= HELD_MAX) {
      this.#deps.metrics.queueDropped.inc({ queue: "hold" });
      throw new SwitchyardError("SY_OVERLOADED", "too many calls wait for this subject to change backend", {
        headers: { "retry-after": "1" },
      });
    }
    const { promise, resolve } = Promise.withResolvers<Pass>();
    seat.waiting.push({ decided, isWrite, sinceMs: this.#deps.clock.monotonic(), resolve });
    return promise;
  }

  #ask(seat: Seat): void {
    const { link, downArms } = this.#deps;
    seat.cancelNudge?.();
    seat.cancelNudge = null;
    seat.phase = "asking";
    this.#timer(seat, ANSWER_MS, () => this.#unanswered(seat));
    link.report({ type: "ask", unit: seat.unit, subject: seat.subject, downArms: downArms() });
  }

  /** The coordinating process is silent: forward nobody goes without it, back everybody does (handoff §3). */
  #unanswered(seat: Seat): void {
    this.#silentUntilMs = this.#deps.clock.monotonic() + SILENCE_MS;
    seat.phase = "open";
    seat.arm = null;
    this.#release(seat, ({ decided }) => this.#doubt(seat, decided));
    for (const socket of this.#socketsOf(seat)) socket.goTo("control", this.#deps.spreadMs(seat.subject), HOLD_MS);
  }

  #obey(order: SeatOrder): void {
    if (order.type === "guests") {
      this.#guests.set(order.unit, order.hasAny);
      return;
    }
    const seat = this.#seatOf(order.unit, order.subject);
    seat.cancelNudge?.();
    seat.cancelNudge = null;
    switch (order.type) {
      case "settle":
        this.#settle(seat, order.round, order.from);
        break;
      case "hold":
        this.#hold(seat, order);
        break;
      case "seat":
        this.#sit(seat, order);
        break;
    }
  }

  #settle(seat: Seat, round: number, from: Arm): void {
    Object.assign(seat, { phase: "settling", arm: from, round, isForced: false, hasTold: false });
    seat.cancelTimer();
    const release = (): void => this.#release(seat, ({ decided }) => this.#other(seat, from, decided, "settling"));
    this.#tell(seat);
    if (seat.hasTold && seat.waiting.length > 0) this.#timer(seat, PATIENCE_MS, release);
    else release();
  }

  #hold(seat: Seat, { round, to, isForced }: Extract<SeatOrder, { type: "hold" }>): void {
    Object.assign(seat, { phase: "holding", round, isForced, hasTold: false });
    this.#timer(seat, HELD_MS, () => this.#unanswered(seat));
    for (const socket of this.#socketsOf(seat)) socket.goTo(to, 0, isForced ? 0 : HOLD_MS);
    this.#tell(seat);
  }

  #sit(seat: Seat, { arm, stayMs, reason }: Extract<SeatOrder, { type: "seat" }>): void {
    seat.cancelTimer();
    seat.phase = "open";
    seat.arm = arm;
    seat.stayReason = reason;
    seat.stayUntilMs = stayMs === 0 ? Number.NEGATIVE_INFINITY : this.#deps.clock.monotonic() + stayMs;
    this.#silentUntilMs = Number.NEGATIVE_INFINITY;
    this.#release(seat, ({ decided }) => this.#other(seat, arm, decided, reason));
    const sockets = this.#socketsOf(seat);
    for (const socket of sockets) socket.goTo(arm, 0, HOLD_MS);
    if (sockets.length > 0 && stayMs > 0) this.#nudge(seat, stayMs);
  }

  /** In the order in which they came. */
  #release(seat: Seat, passOf: (waiting: Waiting) => Pass): void {
    const { waiting } = seat;
    seat.waiting = [];
    const nowMs = this.#deps.clock.monotonic();
    for (const one of waiting) {
      const pass = passOf(one);
      if (one.isWrite) seat.underWay++;
      this.#deps.metrics.moveStall.observe({ to: pass.arm }, (nowMs - one.sinceMs) / 1_000);
      one.resolve(pass);
    }
  }

  #tell(seat: Seat): void {
    if (seat.hasTold || (seat.phase !== "settling" && seat.phase !== "holding")) return;
    const sockets = this.#socketsOf(seat);
    const isStill =
      seat.phase === "settling"
        ? seat.underWay === 0 && sockets.every(({ openTurns }) => openTurns === 0)
        : seat.isForced || (seat.underWay === 0 && sockets.every(({ isLegClosed }) => isLegClosed));
    if (!isStill) return;
    seat.hasTold = true;
    const { unit, subject, round } = seat;
    this.#deps.link.report({ type: seat.phase === "settling" ? "quiet" : "held", unit, subject, round });
  }

  /** Asks later, for who may have nothing but sockets. */
  #nudge(seat: Seat, ms: number): void {
    seat.cancelNudge = this.#deps.clock.after(Math.max(ms, NUDGE_MS_MIN), () => {
      seat.cancelNudge = null;
      if (seat.phase === "open" && this.#socketsOf(seat).length > 0) this.#ask(seat);
    });
  }

  #timer(seat: Seat, ms: number, run: () => void): void {
    seat.cancelTimer();
    seat.cancelTimer = this.#deps.clock.after(ms, run);
  }

  #socketsOf({ unit, subject }: Seat): readonly SeatedSocket[] {
    return this.#deps.socketsOf(unit, subject);
  }

  #seatOf(unit: UnitId, subject: Subject): Seat {
    let seats = this.#units.get(unit);
    if (seats === undefined) {
      seats = new Map();
      this.#units.set(unit, seats);
    }
    const known = seats.get(subject);
    if (known !== undefined) return known;
    if (this.#size >= SEATS_MAX) this.#makeRoom();
    const seat = new Seat(unit, subject);
    seats.set(subject, seat);
    this.#size++;
    return seat;
  }

  /** The oldest that is not in use goes; whoever it was is asked for again. */
  #makeRoom(): void {
    for (const seats of this.#units.values()) {
      let tries = 0;
      for (const [subject, seat] of seats) {
        if (++tries > EVICT_TRIES) break;
        if (!seat.isIdle || this.#socketsOf(seat).length > 0) continue;
        seats.delete(subject);
        this.#size--;
        this.#deps.metrics.queueDropped.inc({ queue: "seats" });
        return;
      }
    }
  }
}
