// Which messages of one lane are one (shadow C6): by least cost on their fingerprints; what is left over may be the same message late,
// in another order, or twice.
import { JsonNumber, type JsonValue } from "../json/values.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { align } from "./align.ts";
import {
  compareValues,
  type MessageComparer,
  type MessageFinding,
  type Named,
  pairFinding,
  wholeFinding,
} from "./finding.ts";
import type { ArmMessage } from "./message.ts";

const BAND = 64;
const GAP_COST = 0.7;
/** Behind the turn that is judged a message may be there for the next one. */
const NEXT_GAP_COST = 0.35;
/** A pair of one type with nothing in common costs as much as leaving both out, a little less. */
const CHANGED_COST_MAX = 1.3;
/** In another turn only if nothing of its own is to be had. */
const AWAY_COST = 0.1;
/** Bodies are compared for costs so often in one lane; behind that a pair of one type costs what it does on average. */
const COMPARISONS_MAX = 10_000;
const UNCOMPARED_COST = 0.75;
const SLIP_TURNS_MAX = 2;

/** After a lost answer every further one is counted for the turn before; what only time places is then off by as much. */
export type Shift = readonly [least: number, most: number];
export const NO_SHIFT: Shift = [0, 0];

export type Half = readonly Named[];

export interface LaneResult {
  /** Those of the turn that is judged, or of one before. */
  readonly findings: readonly MessageFinding[];
  readonly taken: readonly Named[];
  /** By how many turns, at least and at most, the control is ahead in what the arms have in common. */
  readonly shift: Shift;
  /** Messages that were too many to be aligned by what they say, and pairs too many to be compared for that. */
  readonly unaligned: number;
}

/** @param turn to be judged: what belongs to later ones is only looked at @param known fingerprints of the turn before */
export function alignLane(
  control: Half,
  candidate: Half,
  turn: number,
  known: ReadonlySet<string>,
  shift: Shift,
  comparer: MessageComparer,
): LaneResult {
  const twins = twinsOf(control, candidate);
  const sides = { one: control, other: candidate };
  let [compared, uncompared] = [0, 0];
  const cost = (at: number, otherAt: number): number => {
    const [one, other] = [control[at] as Named, candidate[otherAt] as Named];
    if (one.message.type !== other.message.type || !mayBeOne(one.message, other.message, shift)) return Infinity;
    const away = overlap(one.message, other.message, shift) ? 0 : AWAY_COST;
    if (one.print === other.print) return away;
    // What is there unchanged is no change of something else.
    if (twins.has(one.print) || twins.has(other.print)) return away + CHANGED_COST_MAX;
    if (compared === COMPARISONS_MAX) {
      uncompared += 1;
      return away + UNCOMPARED_COST;
    }
    compared += 1;
    return away + changedCost(one.message, compareValues(one.message, other.message, comparer).differences);
  };
  const { pairs: aligned, unaligned } = align({
    lengths: [control.length, candidate.length],
    cost,
    gapCost: (side, at) => ((sides[side][at] as Named).message.turn > turn ? NEXT_GAP_COST : GAP_COST),
    band: BAND,
  });
  const pairs: [Named, Named][] = [];
  const [missing, extra]: [Named[], Named[]] = [[], []];
  for (const [one, other] of aligned) {
    if (one !== null && other !== null) pairs.push([control[one] as Named, candidate[other] as Named]);
    else if (one !== null) missing.push(control[one] as Named);
    else extra.push(candidate[other as number] as Named);
  }
  const isHere = (...named: readonly (Named | null)[]): boolean =>
    named.some((one) => one !== null && one.message.turn <= turn);
  const taken: Named[] = [];
  const findings: MessageFinding[] = [];
  for (const [one, other] of pairs) {
    if (!isHere(one, other)) continue;
    taken.push(one, other);
    findings.push(inOrder(one, other, shift, comparer));
  }
  for (const [one, other] of meetAgain(missing, extra, shift)) {
    if (!isHere(one, other)) continue;
    taken.push(...[one, other].filter((named) => named !== null));
    const prints = new Set([...known, ...pairs.map(([{ print }]) => print)]);
    findings.push(strayFinding(one, other, prints, shift, comparer));
  }
  return { findings, taken, shift: shiftOf(pairs), unaligned: unaligned + uncompared };
}

