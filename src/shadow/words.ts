// The closed words of the shadow (shadow §§4, 7): metrics, evidence, reports and the console use these literals only.

/** Of one exchange: exclusive and exhaustive, the first that holds (shadow §7). */
export const VERDICTS = [
  "not_compared",
  "both_failed",
  "shadow_failed",
  "identical",
  "equivalent",
  "accepted",
  "noise",
  "transient",
  "different",
] as const;
export type VerdictName = (typeof VERDICTS)[number];

export const NOT_COMPARED_REASONS = [
  "queue_full",
  "tap_budget",
  "body_too_large",
  "unsafe_write",
  "no_target",
  "target_unsafe",
  "target_down",
  "circuit_open",
  "pressure",
  "budget",
  "unseeded",
  "diverged",
  "identity",
  "no_codec",
  "external",
  "rule",
  "served_aborted",
  "engine_lost",
  "stopping",
] as const;
export type NotComparedReason = (typeof NOT_COMPARED_REASONS)[number];

/** The worst first. */
export const SEVERITIES = ["breaking", "value", "extra", "order", "cosmetic"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const DIFFERENCE_KINDS = ["missing", "extra", "type", "value", "order", "status", "timing"] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export const isWorse = (one: Severity, other: Severity): boolean => SEVERITIES.indexOf(one) < SEVERITIES.indexOf(other);

export const worstOf = (severities: Iterable<Severity>): Severity | null => {
  let worst: Severity | null = null;
  for (const one of severities) if (worst === null || isWorse(one, worst)) worst = one;
  return worst;
};

/** One path on which the arms disagree. Reads control → candidate, whoever was served. */
export interface Difference {
  /** Where, for a family: positions and keys that are data are left out, `$.folders[*].name`. */
  readonly template: string;
  /** Where exactly: `$.folders[3].name`. */
  readonly path: string;
  readonly kind: DifferenceKind;
  readonly severity: Severity;
  /** Value classes, never values (shadow P1); null: there is nothing on that arm. */
  readonly control: string | null;
  readonly candidate: string | null;
}
