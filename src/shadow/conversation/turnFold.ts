// Finds what became of the messages of a socket pair, turn after turn (shadow C5–C7). A turn whose messages are equal is done as soon
// as both arms have ended it; for one that differs the next turns are looked at, for only they tell a lost message from a changed one.
// What it finds does not depend on which arm's messages it got first.
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { SaidMessage } from "./codec.ts";
import { type MessageComparer, type MessageFinding, type Named, pairFinding } from "./finding.ts";
import { alignLane, type Half, NO_SHIFT, shiftOf } from "./laneAlignment.ts";
import type { ArmMessage } from "./message.ts";

/** Turns behind one that differs. */
const LOOK_TURNS = 2;
/** And no longer than this: a client may stay silent for hours. */
const LOOK_MS = 5_000;

export const SIDES = ["control", "candidate"] as const;
export type Side = (typeof SIDES)[number];

/** What is known of one side. */
export interface SideProgress {
  readonly sealedTo: number;
  readonly settledTo: number;
  readonly knownMs: number;
}

export interface TurnFindings {
  readonly turn: number;
  readonly findings: readonly MessageFinding[];
  /** Where an arm does not agree with itself (contract differences.md S-7). */
  readonly own: readonly FoundDifference[];
  readonly unaligned: number;
  /** Not held any more. */
  readonly done: Readonly<Record<Side, readonly ArmMessage[]>>;
}

type Progress = Readonly<Record<Side, SideProgress>>;

const isEnough = (progress: Progress, turn: number, untilMs: number): boolean =>
  SIDES.every((side) => progress[side].settledTo >= turn + LOOK_TURNS || progress[side].knownMs > untilMs);

const laneOf = ({ lane, correlationId }: ArmMessage): string => `${lane}\n${correlationId ?? ""}`;

export class TurnFold {
  readonly #comparer: MessageComparer;
  readonly #said: Record<Side, Named[]> = { control: [], candidate: [] };
  readonly #counts: Record<Side, number> = { control: 0, candidate: 0 };
  #turn = 0;
  /** Of what has found its place on either side: behind a lost answer the next turn may be all that a slow arm has yet to say. */
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Of the next turn, which differs: until then its messages may find their partners. */
  #waitsMs: number | null = null;
  /** Fingerprints of what the turn before had, by lane. */
  #before = new Map<string, Set<string>>();

  constructor(comparer: MessageComparer) {
    this.#comparer = comparer;
  }

  /** The one to be judged next. */
  get turn(): number {
    return this.#turn;
  }

  get held(): number {
    return this.#said.control.length + this.#said.candidate.length;
  }

