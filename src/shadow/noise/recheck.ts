// What the same safe call once more says of a difference (shadow §8, layer 3).
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { Recheck } from "./recheckTally.ts";

/** One re-check, as templates of what differed and counts. */
export interface RecheckSeen {
  /** The two new answers beside each other. */
  readonly arms: ReadonlySet<string>;
  /** Each arm beside its own first answer. */
  readonly control: ReadonlySet<string>;
  readonly candidate: ReadonlySet<string>;
}

/** Their values say little, so that two may agree by chance; what stands in an enumeration is a text like any other. */
const FEW_VALUES = new Set<string | null>(["boolean", "null", "text", "empty"]);

/** shadow §8: a second re-check where few values are to be had. */
export const needsTwo = (differences: readonly FoundDifference[]): boolean =>
  differences.some(({ control, candidate }) => FEW_VALUES.has(control) || FEW_VALUES.has(candidate));

const isAbove = (one: string, other: string): boolean =>
  other.startsWith(one) && (one.length === other.length || /[.[]/.test(other[one.length] ?? ""));

/** One is the other or what it is in; of replies with two statuses nothing else was compared. */
const areRelated = (one: string, other: string): boolean =>
  one === "status" || other === "status" || isAbove(one, other) || isAbove(other, one);

/** Of all re-checks of one exchange together. */
export function weighRechecks(template: string, seen: readonly RecheckSeen[]): Recheck {
  const isIn = (differing: ReadonlySet<string>): boolean => [...differing].some((one) => areRelated(one, template));
  return {
    isArmsApart: seen.every(({ arms }) => isIn(arms)),
    isControlStable: !seen.some(({ control }) => isIn(control)),
    isCandidateStable: !seen.some(({ candidate }) => isIn(candidate)),
  };
}
