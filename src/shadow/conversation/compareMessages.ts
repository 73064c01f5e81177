// What became of every message of a socket pair (shadow C5–C7): matched, changed, missing, extra, in another order, late, twice.
import type { BodyComparison } from "../compare/body.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { DifferenceKind, Severity } from "../words.ts";
import { align } from "./align.ts";
import type { ArmMessage, MessageState } from "./message.ts";

const BAND = 64;
const GAP_COST = 0.7;
/** A pair of one type with nothing in common costs as much as leaving both out, a little less. */
const CHANGED_COST_MAX = 1.3;
/** A message of the turn before may come so long after the next one left (C6). */
const GRACE_MS_MIN = 250;

export interface MessageComparer {
  /** Equal for messages that the rules take for equal as they stand. */
  fingerprint(message: ArmMessage): string;
  compare(control: ArmMessage, candidate: ArmMessage): BodyComparison;
  /** How late the arms answer, p99, ms. */
  readonly lagMs: number;
}

export interface MessageFinding {
  readonly state: MessageState;
  readonly lane: string;
  readonly type: string;
  readonly turn: number;
  /** Positions in what each arm said. */
  readonly control: number | null;
  readonly candidate: number | null;
  readonly differences: readonly FoundDifference[];
}

interface Named {
  readonly at: number;
  readonly message: ArmMessage;
  readonly print: string;
}

type Half = readonly Named[];

/** In the order of their turns, then of the control's positions. */
export function compareMessages(
  control: readonly ArmMessage[],
  candidate: readonly ArmMessage[],
  comparer: MessageComparer,
): readonly MessageFinding[] {
  const [left, right] = [lanesOf(control, comparer), lanesOf(candidate, comparer)];
  const found: MessageFinding[] = [];
  for (const lane of new Set([...left.keys(), ...right.keys()])) {
    found.push(...compareLane(left.get(lane) ?? [], right.get(lane) ?? [], comparer));
  }
  return found.sort((one, other) => one.turn - other.turn || placeOf(one) - placeOf(other));
}

const placeOf = ({ control, candidate }: MessageFinding): number => control ?? candidate ?? 0;

function lanesOf(messages: readonly ArmMessage[], { fingerprint }: MessageComparer): Map<string, Named[]> {
  const lanes = new Map<string, Named[]>();
  for (const [at, message] of messages.entries()) {
    const named = { at, message, print: `${message.type}\n${fingerprint(message)}` };
    const lane = lanes.get(message.lane);
    if (lane === undefined) lanes.set(message.lane, [named]);
    else lane.push(named);
  }
  return lanes;
}

function compareLane(control: Half, candidate: Half, comparer: MessageComparer): readonly MessageFinding[] {
  const compared = new Map<string, BodyComparison>();
  const comparison = (one: Named, other: Named): BodyComparison => {
    const name = `${one.at} ${other.at}`;
    const known = compared.get(name) ?? comparer.compare(one.message, other.message);
    compared.set(name, known);
    return known;
  };
  const graceMs = Math.max(GRACE_MS_MIN, comparer.lagMs);
  const cost = (one: Named, other: Named): number => {
    if (one.message.type !== other.message.type || !mayBeOne(one.message, other.message))
      return Number.POSITIVE_INFINITY;
    // In another turn only if nothing of its own is to be had.
    const away = one.message.turn === other.message.turn ? 0 : 0.1;
    if (one.print === other.print) return away;
    const differing = comparison(one, other).differences.filter(({ acceptedBy }) => acceptedBy === null);
    return away + (differing.length === 0 ? 0 : Math.min(CHANGED_COST_MAX, 0.2 + shareOf(differing, one.message)));
  };
  const aligned = align({
    lengths: [control.length, candidate.length],
    cost: (one, other) => cost(control[one] as Named, candidate[other] as Named),
    gapCost: GAP_COST,
    band: BAND,
  });
  const pairs: [Named, Named][] = [];
  const missing: Named[] = [];
  const extra: Named[] = [];
  for (const [one, other] of aligned) {
    if (one !== null && other !== null) pairs.push([control[one] as Named, candidate[other] as Named]);
    else if (one !== null) missing.push(control[one] as Named);
    else extra.push(candidate[other as number] as Named);
  }
  const found = pairs.map(([one, other]) => pairFinding(one, other, comparison(one, other).differences, graceMs));
  return [...found, ...strayFindings(missing, extra, pairs, graceMs)];
}

