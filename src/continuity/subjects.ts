// Subjects whose seat is not simply what the state says: those that change arm, and those that were put off.
import type { Arm, SeatKey, SeatOrder } from "../kernel/index.ts";
import { type Changing, type Handover, settledOn } from "./handover.ts";

export interface Subject extends SeatKey {
  handover: Handover;
  startedMs: number;
  /** Of the phase that it is in. */
  phaseMs: number;
  cancelDeadline: () => void;
  cancelCarry: () => void;
}

export const newSubject = ({ unit, subject }: SeatKey, arm: Arm): Subject => ({
  unit,
  subject,
  handover: settledOn(arm),
  startedMs: 0,
  phaseMs: 0,
  cancelDeadline: nothing,
  cancelCarry: nothing,
});

const nothing = (): void => {};

export const seatNameOf = ({ unit, subject }: SeatKey): string => `${unit}\n${subject}`;

/** What a process is told that asks in the middle of a change. */
export function joinOrder({ unit, subject }: Subject, { phase, round, from, to, isForced }: Changing): SeatOrder {
  const key = { unit, subject, round };
  return phase === "settling" ? { type: "settle", ...key, from } : { type: "hold", ...key, to, isForced };
}

export function seatOrder({ unit, subject, handover }: Subject, arm: Arm, stayMs: number): SeatOrder {
  const isCarriedLate = handover.phase === "settled" && handover.putOff !== null && handover.putOff !== "busy";
  return { type: "seat", unit, subject, arm, stayMs, reason: isCarriedLate ? "not-carried" : "settling" };
}

/** Of subjects that were put off; who is forgotten is tried again early. */
const PUT_OFF_MAX = 10_000;

export class SubjectBook {
  readonly #subjects = new Map<string, Subject>();
  readonly #changing = new Set<string>();

  get(key: SeatKey): Subject | undefined {
    return this.#subjects.get(seatNameOf(key));
  }

  /** As it stands now; others may begin and end a change meanwhile. */
  *changing(): Generator<Subject> {
    for (const name of this.#changing) {
      const subject = this.#subjects.get(name);
      if (subject !== undefined) yield subject;
    }
  }

  get changingCount(): number {
    return this.#changing.size;
  }

  /** How many wait for another try, by why. */
  get putOff(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { handover } of this.#subjects.values()) {
      if (handover.phase !== "settled" || handover.putOff === null) continue;
      counts[handover.putOff] = (counts[handover.putOff] ?? 0) + 1;
    }
    return counts;
  }

  /** To be called whenever its handover has gone on. */
  note(subject: Subject): void {
    const { handover } = subject;
    const name = seatNameOf(subject);
    if (handover.phase !== "settled") {
      this.#subjects.set(name, subject);
      this.#changing.add(name);
      return;
    }
    this.#changing.delete(name);
    this.#subjects.delete(name);
    if (handover.failures === 0) return;
    this.#subjects.set(name, subject); // the newest last
    if (this.#subjects.size - this.#changing.size > PUT_OFF_MAX) this.#forgetOldest();
  }

  /** Of one that does not change. */
  forget(subject: Subject): void {
    this.#subjects.delete(seatNameOf(subject));
  }

  #forgetOldest(): void {
    for (const name of this.#subjects.keys()) {
      if (this.#changing.has(name)) continue;
      this.#subjects.delete(name);
      return;
    }
  }
}

/** handoff §10. */
const FORWARD_PER_SECOND = 100;

/** Not all forward at once; who waits is served where it is. */
export class Pace {
  #second = { fromMs: 0, begun: 0 };

  has(nowMs: number): boolean {
    if (nowMs - this.#second.fromMs >= 1_000) this.#second = { fromMs: nowMs, begun: 0 };
    return this.#second.begun++ < FORWARD_PER_SECOND;
  }
}
