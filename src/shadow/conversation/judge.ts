// The verdicts of one conversation, turn by turn (shadow C7, C8): each turn is an exchange; behind the first mismatch that changed
// something nothing can be compared any more.
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { type Verdict, verdictOf } from "../verdict.ts";
import type { MessageFinding } from "./compareMessages.ts";

/** How a leg ended, if it has. */
export interface LegEnd {
  readonly code: number;
  readonly by: "client" | "arm";
  /** Nothing was read or written any more (shadow C7). */
  readonly isHalfOpen: boolean;
}

export interface ConversationFacts {
  readonly findings: readonly MessageFinding[];
  /** Of the client's turns, from the first on: whether a mismatch of it changes state. */
  readonly turns: readonly { readonly changesState: boolean }[];
  readonly control: LegEnd | null;
  readonly candidate: LegEnd | null;
  /** Closes that a proxy made are not compared (differences of the application say which codes). */
  readonly ignoredCodes: ReadonlySet<number>;
}

export interface ConversationVerdict {
  /** Of the greeting, then of each turn. */
  readonly turns: readonly Verdict[];
  readonly close: Verdict;
  /** The turn of the first mismatch, 0 for the greeting; null for none. */
  readonly firstDivergence: number | null;
  /** From here on nothing of the group is compared (shadow J4). */
  readonly isDiverged: boolean;
}

/** shadow §6 S-2: an empty close and none said are one. */
const sameCode = (code: number): number => (code === 1005 ? 1000 : code);

export function judgeConversation(facts: ConversationFacts): ConversationVerdict {
  const verdicts: Verdict[] = [];
  let firstDivergence: number | null = null;
  let isDiverged = false;
  for (let turn = 0; turn <= facts.turns.length; turn++) {
    if (isDiverged) {
      verdicts.push({ name: "not_compared", reason: "diverged" });
      continue;
    }
    const verdict = verdictOfTurn(facts.findings.filter((one) => one.turn === turn));
    verdicts.push(verdict);
    if (verdict.name !== "different") continue;
    firstDivergence ??= turn;
    // A greeting only reads.
    isDiverged = turn > 0 && facts.turns[turn - 1]?.changesState === true;
  }
  const close = isDiverged ? ({ name: "not_compared", reason: "diverged" } as const) : verdictOfClose(facts);
  return { turns: verdicts, close, firstDivergence, isDiverged };
}

function verdictOfTurn(findings: readonly MessageFinding[]): Verdict {
  const differences = findings.flatMap((one) => one.differences.map((difference) => inMessage(one, difference)));
  const isPlain = differences.length === 0;
  return isPlain ? { name: "identical" } : verdictOf({ differences, normalisers: [], notes: [] });
}

/** Paths of two types of messages are two families. */
function inMessage({ type }: MessageFinding, difference: FoundDifference): FoundDifference {
  if (difference.template.startsWith("message:")) return difference;
  const prefix = `message:${type} `;
  return { ...difference, template: prefix + difference.template, path: prefix + difference.path };
}

function verdictOfClose({ control, candidate, ignoredCodes }: ConversationFacts): Verdict {
  const isIgnored = [control, candidate].some((end) => end !== null && ignoredCodes.has(end.code));
  if (isIgnored || (control === null && candidate === null)) return { name: "identical" };
  const [one, other] = [endText(control), endText(candidate)];
  if (one === other) return { name: "identical" };
  const difference: FoundDifference = {
    template: "close",
    path: "close",
    kind: "status",
    severity: "breaking",
    control: one,
    candidate: other,
    count: 1,
    acceptedBy: null,
  };
  return verdictOf({ differences: [difference], normalisers: [], notes: [] });
}

function endText(end: LegEnd | null): string {
  if (end === null) return "open";
  return end.isHalfOpen ? "half-open" : `${sameCode(end.code)} by ${end.by}`;
}
