// The verdict of one exchange from two observations (shadow §7): exclusive, exhaustive, the first that holds. What needs other
// exchanges, noise and transient differences, is decided on top of it.
import type { FoundDifference } from "./compare/foundDifferences.ts";
import { type NotComparedReason, type Severity, worstOf } from "./words.ts";

/** What is worth knowing about a verdict and changes nothing in it. */
export type VerdictNote = "undecodable" | "invalid-json" | "duplicate-key" | "unchecked";

interface Compared {
  readonly differences: readonly FoundDifference[];
  readonly normalisers: readonly string[];
  readonly notes: readonly VerdictNote[];
}

export type Verdict =
  | { readonly name: "not_compared"; readonly reason: NotComparedReason }
  | { readonly name: "both_failed" | "shadow_failed" | "identical" }
  | ({ readonly name: "equivalent" | "accepted" | "noise" | "transient" } & Compared)
  | ({ readonly name: "different"; readonly severity: Severity } & Compared);

/** Of two replies whose bytes or heads are not the same. */
export function verdictOf(compared: Compared): Verdict {
  const counting = compared.differences.filter(({ acceptedBy }) => acceptedBy === null);
  const severity = worstOf(counting.map((one) => one.severity));
  if (severity !== null) return { name: "different", severity, ...compared };
  return { name: compared.differences.length > 0 ? "accepted" : "equivalent", ...compared };
}
