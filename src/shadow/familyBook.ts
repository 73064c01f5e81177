// What one campaign's families learn of each exchange: who has seen them, what is kept, and what confirms them (shadow §§4, 8).
import type { FoundDifference } from "./compare/foundDifferences.ts";
import type { Families, Family, FamilySeen } from "./evidence/families.ts";
import type { ExchangeFacts, Judgement, ObservedPair, SeenExchange, SeenView } from "./judgement.ts";
import type { NoiseModel } from "./noise/noiseModel.ts";
import { type RecheckSeen, weighRechecks } from "./noise/recheck.ts";
import type { Verdict } from "./verdict.ts";
import { isWorse, type Severity } from "./words.ts";

export interface FamilyBookOptions<Sample> {
  readonly families: Families<Sample>;
  readonly noise: NoiseModel;
  /** What is kept of a pair that differs; only asked for the few that are kept. */
  sampleOf(seen: SeenExchange): Sample;
}

export interface SeenMore {
  /** Re-checks that prove something. */
  readonly proof: readonly RecheckSeen[];
  /** All that were made. */
  readonly seen: readonly RecheckSeen[];
  /** Templates on which control differed from itself; null: it was not asked again alone. */
  readonly repeat: ReadonlySet<string> | null;
  view(): SeenView;
}

export const NOTHING_MORE: SeenMore = { proof: [], seen: [], repeat: null, view: () => ({}) };
export class FamilyBook<Sample> {
  readonly #options: FamilyBookOptions<Sample>;

  constructor(options: FamilyBookOptions<Sample>) {
    this.#options = options;
  }

  /** ADR 17: where control has ever differed from itself re-checks prove nothing, also those that were made before. */
  foundNoise({ route, groupPrint }: ExchangeFacts, itself: readonly FoundDifference[]): void {
    if (itself.length === 0) return;
    const templates = templatesOf(itself);
    for (const family of this.#options.families.all) {
      if (family.key.route !== route.id || !templates.has(family.key.template)) continue;
      family.recheck({ isArmsApart: false, isControlStable: false, isCandidateStable: true }, groupPrint);
    }
  }

  closeWindows(nowMs: number): void {
    for (const { route, template } of this.#options.noise.closeWindows(nowMs)) {
      for (const family of this.#options.families.all) {
        if (family.key.route === route && family.key.template === template) family.confirmByTest();
      }
    }
  }

  see(
    facts: ExchangeFacts,
    pair: ObservedPair | null,
    verdict: Verdict,
    loud: readonly FoundDifference[],
    { proof, seen: rechecks, repeat, view }: SeenMore,
  ): Pick<Judgement<Sample>, "samples" | "confirmed"> {
    const isCompared = "differences" in verdict || verdict.name === "identical";
    if (!isCompared) return { samples: [], confirmed: null };
    // What control does by itself makes no families, nor does what was gone when it was looked at again.
    const isAccepted = verdict.name === "different" || verdict.name === "accepted";
    const accepted = isAccepted ? verdict.differences.filter(({ acceptedBy }) => acceptedBy !== null) : [];
    const differences = [...loud, ...accepted];
    const seen = differences.map(
      (difference): FamilySeen => ({
        route: facts.route.id,
        difference,
        acceptedBy: difference.acceptedBy,
        group: facts.groupPrint,
        build: facts.build,
        atMs: facts.atMs,
      }),
    );
    const families = this.#options.families.see(facts.route.id, seen, facts.build, facts.atMs);
    const samples: { family: string; place: number; value: Sample }[] = [];
    const exchange = (): SeenExchange => ({
      route: facts.route.id,
      pair,
      differences,
      rechecks,
      repeat,
      view: view(),
    });
    let confirmed: Severity | null = null;
    for (const family of families) {
      if (family === null) continue;
      this.#confirm(facts, family, proof);
      const kept = family.offerSample(facts.groupPrint, () => this.#options.sampleOf(exchange()));
      if (kept !== null) samples.push({ family: family.name, place: kept.place, value: kept.value });
      const { severity } = family;
      if (family.confirmedBy !== null && (confirmed === null || isWorse(severity, confirmed))) confirmed = severity;
    }
    return { samples, confirmed };
  }

  #confirm({ groupPrint, atMs }: ExchangeFacts, family: Family<Sample>, rechecks: readonly RecheckSeen[]): void {
    const { noise } = this.#options;
    const { route, template } = family.key;
    if (noise.isFound(route, template, atMs)) family.confirmByTest();
    if (rechecks.length === 0) return;
    const recheck = weighRechecks(template, rechecks);
    const isControlStable = recheck.isControlStable && noise.itself(route, template) === 0;
    family.recheck({ ...recheck, isControlStable }, groupPrint);
  }
}

export const templatesOf = (differences: readonly FoundDifference[]): ReadonlySet<string> =>
  new Set(differences.map(({ template }) => template));
