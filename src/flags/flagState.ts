import type { Subject } from "../kernel/index.ts";
import { type CompiledFlags, compileFlags } from "./compiledFlags.ts";
import { decide, type Question, type Verdict } from "./decide.ts";
import { decisionOf, explain } from "./explain.ts";
import { livePin, pinsBySubject } from "./overrides.ts";
import type { DecidableUnit, FlagState, FlagStateData, KillRecord, Lease, Pin } from "./ports.ts";

/** Shown for a decision without a subject, which never reaches the share. */
const NOBODY: Verdict = Object.freeze({ isOn: false, rank: 999 });
const NO_PINS: readonly Pin[] = [];

class StateQuestion implements Question {
  readonly unit: DecidableUnit;
  readonly subject: Subject | null;
  readonly nowMs: number;
  readonly kills: readonly KillRecord[];
  readonly pin: Pin | null;
  readonly lease: Lease | null;
  readonly hasData: boolean;
  readonly percent: number;
  readonly #flags: CompiledFlags;

  constructor(
    around: { data: FlagStateData; flags: CompiledFlags; pin: Pin | null; lease: Lease | null },
    unit: DecidableUnit,
    subject: Subject | null,
    nowMs: number,
  ) {
    this.unit = unit;
    this.subject = subject;
    this.nowMs = nowMs;
    this.kills = around.data.overrides.kills;
    this.pin = around.pin;
    this.lease = around.lease;
    this.hasData = around.data.reading.data !== null;
    this.percent = around.flags.percentOf(unit.flag);
    this.#flags = around.flags;
  }

  verdict(): Verdict {
    return this.subject ? this.#flags.verdict(this.unit.flag, this.subject, this.nowMs) : NOBODY;
  }
}

export interface CompiledFlagState extends FlagState {
  /** Remembered verdicts that made room for newer ones. */
  readonly evicted: number;
}

/**
 * Makes serialised data askable; cheap, synchronous, in every process. `units` are compiled at once, so that the first
 * call of a new epoch pays nothing; any other unit is compiled when it is first asked.
 */
export function compileFlagState(data: FlagStateData, units: Iterable<DecidableUnit>): CompiledFlagState {
  const flags = compileFlags(data.reading.data);
  for (const { flag } of units) flags.percentOf(flag);
  const pins = pinsBySubject(data.overrides.pins);
  const leases = new Map(Object.entries(data.leases));

  const question = (unit: DecidableUnit, subject: Subject | null, nowMs: number): Question => {
    const lease = leases.get(unit.id) ?? null;
    const own = subject === null ? NO_PINS : (pins.get(subject) ?? NO_PINS);
    const pin = own.length > 0 ? livePin(own, unit.id, lease, nowMs) : null;
    return new StateQuestion({ data, flags, pin, lease }, unit, subject, nowMs);
  };
  return Object.freeze({
    data,
    decide: (unit: DecidableUnit, subject: Subject | null, nowMs: number) =>
      decisionOf(decide(question(unit, subject, nowMs)), data, nowMs),
    explain: (unit: DecidableUnit, subject: Subject | null, nowMs: number) =>
      explain(question(unit, subject, nowMs), data),
    get evicted() {
      return flags.evicted;
    },
  });
}