/** Fingerprints that every message with them can find on the other side. */
function twinsOf(control: Half, candidate: Half): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { print } of control) counts.set(print, (counts.get(print) ?? 0) + 1);
  const found = new Set<string>();
  for (const { print } of candidate) {
    if (!counts.has(print)) continue;
    counts.set(print, (counts.get(print) ?? 0) - 1);
    found.add(print);
  }
  for (const [print, left] of counts) if (left !== 0) found.delete(print);
  return found;
}

export function shiftOf(pairs: readonly (readonly [Named, Named])[]): Shift {
  let [least, most] = NO_SHIFT;
  for (const [one, other] of pairs) {
    if (one.print !== other.print || one.message.cause === "window") continue;
    const by = one.message.turn - other.message.turn;
    [least, most] = [Math.min(least, by), Math.max(most, by)];
  }
  return [least, most];
}

const overlap = (one: ArmMessage, other: ArmMessage, [least, most]: Shift): boolean =>
  one.fromTurn <= other.turn + most && other.fromTurn + least <= one.turn;

const areByTime = (one: ArmMessage, other: ArmMessage): boolean => one.cause === "window" && other.cause === "window";

/** Where only the time says to which turn a message belongs, it may slip by so many. */
function mayBeOne(one: ArmMessage, other: ArmMessage, shift: Shift): boolean {
  return !areByTime(one, other) || overlap(one, other, shift) || Math.abs(one.turn - other.turn) <= SLIP_TURNS_MAX;
}

function changedCost({ value }: ArmMessage, differences: readonly FoundDifference[]): number {
  const differing = differences.filter(({ acceptedBy }) => acceptedBy === null);
  return differing.length === 0 ? 0 : Math.min(CHANGED_COST_MAX, 0.2 + shareOf(differing, value));
}

/** How much of a message differs: paths that do, of all its scalars. */
function shareOf(differences: readonly FoundDifference[], value: JsonValue): number {
  if (differences.some(({ template }) => template === "$")) return 1;
  const differing = differences.reduce((sum, { count }) => sum + count, 0);
  return Math.min(1, differing / Math.max(1, scalarsOf(value)));
}

const scalarsOf = (value: JsonValue): number =>
  typeof value === "object" && value !== null && !(value instanceof JsonNumber)
    ? Object.values(value).reduce((sum: number, item: JsonValue) => sum + scalarsOf(item), 0)
    : 1;

/** When a message came is no difference (shadow §7), unless only that says whose answer it is. */
function inOrder(one: Named, other: Named, shift: Shift, comparer: MessageComparer): MessageFinding {
  const finding = pairFinding(one, other, comparer);
  const isInTime = !areByTime(one.message, other.message) || overlap(one.message, other.message, shift);
  if (finding.state !== "matched" || isInTime) return finding;
  return wholeFinding("late", "timing", "value", one, other, comparer);
}

/** The same message elsewhere. */
function meetAgain(missing: Half, extra: Half, shift: Shift): readonly (readonly [Named | null, Named | null])[] {
  const byPrint = new Map<string, Named[]>();
  for (const other of extra) {
    const all = byPrint.get(other.print);
    if (all === undefined) byPrint.set(other.print, [other]);
    else all.push(other);
  }
  const met = new Set<Named>();
  const found = missing.map((one) => {
    const all = byPrint.get(one.print) ?? [];
    const at = all.findIndex(({ message }) => mayBeOne(one.message, message, shift));
    const other = at < 0 ? null : (all.splice(at, 1)[0] as Named);
    if (other !== null) met.add(other);
    return [one, other] as const;
  });
  return [...found, ...extra.filter((other) => !met.has(other)).map((other) => [null, other] as const)];
}

function strayFinding(
  one: Named | null,
  other: Named | null,
  prints: ReadonlySet<string>,
  shift: Shift,
  comparer: MessageComparer,
): MessageFinding {
  if (one !== null && other !== null) {
    // What only the order of the answers places is not moved by a lost one.
    return overlap(one.message, other.message, areByTime(one.message, other.message) ? shift : NO_SHIFT)
      ? wholeFinding("reordered", "order", "order", one, other, comparer)
      : wholeFinding("late", "timing", "value", one, other, comparer);
  }
  const isTwice = prints.has((one ?? other)?.print ?? "");
  return one !== null
    ? wholeFinding(isTwice ? "duplicate" : "missing", "missing", "breaking", one, null, comparer)
    : wholeFinding(isTwice ? "duplicate" : "extra", "extra", "breaking", null, other, comparer);
}
