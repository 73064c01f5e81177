// What the re-checks of a family have shown (shadow §8, layer 3), as it is stored: facts of several runs can be added.
import { RecheckTally, type Recheck } from "../noise/recheckTally.ts";

export interface Rechecks {
  /** Those that agreed; more than three are three. */
  readonly agreed: number;
  /** HMACs of theirs; two are enough. */
  readonly groups: readonly string[];
  /** Control has differed from itself. */
  readonly isNoisy: boolean;
}

export const NO_RECHECKS: Rechecks = { agreed: 0, groups: [], isNoisy: false };

/** What decides has been shown (shadow §8): three, of two groups. */
const AGREED_MAX = 3;
const GROUPS_MAX = 2;

export function rechecksOf({ isArmsApart, isControlStable, isCandidateStable }: Recheck, group: string): Rechecks {
  const isAgreed = isArmsApart && isControlStable && isCandidateStable;
  return { agreed: isAgreed ? 1 : 0, groups: isAgreed ? [group] : [], isNoisy: !isControlStable };
}

/** In any order the same. */
export function addRechecks(one: Rechecks, other: Rechecks): Rechecks {
  return {
    agreed: Math.min(AGREED_MAX, one.agreed + other.agreed),
    groups: [...new Set([...one.groups, ...other.groups])].sort().slice(0, GROUPS_MAX),
    isNoisy: one.isNoisy || other.isNoisy,
  };
}

const AGREED: Recheck = { isArmsApart: true, isControlStable: true, isCandidateStable: true };

/** Asked of the tally itself, so that the rule is written once. */
export function isConfirmedBy({ agreed, groups, isNoisy }: Rechecks): boolean {
  const tally = new RecheckTally();
  for (let at = 0; at < agreed; at++) tally.add(AGREED, groups[at % groups.length] ?? "");
  if (isNoisy) tally.add({ ...AGREED, isControlStable: false }, "");
  return tally.isConfirmed;
}
