import type { Arm, Reason, Subject } from "../kernel/index.ts";
import { isLeaseExpired } from "./overrides.ts";
import type { DecidableUnit, KillRecord, Lease, Pin } from "./ports.ts";

/** What the engine says about a subject and a unit's flag. */
export interface Verdict {
  readonly isOn: boolean;
  /** 0 … 999 */
  readonly rank: number;
}

/** Everything one decision may read; built by `flagState.ts`. */
export interface Question {
  readonly unit: DecidableUnit;
  readonly subject: Subject | null;
  readonly nowMs: number;
  /** Active layers, lowest first. */
  readonly kills: readonly KillRecord[];
  /** The pin that speaks for unit and subject, already checked for expiry. */
  readonly pin: Pin | null;
  readonly lease: Lease | null;
  /** Whether any usable flag data was ever read. */
  readonly hasData: boolean;
  /** Share the flag gives; 0 when it is off, missing or unusable. */
  readonly percent: number;
  /** Asked last, because it is the only part that costs something. */
  verdict(): Verdict;
}

export interface Ruling {
  readonly arm: Arm;
  readonly reason: Reason;
  readonly ruleId: string;
}

export interface Rule {
  readonly name: string;
  /** null: this rule has nothing to say, the next one is asked. */
  rule(question: Question): Ruling | null;
  /** The answer in words, for `explain`. */
  say(question: Question): string;
}

const control = (reason: Reason, ruleId: string): Ruling => ({ arm: "control", reason, ruleId });

const shareId = ({ unit, percent }: Question): string => `unit:${unit.id}@${percent}`;

export const isBelowCeiling = (verdict: Verdict, lease: Lease | null): boolean =>
  lease === null || verdict.rank < Math.round(lease.ceilingPercent * 10);

const killSwitch: Rule = {
  name: "kill switch",
  rule: ({ kills }) => (kills[0] ? control("kill-switch", `kill:${kills[0].layer}`) : null),
  say: ({ kills }) => kills.map(({ layer, reason }) => `${layer} is on: ${reason}`).join("; ") || "off",
};

const stableSubject: Rule = {
  name: "subject",
  rule: ({ subject }) => (subject === null || subject === "" ? control("no-subject", "default") : null),
  say: ({ subject }) => (subject ? "known" : "no stable subject"),
};

const pinned: Rule = {
  name: "pin",
  rule: ({ pin }) => (pin ? { arm: pin.arm, reason: "pinned", ruleId: `pin:${pin.id}` } : null),
  say: ({ pin }) =>
    pin ? `pinned to ${pin.arm} until ${new Date(pin.untilMs).toISOString()}: ${pin.reason}` : "no pin",
};

const lease: Rule = {
  name: "lease",
  rule: ({ lease, nowMs }) =>
    isLeaseExpired(lease, nowMs) ? control("lease-expired", `lease:${lease.term}.${lease.seq}`) : null,
  say: ({ lease, nowMs }) => {
    if (!lease) return "no lease is required";
    if (lease.isRetired) return "retired, needs no lease";
    const leftMs = lease.expiresAtMs - nowMs;
    return leftMs > 0 ? `valid for ${Math.ceil(leftMs / 1000)} s` : `expired ${Math.floor(-leftMs / 1000)} s ago`;
  },
};

const flagData: Rule = {
  name: "flag data",
  rule: ({ hasData }) => (hasData ? null : control("flags-stale", "default")),
  say: ({ hasData }) => (hasData ? "present" : "no usable flag data was ever read"),
};

const share: Rule = {
  name: "share",
  rule: (question) => {
    const verdict = question.verdict();
    const isIn = verdict.isOn && isBelowCeiling(verdict, question.lease);
    return isIn ? { arm: "candidate", reason: "flag-on", ruleId: shareId(question) } : null;
  },
  say: (question) => {
    const { isOn, rank } = question.verdict();
    const where = `"${question.unit.flag}" is at ${question.percent} %, the subject is in bucket ${(rank / 10).toFixed(1)} of 100`;
    if (!isOn) return `${where}: outside`;
    if (isBelowCeiling({ isOn, rank }, question.lease)) return `${where}: inside`;
    return `${where}: inside, but the lease's ceiling is ${question.lease?.ceilingPercent} %`;
  },
};

const otherwise = {
  name: "otherwise",
  rule: (question: Question): Ruling => {
    const { isOn } = question.verdict();
    return control("flag-off", isOn && question.lease ? `ceiling:${question.lease.term}` : shareId(question));
  },
  say: () => "control",
} satisfies Rule;

/** rollout.md §1.4, row by row. The last one always rules. */
const RULES: readonly Rule[] = [killSwitch, stableSubject, pinned, lease, flagData, share];

/**
 * The one order in which a decision is found. Pure. `asked` sees each rule that was asked, in order, with its ruling:
 * that trace is all `explain` adds, so both can never disagree.
 */
export function decide(question: Question, asked?: (rule: Rule, ruling: Ruling | null) => void): Ruling {
  for (const rule of RULES) {
    const ruling = rule.rule(question);
    asked?.(rule, ruling);
    if (ruling) return ruling;
  }
  const ruling = otherwise.rule(question);
  asked?.(otherwise, ruling);
  return ruling;
}
