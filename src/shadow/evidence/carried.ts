// Families of the campaign before (shadow §4): another build begins another campaign, and only there can it be seen that one is gone.
import type { CampaignRow, CarriedFamilies, FamilyRow } from "./model.ts";
import type { VerdictName } from "../words.ts";

/** shadow §4: a newer build, and nothing in so many comparisons of the route. */
export const FIXED_COMPARISONS = 1_000;

/** Handed on to the next campaign; the room is also for what that one finds itself. */
const CARRIED_MAX = 2_000;

/** In which a family of the route would have been seen: of two arms that failed alike nothing was looked at. */
const LOOKED_AT: readonly VerdictName[] = ["identical", "equivalent", "accepted", "noise", "transient", "different"];

export const lookedAt = (verdicts: Readonly<Partial<Record<VerdictName, number>>>): number =>
  LOOKED_AT.reduce((sum, name) => sum + (verdicts[name] ?? 0), 0);

/** By route. */
export const lookedAtBy = (
  totals: readonly { readonly route: string; readonly verdicts: Readonly<Partial<Record<VerdictName, number>>> }[],
): ReadonlyMap<string, number> => new Map(totals.map(({ route, verdicts }) => [route, lookedAt(verdicts)]));

/**
 * Those that all processes together have looked for often enough: each of them alone may have compared too little to say so.
 * @param atMs of what was compared, when it was read
 */
export const settleCarried = <T extends FamilyRow>(
  families: readonly T[],
  compared: ReadonlyMap<string, number>,
  { candidateBuild: build }: Pick<CampaignRow, "candidateBuild">,
  atMs: number,
): readonly T[] =>
  families.map((one) => {
    const isOpen = one.isCarried && one.state !== "fixed" && one.lastBuild !== build;
    if (!isOpen || (compared.get(one.route) ?? 0) < FIXED_COMPARISONS) return one;
    return { ...one, state: "fixed", fixed: one.fixed ?? { atMs, build } };
  });

/** What the next campaign has to know: what is open first, then what was seen last. */
export function carriedFrom(families: readonly FamilyRow[]): CarriedFamilies {
  const rank = ({ state }: FamilyRow): number => (state === "fixed" ? 1 : 0);
  const sorted = families.toSorted(
    (one, other) => rank(one) - rank(other) || other.lastSeenMs - one.lastSeenMs || (one.name < other.name ? -1 : 1),
  );
  return { families: sorted.slice(0, CARRIED_MAX), leftOut: Math.max(0, sorted.length - CARRIED_MAX) };
}
