// The report (shadow §16): one model, schema-versioned, of which the writers show what they have room for. Ratios are 0 … 1, times
// epoch ms.
import type { Arm, UnitId } from "../kernel/index.ts";
import type {
  Confirmation,
  DifferenceKind,
  FamilyState,
  FixedIn,
  GapRow,
  GroupCounts,
  MirrorMode,
  NotComparedReason,
  Severity,
  VerdictName,
  Window,
} from "../shadow/ports.ts";
import type { AcceptingRule, Gate, RouteKind } from "./input.ts";

/** The worst first. */
export const READINESS = ["not ready", "not enough data", "ready"] as const;
export type Readiness = (typeof READINESS)[number];
export type RouteState = Readiness | "not mirrored";

/** What is asked, in the order in which it is told. */
export const GATE_RULES = ["breaking", "confirmed", "mismatch", "mirrored", "coverage", "comparisons"] as const;
export type GateRule = (typeof GATE_RULES)[number];

/** Why it is not ready, with the number (ux §1). */
export interface Finding {
  readonly rule: GateRule;
  readonly state: Exclude<Readiness, "ready">;
  /** Null: of the whole unit. */
  readonly route: string | null;
  readonly value: number;
  readonly limit: number;
  /** Comparisons, or sampled exchanges, behind the value. */
  readonly samples: number;
  readonly text: string;
}

/** What was sampled and not compared. `open`: no verdict yet. */
export type MissingReason = NotComparedReason | "shadow_failed" | "open";

export interface MissingCount {
  readonly reason: MissingReason;
  readonly count: number;
  /** Of what was sampled. */
  readonly share: number;
}

export interface Share {
  readonly found: number;
  readonly of: number;
  readonly ratio: number;
  /** 95 %; one-sided where nothing was found, or nothing else. */
  readonly low: number;
  readonly high: number;
}

export interface ArmLatency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

export interface RouteReport {
  readonly route: string;
  readonly kind: RouteKind;
  /** Null: there is evidence of it, and the configuration does not name it. */
  readonly mode: MirrorMode | null;
  /** Null: it is mirrored. */
  readonly notMirrored: NotComparedReason | null;
  readonly sampled: number;
  readonly compared: number;
  /** Null: nothing was sampled. */
  readonly coverage: number | null;
  readonly notCompared: readonly MissingCount[];
  /** Without `not_compared`. */
  readonly verdicts: Readonly<Partial<Record<VerdictName, number>>>;
  readonly different: number;
  /** Share that differed at all, noise too; null: nothing was compared. */
  readonly mismatchRatio: number | null;
  /** Share of which all that differed is what control does by itself, or was gone in the re-check. */
  readonly noiseFloor: number | null;
  readonly aboveNoise: Share | null;
  readonly shadowFailures: { readonly count: number; readonly ratio: number | null };
  readonly latency: Readonly<Record<Arm, ArmLatency | null>>;
  /** Null: not mirrored. */
  readonly limit: number | null;
  readonly state: RouteState;
  /** More comparisons without a difference that would be enough, at least. */
  readonly comparisonsMissing: number;
}

/** Whether an arm said the same when it was asked once more, at the place of a family. */
export type Repeated = "same" | "changed";

export interface SampleAgainReport {
  /** How often both arms were asked once more. */
  readonly rechecks: number;
  /** Null: not asked. */
  readonly control: Repeated | null;
  readonly candidate: Repeated | null;
  readonly isStillApart: boolean | null;
  /** Control alone, beside its first answer (shadow §8, layer 2). */
  readonly repeat: Repeated | null;
}

/** Of a family's samples. */
export interface AskedAgain {
  /** Those of which both arms were asked once more. */
  readonly samples: number;
  /** By control, then by candidate. */
  readonly grid: Readonly<Record<Repeated, Readonly<Record<Repeated, number>>>>;
  /** Control alone. */
  readonly repeats: Readonly<Record<Repeated, number>>;
}

export interface SampleReport {
  readonly place: number;
  readonly group: string;
  readonly atMs: number;
  /** Null: its call was not made again. */
  readonly again: SampleAgainReport | null;
  /** Redacted before it was stored. */
  readonly body: unknown;
}

export interface Unseen {
  /** Comparisons of its route in which it was not seen; null: not known. */
  readonly compared: number | null;
  /** So many make it fixed; null: the build is the same as before, and only another one can be without it. */
  readonly needed: number | null;
}

/** A rule that would accept a family, and what else it would hide. */
export interface RuleProposal {
  readonly yaml: string;
  readonly hides: { readonly families: number; readonly exchanges: number; readonly samples: number };
}

export interface FamilyReport {
  readonly name: string;
  readonly severity: Severity;
  readonly route: string;
  readonly template: string;
  readonly kind: DifferenceKind;
  readonly control: string | null;
  readonly candidate: string | null;
  readonly seen: number;
  /** Comparisons of the route since the campaign began; null: not known. */
  readonly compared: number | null;
  readonly groups: number;
  readonly groupShare: number | null;
  readonly confirmedBy: Confirmation | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly firstBuild: string;
  readonly lastBuild: string;
  readonly state: FamilyState;
  /** When a build was found not to have it any more, the last time. */
  readonly fixed: FixedIn | null;
  /** Known from the campaign before, and not seen in this one so far; null: it was seen, or it is fixed. */
  readonly unseen: Unseen | null;
  /** Counts against readiness. */
  readonly isCounting: boolean;
  readonly acceptedBy: AcceptingRule | null;
  readonly askedAgain: AskedAgain;
  readonly samples: readonly SampleReport[];
  /** Null: no rule can name such a place, or a rule does already. */
  readonly rule: RuleProposal | null;
}

export interface ExpiredRule {
  readonly id: string;
  readonly owner: string;
  readonly reason: string;
  readonly until: string | null;
  readonly on: readonly string[];
}

/** What this campaign says nothing about, in the order in which it is told. */
export const BLIND_SPOTS = [
  "accounting",
  "gap",
  "no-target",
  "guard-network",
  "never",
  "not-seeded",
  "repeats-off",
  "not-repeated",
  "live-models",
  "lowered-gate",
  "left-out",
] as const;
export type BlindSpot = (typeof BLIND_SPOTS)[number];

export interface CannotSay {
  readonly what: BlindSpot;
  readonly text: string;
  readonly routes: readonly string[];
}

export interface ReportHead {
  readonly unit: UnitId;
  readonly campaign: {
    readonly id: string;
    readonly builds: Readonly<Record<Arm, string>>;
    readonly backends: Readonly<Record<Arm, string>>;
    readonly rulesHash: string;
    readonly startedMs: number;
  };
  readonly window: Window;
  readonly sampled: number;
  readonly compared: number;
  readonly coverage: number | null;
  /** The most frequent first. */
  readonly notCompared: readonly MissingCount[];
  readonly gate: Gate;
  readonly readiness: {
    readonly state: Readiness;
    /** The first rule that decided it; null: all hold. */
    readonly rule: GateRule | null;
    readonly text: string;
    readonly because: readonly Finding[];
  };
}

export interface ShadowReport {
  readonly schemaVersion: 2;
  readonly head: ReportHead;
  /** The worst first. */
  readonly routes: readonly RouteReport[];
  /** The worst first; further ones are counted in `leftOut`. */
  readonly families: readonly FamilyReport[];
  readonly leftOut: { readonly families: number; readonly samples: number };
  readonly gaps: readonly GapRow[];
  /** Null: this unit seeds nothing. */
  readonly groups: GroupCounts | null;
  readonly expiredRules: readonly ExpiredRule[];
  readonly cannotSay: readonly CannotSay[];
}
