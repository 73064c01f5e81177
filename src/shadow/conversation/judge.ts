// The verdicts of one conversation, turn by turn (shadow C7, C8): each turn is an exchange; behind the first mismatch that changed
// something nothing can be compared any more.
import { otherArm } from "../../kernel/index.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { type Verdict, verdictOf } from "../verdict.ts";
import type { NotComparedReason, VerdictName } from "../words.ts";
import type { MessageFinding } from "./finding.ts";
import { type Side, SIDES, type TurnFindings } from "./turnFold.ts";
import { CLOSE, type WholeAnswer, type WholeRules } from "./wholeRules.ts";

/** How a leg ended, if it has. */
export interface LegEnd {
  readonly code: number;
  /** Who closed first. */
  readonly by: "client" | "arm" | "proxy";
  /** Nothing was read or written any more (shadow C7). */
  readonly isHalfOpen: boolean;
  /** Not compared, but an empty close is one that says nothing. */
  readonly hasReason?: boolean;
}

/** It has ended without a word: its process is gone, or its line (RFC 6455 §7.1.5), or nobody reads there. */
export const isBroken = ({ by, code, isHalfOpen }: LegEnd): boolean => isHalfOpen || (by === "arm" && code === 1006);

export interface Ends {
  readonly control: LegEnd | null;
  readonly candidate: LegEnd | null;
  /** Closes that a proxy made are not compared (differences of the application say which codes). */
  readonly ignoredCodes: ReadonlySet<number>;
}

export type OpenTurns = Readonly<Record<Side, ((turn: number) => number | null) | null>>;

/** An arm gets so much more time than the other needed (shadow I7) before silence is its own. */
const PATIENCE = { factor: 1.5, ms: 2_000 } as const;

/** The client left before the arm could be expected to have ended the turn. */
export function wasCut({ turn, done }: Pick<TurnFindings, "turn" | "done">, open: OpenTurns): boolean {
  return SIDES.some((side) => {
    const openMs = open[side]?.(turn) ?? null;
    if (openMs === null) return false;
    const other = done[otherArm(side)];
    const neededMs = other.reduce((most, { sinceTurnMs }) => Math.max(most, sinceTurnMs), 0);
    return openMs <= neededMs * PATIENCE.factor + PATIENCE.ms;
  });
}

export interface JudgedTurn {
  /** 0 for the greeting. */
  readonly turn: number;
  readonly verdict: Verdict;
  /** All of the turn, those that rules accept too. */
  readonly differences: readonly FoundDifference[];
  readonly changesState: boolean;
  readonly findings: readonly MessageFinding[];
  readonly ruleHits: ReadonlyMap<string, number>;
  /** Messages that were too many to be compared by what they say. */
  readonly unaligned: number;
}

export interface Closing {
  readonly whole?: WholeRules | undefined;
  readonly nowMs?: number | undefined;
  /** The shadow's arm is gone (`isBroken`). */
  readonly hasFailed?: boolean;
}

export interface JudgedClose {
  readonly verdict: Verdict;
  readonly ruleHits: ReadonlyMap<string, number>;
}

export interface ConversationFacts extends Ends {
  readonly turns: readonly TurnFindings[];
  /** Of the client's turns, from the first on: whether a mismatch of it changes state. */
  readonly changesState: readonly boolean[];
  readonly whole?: WholeRules;
  readonly nowMs?: number;
  /** For how long each arm had a turn open when its client left it; null: it had ended it. */
  readonly open?: OpenTurns;
  /** Nothing of the conversation can be compared (shadow C4). */
  readonly notCompared?: NotComparedReason | null;
}

export interface ConversationVerdict {
  /** Of the greeting, then of each turn. */
  readonly turns: readonly JudgedTurn[];
  readonly close: JudgedClose;
  /** Of all of it: the worst. */
  readonly name: VerdictName;
  /** The turn of the first mismatch, 0 for the greeting; null for none. */
  readonly firstDivergence: number | null;
  /** From here on nothing of the group is compared (shadow J4). */
  readonly isDiverged: boolean;
}

const NO_HITS: ReadonlyMap<string, number> = new Map();
const notCompared = (reason: NotComparedReason): Verdict => ({ name: "not_compared", reason });

/** Judges turns as they are found, in their order. */
export class TurnJudge {
  #reason: NotComparedReason | null = null;
  #firstDivergence: number | null = null;