/** Two correlation ids name two messages; without them a message may slip by one turn. */
function mayBeOne(one: ArmMessage, other: ArmMessage): boolean {
  if (one.correlationId !== null && other.correlationId !== null) return one.correlationId === other.correlationId;
  return Math.abs(one.turn - other.turn) <= 1;
}

/** How much of a message differs: paths that do, of all its scalars. */
function shareOf(differences: readonly FoundDifference[], { value }: ArmMessage): number {
  if (differences.some(({ template }) => template === "$")) return 1;
  const differing = differences.reduce((sum, { count }) => sum + count, 0);
  return Math.min(1, differing / Math.max(1, scalarsOf(value)));
}

const scalarsOf = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.values(value).reduce((sum: number, item) => sum + scalarsOf(item), 0)
    : 1;

function pairFinding(
  one: Named,
  other: Named,
  differences: readonly FoundDifference[],
  graceMs: number,
): MessageFinding {
  if (differences.some(({ acceptedBy }) => acceptedBy === null)) return findingOf("changed", one, other, differences);
  if (isLate(one.message, other.message, graceMs)) return lateFinding(one, other);
  return findingOf("matched", one, other, differences);
}

const lateFinding = (one: Named, other: Named): MessageFinding =>
  findingOf("late", one, other, [messageDifference(one, other, "timing", "value")]);

const isLate = (one: ArmMessage, other: ArmMessage, graceMs: number): boolean =>
  one.turn !== other.turn && lateBy(one, other) > graceMs;

/** Of the one that came after its turn. */
const lateBy = (one: ArmMessage, other: ArmMessage): number =>
  one.turn > other.turn ? one.sinceTurnMs : other.sinceTurnMs;

/** Those without a partner: the same message elsewhere is late or in another order, once more is a duplicate. */
function strayFindings(
  missing: Half,
  extra: Half,
  pairs: readonly [Named, Named][],
  graceMs: number,
): readonly MessageFinding[] {
  const left = new Set(extra);
  const found: MessageFinding[] = [];
  for (const one of missing) {
    const other = [...left].find(({ print, message }) => print === one.print && mayBeOne(one.message, message));
    if (other === undefined) {
      found.push(findingOf("missing", one, null, [messageDifference(one, null, "missing", "breaking")]));
      continue;
    }
    left.delete(other);
    const isAfter = isLate(one.message, other.message, graceMs);
    const order = [messageDifference(one, other, "order", "order")];
    found.push(isAfter ? lateFinding(one, other) : findingOf("reordered", one, other, order));
  }
  const prints = new Set(pairs.map(([, { print }]) => print));
  for (const other of left) {
    const state = prints.has(other.print) ? "duplicate" : "extra";
    found.push(findingOf(state, null, other, [messageDifference(null, other, "extra", "breaking")]));
  }
  return found;
}

function findingOf(
  state: MessageState,
  control: Named | null,
  candidate: Named | null,
  differences: readonly FoundDifference[],
): MessageFinding {
  const { lane, type, turn } = (control ?? candidate ?? UNSAID).message;
  return { state, lane, type, turn, control: control?.at ?? null, candidate: candidate?.at ?? null, differences };
}

const UNSAID = { message: { lane: "", type: "", turn: 0 } };

/** Of a whole message. */
function messageDifference(
  control: Named | null,
  candidate: Named | null,
  kind: DifferenceKind,
  severity: Severity,
): FoundDifference {
  const type = (control ?? candidate)?.message.type ?? "";
  const path = `message:${type}`;
  const classOf = (named: Named | null): string | null => named?.message.type ?? null;
  return {
    template: path,
    path,
    kind,
    severity,
    control: classOf(control),
    candidate: classOf(candidate),
    count: 1,
    acceptedBy: null,
  };
}