  /** Said already, and of no turn that was judged; by their times. */
  get waiting(): readonly (readonly [Side, ArmMessage])[] {
    const all = SIDES.flatMap((side) => this.#said[side].map(({ message }) => [side, message] as const));
    return all.sort(([, one], [, other]) => one.turn - other.turn || one.atMs - other.atMs);
  }

  add(side: Side, messages: readonly ArmMessage[]): void {
    for (const message of messages) {
      const print = `${message.type}\n${this.#comparer.fingerprint(message)}`;
      this.#said[side].push({ at: this.#counts[side]++, message, print, isTaken: false });
    }
  }

  /** The next turn, when both sides have said enough. */
  next(progress: Readonly<Record<Side, SideProgress>>): TurnFindings | null {
    const turn = this.#turn;
    if (SIDES.some((side) => progress[side].sealedTo < turn)) return null;
    // Nothing of it comes any more: to look again before that time would find what it has found.
    if (this.#waitsMs !== null && !isEnough(progress, turn, this.#waitsMs)) return null;
    const here = this.#pool(({ message }) => message.turn <= turn);
    let lanes = lanesOf(here);
    const isPlain = [...lanes.values()].every(isSame);
    if (!isPlain) {
      const all = [...here.control, ...here.candidate];
      const untilMs = all.reduce((most, { message }) => Math.max(most, message.atMs), this.#lastMs) + LOOK_MS;
      if (!isEnough(progress, turn, untilMs)) {
        this.#waitsMs = untilMs;
        return null;
      }
      const isNear = ({ fromTurn, atMs }: ArmMessage): boolean => fromTurn <= turn + LOOK_TURNS && atMs <= untilMs;
      lanes = lanesOf(this.#pool(({ message }) => message.turn <= turn || isNear(message)));
    }
    return this.#judge(lanes, this.#ownOf(here));
  }

  /** Nothing more will be judged. Gives what was held. */
  clear(): Readonly<Record<Side, readonly ArmMessage[]>> {
    for (const side of SIDES) for (const named of this.#said[side]) named.isTaken = true;
    return this.#drop();
  }

  #judge(lanes: ReadonlyMap<string, Lane>, own: readonly FoundDifference[]): TurnFindings {
    this.#waitsMs = null;
    const findings: MessageFinding[] = [];
    const prints = new Map<string, Set<string>>();
    let unaligned = 0;
    let shift = NO_SHIFT;
    // Those first whose causes are known: they say how far the arms' turns are apart.
    for (const [name, { control, candidate }] of [...lanes].sort((one, other) => rankOf(one[1]) - rankOf(other[1]))) {
      const before = this.#before.get(name) ?? new Set();
      const found = isSame({ control, candidate })
        ? this.#pairUp(control, candidate)
        : alignLane(control, candidate, this.#turn, before, shift, this.#comparer);
      shift = [Math.min(shift[0], found.shift[0]), Math.max(shift[1], found.shift[1])];
      findings.push(...found.findings);
      unaligned += found.unaligned;
      for (const named of found.taken) {
        named.isTaken = true;
        this.#lastMs = Math.max(this.#lastMs, named.message.atMs);
      }
      prints.set(name, new Set(found.taken.map(({ print }) => print)));
    }
    this.#before = prints;
    findings.sort((one, other) => placeOf(one) - placeOf(other));
    return { turn: this.#turn++, findings, own, unaligned, done: this.#drop() };
  }

  #pairUp(control: Half, candidate: Half) {
    const pairs = control.flatMap((one, at) => {
      const other = candidate[at] as Named;
      return Math.min(one.message.turn, other.message.turn) <= this.#turn ? [[one, other] as const] : [];
    });
    const findings = pairs.map(([one, other]) => pairFinding(one, other, this.#comparer));
    return { findings, taken: pairs.flat(), shift: shiftOf(pairs), unaligned: 0 };
  }

  #pool(isIn: (named: Named) => boolean): Readonly<Record<Side, Half>> {
    return { control: this.#said.control.filter(isIn), candidate: this.#said.candidate.filter(isIn) };
  }

  #drop(): Readonly<Record<Side, readonly ArmMessage[]>> {
    const dropped = (side: Side): readonly ArmMessage[] => {
      const taken = this.#said[side].filter(({ isTaken }) => isTaken);
      if (taken.length > 0) this.#said[side] = this.#said[side].filter(({ isTaken }) => !isTaken);
      return taken.map(({ message }) => message);
    };
    return { control: dropped("control"), candidate: dropped("candidate") };
  }

  /** Each arm by itself: what both say alike may be wrong on both. */
  #ownOf({ control, candidate }: Readonly<Record<Side, Half>>): readonly FoundDifference[] {
    const [one, other] = [this.#problemOf(control), this.#problemOf(candidate)];
    return [...new Set([one, other])].flatMap((path) => {
      if (path === null) return [];
      const classOf = (problem: string | null): string => (problem === path ? "contradictory" : "consistent");
      const classes = { control: classOf(one), candidate: classOf(other) };
      return [{ template: path, path, kind: "value", severity: "breaking", ...classes, count: 1, acceptedBy: null }];
    });
  }

  #problemOf(said: Half): string | null {
    const { checkTurn } = this.#comparer;
    if (checkTurn === undefined) return null;
    const messages: readonly SaidMessage[] = said.map(({ message }) => message);
    try {
      return checkTurn(messages);
    } catch {
      return null; // the application's own fault; the arms are compared nevertheless
    }
  }
}

type Lane = Readonly<Record<Side, Half>>;

function lanesOf(pool: Readonly<Record<Side, Half>>): ReadonlyMap<string, Lane> {
  const lanes = new Map<string, Record<Side, Named[]>>();
  for (const side of SIDES) {
    for (const named of pool[side]) {
      const name = laneOf(named.message);
      const lane = lanes.get(name);
      if (lane === undefined) lanes.set(name, { control: [], candidate: [], [side]: [named] });
      else lane[side].push(named);
    }
  }
  return lanes;
}

/** Of two equal halves every message has its partner; in the same window, where only that counts. */
const isSame = ({ control, candidate }: Lane): boolean =>
  control.length === candidate.length &&
  control.every(({ print, message }, at) => {
    const other = candidate[at] as Named;
    const isByTime = message.cause === "window" && other.message.cause === "window";
    return print === other.print && (!isByTime || message.turn === other.message.turn);
  });

const rankOf = ({ control, candidate }: Lane): number =>
  Number([...control, ...candidate].some(({ message }) => message.cause === "window"));

const placeOf = ({ control, candidate }: MessageFinding): number => control ?? candidate ?? 0;