  get firstDivergence(): number | null {
    return this.#firstDivergence;
  }

  /** Why nothing is compared any more. */
  get reason(): NotComparedReason | null {
    return this.#reason;
  }

  get isDiverged(): boolean {
    return this.#reason === "diverged";
  }

  /** The first reason stays. */
  giveUp(reason: NotComparedReason): void {
    this.#reason ??= reason;
  }

  skip(turn: number, changesState: boolean): JudgedTurn {
    const verdict = notCompared(this.#reason ?? "diverged");
    return { turn, verdict, differences: [], changesState, findings: [], ruleHits: NO_HITS, unaligned: 0 };
  }

  /** @param unended why an arm could not end it: the client had gone, or the shadow's arm itself; null: it could */
  judge(found: TurnFindings, changesState: boolean, unended: "served_aborted" | "shadow_failed" | null): JudgedTurn {
    const { turn, findings, unaligned } = found;
    if (this.#reason !== null) return this.skip(turn, changesState);
    const ruleHits = hitsOf(findings);
    const verdict = verdictOfTurn(found);
    // What was not said because nobody listened any more, or nobody was there to say it, is no difference.
    if (unended !== null && verdict.name === "different") {
      const hasFailed = unended === "shadow_failed";
      // Of a turn that was not answered nobody knows what it did (shadow J2).
      if (hasFailed && changesState) this.giveUp("diverged");
      const without: Verdict = hasFailed ? { name: "shadow_failed" } : notCompared("served_aborted");
      return { turn, verdict: without, differences: [], changesState, findings, ruleHits, unaligned };
    }
    const isMismatch = verdict.name === "different";
    if (isMismatch) this.#firstDivergence ??= turn;
    // Arms that did different things, foreseen or not, are apart.
    if (changesState && (isMismatch || findings.some(({ isApart }) => isApart))) this.giveUp("diverged");
    const differences = "differences" in verdict ? verdict.differences : [];
    return { turn, verdict, differences, changesState, findings, ruleHits, unaligned };
  }

  /** @param behind what came behind the last turn */
  close(ends: Ends, behind: readonly TurnFindings[], { whole, nowMs = 0, hasFailed = false }: Closing): JudgedClose {
    if (this.#reason !== null) return { verdict: notCompared(this.#reason), ruleHits: NO_HITS };
    const judged = this.#close(judgeClose(ends, whole, nowMs), behind);
    if (!hasFailed || judged.verdict.name !== "different") return judged;
    return { ...judged, verdict: { name: "shadow_failed" } };
  }

  #close(ended: JudgedClose, behind: readonly TurnFindings[]): JudgedClose {
    const tails = behind.map((one) => ({ verdict: verdictOfTurn(one), ruleHits: hitsOf(one.findings) }));
    const spoken = tails.filter(({ verdict }) => verdict.name !== "identical");
    if (spoken.length === 0) return ended;
    // A close that is not compared must not hide what was said before it.
    const all = ended.verdict.name === "not_compared" ? spoken : [...spoken, ended];
    const hits = new Map<string, number>();
    for (const { ruleHits } of [...spoken, ended]) addHits(hits, ruleHits);
    return { verdict: joined(all.map(({ verdict }) => verdict)), ruleHits: hits };
  }
}

/** Of a conversation of which everything is known. */
export function judgeConversation(facts: ConversationFacts): ConversationVerdict {
  const judge = new TurnJudge();
  if (facts.notCompared != null) judge.giveUp(facts.notCompared);
  const last = facts.changesState.length;
  const turns = Array.from({ length: last + 1 }, (_, turn) => {
    // A greeting only reads.
    const changesState = turn > 0 && facts.changesState[turn - 1] === true;
    const found = facts.turns[turn] ?? { turn, findings: [], own: [], unaligned: 0, done: NOTHING };
    const isCut = facts.open !== undefined && wasCut(found, facts.open);
    return judge.judge(found, changesState, isCut ? "served_aborted" : null);
  });
  const close = judge.close(facts, facts.turns.slice(last + 1), { whole: facts.whole, nowMs: facts.nowMs });
  const { firstDivergence, isDiverged } = judge;
  const name = worstName([...turns.map(({ verdict }) => verdict), close.verdict]);
  return { turns, close, name, firstDivergence, isDiverged };
}

const NOTHING = { control: [], candidate: [] };

/** The worst first; of what was not compared nobody knows. */
const NAMES: readonly VerdictName[] = [
  "different",
  "shadow_failed",
  "not_compared",
  "accepted",
  "equivalent",
  "identical",
];

export const worstName = (verdicts: readonly Verdict[]): VerdictName =>
  NAMES.find((name) => verdicts.some((one) => one.name === name)) ?? "identical";

function verdictOfTurn({ findings, own }: Pick<TurnFindings, "findings" | "own">): Verdict {
  if (own.length === 0 && findings.every(({ isIdentical }) => isIdentical)) return { name: "identical" };
  // Where an arm contradicts itself its message differs from the other's for the same cause.
  const told = new Set(own.map(({ template }) => template));
  const among = findings.flatMap((one) =>
    told.has(`message:${one.type}`) ? [] : one.differences.map((difference) => inMessage(one, difference)),
  );
  const normalisers = [...new Set(findings.flatMap((one) => one.normalisers))];
  const notes = [...new Set(findings.flatMap((one) => one.notes))];
  return verdictOf({ differences: [...own, ...among], normalisers, notes });
}

/** Paths of two types of messages are two families. */
function inMessage({ type }: MessageFinding, difference: FoundDifference): FoundDifference {
  if (difference.template.startsWith("message:")) return difference;
  const prefix = `message:${type} `;
  return { ...difference, template: prefix + difference.template, path: prefix + difference.path };
}

function addHits(hits: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [rule, count] of more) hits.set(rule, (hits.get(rule) ?? 0) + count);
}

function hitsOf(findings: readonly MessageFinding[]): ReadonlyMap<string, number> {
  const hits = new Map<string, number>();
  for (const { ruleHits } of findings) addHits(hits, ruleHits);
  return hits;
}

function joined(verdicts: readonly Verdict[]): Verdict {
  const compared = verdicts.flatMap((one) => ("differences" in one ? [one] : []));
  if (compared.length === 0) return { name: "identical" };
  return verdictOf({
    differences: compared.flatMap(({ differences }) => differences),
    normalisers: [...new Set(compared.flatMap(({ normalisers }) => normalisers))],
    notes: [...new Set(compared.flatMap(({ notes }) => notes))],
  });
}

/** contract differences.md S-2. */
export function judgeClose({ control, candidate, ignoredCodes }: Ends, whole?: WholeRules, nowMs = 0): JudgedClose {
  const isOurs = [control, candidate].some((end) => end?.by === "proxy" && ignoredCodes.has(end.code));
  if (isOurs) return { verdict: notCompared("rule"), ruleHits: NO_HITS };
  const [one, other] = [endText(control), endText(candidate)];
  if (one === other) {
    const isPlain = control?.code === candidate?.code || control?.isHalfOpen === true;
    if (isPlain) return { verdict: { name: "identical" }, ruleHits: NO_HITS };
    return { verdict: verdictOf({ differences: [], normalisers: ["empty-close"], notes: [] }), ruleHits: NO_HITS };
  }
  const settled = whole?.settle({ type: CLOSE, kind: "status", control, candidate, isChanged: false, nowMs });
  const ruleHits = settled?.rule == null ? NO_HITS : new Map([[settled.rule, 1]]);
  if (settled?.isIgnored === true) {
    return { verdict: verdictOf({ differences: [], normalisers: [], notes: [] }), ruleHits };
  }
  const difference = closeDifference(one, other, settled);
  return { verdict: verdictOf({ differences: [difference], normalisers: [], notes: [] }), ruleHits };
}

const closeDifference = (control: string, candidate: string, settled: WholeAnswer | undefined): FoundDifference => ({
  template: CLOSE,
  path: CLOSE,
  kind: "status",
  severity: settled?.severity ?? "breaking",
  control,
  candidate,
  count: 1,
  acceptedBy: settled?.acceptedBy ?? null,
});

/** 1005 stands for a close without a code; one that says 1000 and nothing else is the same (RFC 6455 §7.4.1). */
function endText(end: LegEnd | null): string {
  if (end === null) return "open";
  if (end.isHalfOpen) return "half-open";
  const isEmpty = end.code === 1005 || (end.code === 1000 && end.hasReason !== true);
  return `${isEmpty ? "empty" : end.code} by ${end.by}`;
}
