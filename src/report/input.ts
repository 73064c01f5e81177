// What a report is made of: stored evidence, and what the caller knows of the configuration.
import type { Arm } from "../kernel/index.ts";
import type {
  CampaignRow,
  ComparisonRule,
  FamilyRow,
  GapRow,
  GroupCounts,
  MirrorMode,
  NotComparedReason,
  RouteTotals,
  SampleRow,
  Window,
} from "../shadow/ports.ts";

export type RouteKind = "http" | "socket";

export interface RouteFacts {
  /** As evidence calls it: the route's label. */
  readonly route: string;
  readonly kind: RouteKind;
  /** `never`: not mirrored; it is listed and does not lower coverage (shadow A1). */
  readonly mode: MirrorMode;
  /** Why it is not mirrored; `unsafe_write` unless said. */
  readonly reason?: NotComparedReason;
  /** Share above noise that is let pass, 0 … 1; otherwise the default of its kind. */
  readonly limit?: number;
}

/** Who accepts a family, until when (shadow §4): of the rule that does. */
export type AcceptingRule = Pick<ComparisonRule, "id" | "owner" | "reason" | "until">;

/** What advancing asks for (rollout §3.5); what is lower than the defaults is said in the report. */
export interface Gate {
  /** 0 … 1, compared of sampled. */
  readonly coverageMin: number;
  /** Of each route. */
  readonly comparisonsMin: number;
}

export interface ReportFacts {
  /** All of the unit, mirrored or not; each once. */
  readonly routes: readonly RouteFacts[];
  /** What is deployed behind an arm, such as `legacy`. */
  readonly backends?: Readonly<Record<Arm, string>>;
  /** Null: nothing of this unit changes state, so nothing is seeded. */
  readonly groups: GroupCounts | null;
  /** Groups of which anything was compared, for shares of groups; null: unknown. */
  readonly groupsCompared: number | null;
  /** Rules whose day has passed (shadow N4). */
  readonly expiredRules: readonly (AcceptingRule & Pick<ComparisonRule, "on">)[];
  /** By the names of families. */
  readonly acceptedBy: ReadonlyMap<string, AcceptingRule>;
  /** Guards of the shadow targets (shadow W2); null: the arm has no target. */
  readonly guards: Readonly<Record<Arm, "required" | "network" | null>>;
  /** Whether safe calls are repeated to learn noise (shadow §8, layer 2). */
  readonly areRepeatsOn: boolean;
  /** Both arms' models answer by themselves (shadow K6). */
  readonly areModelsLive: boolean;
  readonly gate?: Partial<Gate>;
}

export interface ReportInput {
  readonly campaign: CampaignRow;
  readonly window: Window;
  /** Of the window. */
  readonly totals: readonly RouteTotals[];
  /** Since the campaign began, where the window is shorter: families are counted since then. */
  readonly totalsSinceStart?: readonly RouteTotals[];
  readonly families: readonly FamilyRow[];
  /** By the names of families. */
  readonly samples: ReadonlyMap<string, readonly SampleRow[]>;
  readonly gaps: readonly GapRow[];
  readonly facts: ReportFacts;
}
