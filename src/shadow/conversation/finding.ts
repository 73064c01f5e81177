// What became of one message, with all that a verdict needs (shadow C7).
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { BodyComparison } from "../compare/body.ts";
import type { VerdictNote } from "../verdict.ts";
import type { DifferenceKind, Severity } from "../words.ts";
import type { SaidMessage } from "./codec.ts";
import type { ArmMessage, MessageState } from "./message.ts";
import type { WholeRules } from "./wholeRules.ts";

export interface MessageComparer {
  /** Equal for messages that the rules take for equal as they stand. */
  fingerprint(message: ArmMessage): string;
  compare(control: ArmMessage, candidate: ArmMessage): BodyComparison;
  /** About whole messages; left out: there are none. */
  readonly whole?: WholeRules;
  /** Of one arm alone; the codec's. */
  checkTurn?(messages: readonly SaidMessage[]): string | null;
  /** Epoch ms, for rules that end on a day. */
  readonly nowMs?: number;
}

export interface MessageFinding {
  readonly state: MessageState;
  readonly lane: string;
  readonly type: string;
  readonly turn: number;
  /** Positions in what each arm said. */
  readonly control: number | null;
  readonly candidate: number | null;
  readonly said: Readonly<Record<"control" | "candidate", ArmMessage | null>>;
  readonly differences: readonly FoundDifference[];
  /** Byte for byte. */
  readonly isIdentical: boolean;
  readonly normalisers: readonly string[];
  readonly notes: readonly VerdictNote[];
  /** By id (shadow N4). */
  readonly ruleHits: ReadonlyMap<string, number>;
  /** The arms did different things, as foreseen: what follows cannot be the same. */
  readonly isApart: boolean;
}

export interface Named {
  /** Position in what its arm said. */
  readonly at: number;
  readonly message: ArmMessage;
  readonly print: string;
  isTaken: boolean;
}

const NO_HITS: ReadonlyMap<string, number> = new Map();

/** Of a whole message. */
const wholeDifference = (
  type: string,
  kind: DifferenceKind,
  severity: Severity,
  has: readonly [control: boolean, candidate: boolean],
  acceptedBy: string | null,
): FoundDifference => ({
  template: `message:${type}`,
  path: `message:${type}`,
  kind,
  severity,
  control: has[0] ? type : null,
  candidate: has[1] ? type : null,
  count: 1,
  acceptedBy,
});

const bare = (state: MessageState, control: Named | null, candidate: Named | null) => {
  const [one, other] = [control?.message, candidate?.message];
  const { lane, type } = (one ?? other) as ArmMessage;
  const turn = Math.min(one?.turn ?? Number.POSITIVE_INFINITY, other?.turn ?? Number.POSITIVE_INFINITY);
  const notes = [...new Set([...(one?.notes ?? []), ...(other?.notes ?? [])])];
  const at = { control: control?.at ?? null, candidate: candidate?.at ?? null };
  const plain = { differences: [], isIdentical: false, normalisers: [], ruleHits: NO_HITS, isApart: false };
  const said = { control: one ?? null, candidate: other ?? null };
  return { state, lane, type, turn, ...at, said, notes, ...plain };
};

/** A message that is not where, or not what, it should be; its own rules may foresee that. */
export function wholeFinding(
  state: Exclude<MessageState, "matched">,
  kind: DifferenceKind,
  severity: Severity,
  control: Named | null,
  candidate: Named | null,
  { whole, nowMs = 0 }: MessageComparer,
): MessageFinding {
  const finding = bare(state, control, candidate);
  const settled = whole?.settle({
    type: finding.type,
    kind,
    control: control?.message.value ?? null,
    candidate: candidate?.message.value ?? null,
    isChanged: state === "changed",
    nowMs,
  });
  const hit = settled?.rule ?? null;
  const ruleHits = hit === null ? NO_HITS : new Map([[hit, 1]]);
  if (settled?.isIgnored === true) return { ...finding, ruleHits };
  const has = [control !== null, candidate !== null] as const;
  const worst = settled?.severity ?? severity;
  const difference = wholeDifference(finding.type, kind, worst, has, settled?.acceptedBy ?? null);
  return { ...finding, differences: [difference], ruleHits, isApart: settled?.isApart === true };
}

/** Two that are one: the same, or changed. */
export function pairFinding(control: Named, candidate: Named, comparer: MessageComparer): MessageFinding {
  const [one, other] = [control.message, candidate.message];
  const matched = { ...bare("matched", control, candidate) };
  if (one.digest === other.digest) return { ...matched, isIdentical: true };
  const { differences, normalisers, ruleHits } = compareValues(one, other, comparer);
  if (differences.some(({ acceptedBy }) => acceptedBy === null)) {
    const foreseen = wholeFinding("changed", "value", "value", control, candidate, comparer);
    if (foreseen.isApart) return foreseen;
    return { ...matched, state: "changed", differences, normalisers: [...normalisers], ruleHits };
  }
  const names = normalisers.size > 0 || ruleHits.size > 0 ? [...normalisers] : [spellingOf(one, other)];
  return { ...matched, differences, normalisers: names, ruleHits };
}

/** What the application throws makes two messages undecodable (shadow §5): they are not the same bytes, more is not known. */
export function compareValues(one: ArmMessage, other: ArmMessage, comparer: MessageComparer): BodyComparison {
  try {
    return comparer.compare(one, other);
  } catch {
    const classes = { control: "undecodable", candidate: "undecodable" };
    const whole = { template: "$", path: "$", kind: "value", severity: "value", count: 1, acceptedBy: null } as const;
    return { differences: [{ ...whole, ...classes }], normalisers: new Set(), ruleHits: NO_HITS };
  }
}

/** Why bytes differ where values do not. */
function spellingOf(one: ArmMessage, other: ArmMessage): string {
  if (one.parts !== null || other.parts !== null) return "deltas";
  return one.hasEscapes || other.hasEscapes ? "esc" : "blanks";
}
