import { randomBytes } from "node:crypto";
import { isArm, type Subject, type UnitId } from "../kernel/index.ts";
import { FlagsError } from "./errors.ts";
import { KILL_LAYERS, type KillLayer, type KillRecord, type Lease, type Overrides, type Pin } from "./ports.ts";

export const PINS_MAX = 1_000;
export const PIN_LIFE_MS_MAX = 30 * 86_400_000;
export const REASON_LENGTH_MAX = 500;

export const NO_OVERRIDES: Overrides = Object.freeze({ kills: Object.freeze([]), pins: Object.freeze([]) });

const CONTROLS = /[\u0000-\u001f\u007f]/;

/** A person's sentence: trimmed, not empty, no control characters (they would break the audit's lines). */
export function checkedReason(
  text: string,
  code: "PIN_REFUSED" | "KILL_REFUSED" | "FLAGS_NAME",
  what = "reason",
): string {
  const trimmed = text.trim();
  if (trimmed === "") throw new FlagsError(code, `A ${what} is needed: whoever looks at this later must know why.`);
  if (trimmed.length > REASON_LENGTH_MAX || CONTROLS.test(trimmed)) {
    throw new FlagsError(code, `The ${what} must be one line of at most ${REASON_LENGTH_MAX} characters.`);
  }
  return trimmed;
}

const inLayerOrder = (kills: readonly KillRecord[]): readonly KillRecord[] =>
  [...kills].sort((a, b) => KILL_LAYERS.indexOf(a.layer) - KILL_LAYERS.indexOf(b.layer));

const frozen = (kills: readonly KillRecord[], pins: readonly Pin[]): Overrides =>
  Object.freeze({ kills: Object.freeze([...kills]), pins: Object.freeze([...pins]) });

/** A layer that is on stays on since when it was; only who and why are renewed. */
export function withKill(overrides: Overrides, kill: KillRecord): Overrides {
  const before = overrides.kills.find(({ layer }) => layer === kill.layer);
  const record = Object.freeze({ ...kill, sinceMs: before?.sinceMs ?? kill.sinceMs });
  const others = overrides.kills.filter(({ layer }) => layer !== kill.layer);
  return frozen(inLayerOrder([...others, record]), overrides.pins);
}

export const withoutKill = (overrides: Overrides, layer: KillLayer): Overrides =>
  frozen(
    overrides.kills.filter((kill) => kill.layer !== layer),
    overrides.pins,
  );

/** Checks a person's pin and gives it an id. Throws `FlagsError`. */
export function newPin(wish: Omit<Pin, "id" | "createdAtMs">, units: ReadonlySet<UnitId>, nowMs: number): Pin {
  const { subject, unit, arm, untilMs } = wish;
  if (subject.length < 1 || subject.length > 128 || CONTROLS.test(subject)) {
    throw new FlagsError("PIN_REFUSED", "A subject is 1 to 128 characters without control characters.");
  }
  if (!isArm(arm)) throw new FlagsError("PIN_REFUSED", `"${String(arm)}" is no arm; use control or candidate.`);
  if (unit !== null && !units.has(unit)) {
    throw new FlagsError("PIN_REFUSED", `There is no unit "${unit}"; the units are ${[...units].join(", ")}.`);
  }
  if (!Number.isFinite(untilMs) || untilMs <= nowMs)
    throw new FlagsError("PIN_REFUSED", "A pin must end in the future.");
  if (untilMs > nowMs + PIN_LIFE_MS_MAX) throw new FlagsError("PIN_REFUSED", "A pin may last 30 days at most.");
  const reason = checkedReason(wish.reason, "PIN_REFUSED");
  const actor = checkedReason(wish.actor, "PIN_REFUSED", "actor");
  const id = `p_${randomBytes(6).toString("hex")}`;
  return Object.freeze({ id, subject, unit, arm, reason, actor, createdAtMs: nowMs, untilMs });
}

/** A later pin for the same subject and unit takes the place of the earlier one. */
export function withPin(overrides: Overrides, pin: Pin): Overrides {
  const others = overrides.pins.filter(({ subject, unit }) => subject !== pin.subject || unit !== pin.unit);
  if (others.length >= PINS_MAX) {
    throw new FlagsError("PINS_FULL", `There are ${PINS_MAX} pins already; remove one first.`);
  }
  return frozen(overrides.kills, [...others, pin]);
}

export const withoutPin = (overrides: Overrides, id: string): Overrides =>
  frozen(
    overrides.kills,
    overrides.pins.filter((pin) => pin.id !== id),
  );

/** The same object when nothing has expired. */
export function withoutExpired(overrides: Overrides, nowMs: number): Overrides {
  const live = overrides.pins.filter(({ untilMs }) => untilMs > nowMs);
  return live.length === overrides.pins.length ? overrides : frozen(overrides.kills, live);
}

export function pinsBySubject(pins: readonly Pin[]): ReadonlyMap<Subject, readonly Pin[]> {
  return Map.groupBy(pins, ({ subject }) => subject);
}

export const isLeaseExpired = (lease: Lease | null, nowMs: number): lease is Lease =>
  lease !== null && !lease.isRetired && nowMs >= lease.expiresAtMs;

/** An expired lease suspends the candidate pins made before it ended; a pin made afterwards works (rollout.md §1.4). */
const isSuspended = (pin: Pin, lease: Lease | null, nowMs: number): boolean =>
  pin.arm === "candidate" && isLeaseExpired(lease, nowMs) && pin.createdAtMs < lease.expiresAtMs;

/** The pin that speaks for this unit now: one made for the unit beats one for every unit. */
export function livePin(pins: readonly Pin[], unit: UnitId, lease: Lease | null, nowMs: number): Pin | null {
  let forAll: Pin | null = null;
  for (const pin of pins) {
    if (pin.untilMs <= nowMs || isSuspended(pin, lease, nowMs)) continue;
    if (pin.unit === unit) return pin;
    if (pin.unit === null) forAll = pin;
  }
  return forAll;
}
