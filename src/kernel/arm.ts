/** The domain's closed words (house.md §3). Every room speaks of arms, roles and reasons with these literals only. */
export const ARMS = ["control", "candidate"] as const;
export type Arm = (typeof ARMS)[number];

export const ROLES = ["served", "shadow", "repeat"] as const;
export type Role = (typeof ROLES)[number];

/**
 * Why an exchange went where it went (rollout.md §1.4).
 * `fixed` and `unmatched` are ours beside the table: routes that no flag decides (ADR 0007). So is `settling`: the decision
 * has changed, and what the subject has open on its arm has not ended yet (ADR 0015).
 */
export const REASONS = [
  "kill-switch",
  "pinned",
  "flag-on",
  "flag-off",
  "flags-stale",
  "lease-expired",
  "no-subject",
  "not-carried",
  "settling",
  "fixed",
  "unmatched",
  "decision-failed",
] as const;
export type Reason = (typeof REASONS)[number];

/** A stable identity that decides: a user id (`sub`). Never logged in clear (security D2). */
export type Subject = string;

/** A route as labels and logs show it: its template, never a path. */
export type RouteId = string;

export type UnitId = string;

/** What one call or socket was told, frozen for its life. */
export interface Decision {
  readonly arm: Arm;
  readonly reason: Reason;
  readonly ruleId: string;
  readonly epoch: number;
}

export const isArm = (value: unknown): value is Arm => value === "control" || value === "candidate";

export const otherArm = (arm: Arm): Arm => (arm === "control" ? "candidate" : "control");
