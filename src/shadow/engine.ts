// Judges exchanges of one campaign (shadow §§4–9): verdict, families, counts, and which groups have gone apart. Runs in the compare
// thread; knows no sockets, no clock of its own and no store.
import type { Arm } from "../kernel/index.ts";
import type { AcceptCondition } from "./compare/bodyRules.ts";
import { compareExchange } from "./compare/exchange.ts";
import type { FoundDifference } from "./compare/foundDifferences.ts";
import type { Families, FamilySeen } from "./evidence/families.ts";
import type { MinuteCounters } from "./evidence/minuteCounters.ts";
import type { IdentityMap, IdentityMode } from "./identity/identityMap.ts";
import type { NoiseModel } from "./noise/noiseModel.ts";
import type { Observation } from "./observation.ts";
import type { RouteName, RuleBook } from "./rules/ruleBook.ts";
import { type Verdict, verdictOf } from "./verdict.ts";
import { isWorse, type NotComparedReason, type Severity } from "./words.ts";

export interface EngineOptions<Sample> {
  readonly rules: RuleBook;
  readonly conditions: Readonly<Record<string, AcceptCondition>>;
  readonly identity: { readonly map: IdentityMap; readonly mode: IdentityMode };
  readonly families: Families<Sample>;
  readonly counters: MinuteCounters;
  readonly noise: NoiseModel;
  /** What is kept of a pair that differs; only asked for the few that are kept. */
  sampleOf(pair: ObservedPair, differences: readonly FoundDifference[]): Sample;
  readonly groupsMax?: number;
}

export interface ObservedPair {
  readonly control: Observation;
  readonly candidate: Observation;
}

export interface ExchangeFacts {
  readonly route: RouteName;
  /** Raw: leaves this thread only as an HMAC. */
  readonly group: string;
  readonly groupPrint: string;
  /** Of the candidate. */
  readonly build: string;
  readonly shadow: Arm;
  /** What it changes on an arm: behind a mismatch of such a call the group is diverged (shadow J4). */
  readonly changesState: boolean;
  /** How much later the copy left than the served leg. */
  readonly delayMs: number;
  /** Epoch ms. */
  readonly atMs: number;
}

export interface Judgement<Sample> {
  readonly verdict: Verdict;
  readonly ruleHits: ReadonlyMap<string, number>;
  /** To be stored: samples that were kept, by family. */
  readonly samples: readonly { readonly family: string; readonly place: number; readonly value: Sample }[];
  /** The worst of the families that count against a guard (shadow §8). */
  readonly confirmed: Severity | null;
}

interface Group {
  isDiverged: boolean;
  delayMs: number;
}

const GROUPS_MAX = 100_000;
/** Looked at to make room for one. */
const DROP_TRIES = 64;
const NO_HITS: ReadonlyMap<string, number> = new Map();

export class Engine<Sample> {
  readonly #options: EngineOptions<Sample>;
  readonly #groups = new Map<string, Group>();

  constructor(options: EngineOptions<Sample>) {
    this.#options = options;
  }

  get divergedGroups(): number {
    let count = 0;
    for (const { isDiverged } of this.#groups.values()) count += isDiverged ? 1 : 0;
    return count;
  }

  isDiverged(group: string): boolean {
    return this.#groups.get(group)?.isDiverged === true;
  }

  /** Seeded again, or gone (shadow J4, J5). */
  forget(group: string): void {
    this.#groups.delete(group);
  }

  /** A mirrored write that did not get through, or a mismatch elsewhere (shadow J2). */
  diverge(group: string): void {
    this.#group(group).isDiverged = true;
  }

  /** An exchange of which there is nothing to compare. */
  skip(facts: Pick<ExchangeFacts, "route" | "atMs">, reason: NotComparedReason): Judgement<Sample> {
    return this.#count(facts, { name: "not_compared", reason }, null);
  }

  judge(facts: ExchangeFacts, pair: ObservedPair): Judgement<Sample> {
    const group = this.#group(facts.group);
    group.delayMs = Math.max(group.delayMs, facts.delayMs);
    if (group.isDiverged) return this.skip(facts, "diverged");
    const { rules, conditions } = this.#options;
    const compared = compareExchange(pair.control, pair.candidate, rules.forRoute(facts.route), {
      delayMs: group.delayMs,
      nowMs: facts.atMs,
      shadow: facts.shadow,
      conditions,
      ids: this.#ids(facts, pair, group),
    });
    const verdict = this.#withNoise(facts.route.id, compared.verdict);
    if (verdict.name === "different" && facts.changesState) group.isDiverged = true;
    // Of a write that never arrived nobody knows what it did.
    if (verdict.name === "shadow_failed" && facts.changesState) group.isDiverged = true;
    const judgement = this.#count(facts, verdict, pair);
    return { ...judgement, ...this.#see(facts, pair, verdict), ruleHits: compared.ruleHits };
  }

  /** The same safe call to the control again (shadow §8, layer 2): what differs there is not the candidate's doing. */
  learnRepeat(facts: Omit<ExchangeFacts, "shadow">, control: Observation, repeat: Observation): void {
    const { rules, conditions, noise } = this.#options;
    // A repeat stands where the candidate stands otherwise.
    const { verdict } = compareExchange(control, repeat, rules.forRoute(facts.route), {
      delayMs: facts.delayMs,
      nowMs: facts.atMs,
      shadow: "candidate",
      conditions,
      ids: null,
    });
    if ("differences" in verdict) noise.learnRepeat(facts.route.id, verdict.differences);
  }

  #withNoise(route: string, verdict: Verdict): Verdict {
    if (verdict.name !== "different") return verdict;
    const { differences, isNoise } = this.#options.noise.settle(route, verdict.differences);
    const { normalisers, notes } = verdict;
    return isNoise
      ? { name: "noise", differences, normalisers, notes }
      : verdictOf({ differences, normalisers, notes });
  }

  #ids(facts: ExchangeFacts, { control, candidate }: ObservedPair, group: Group) {
    const { map, mode } = this.#options.identity;
    const isGood = ({ result }: Observation): boolean =>
      "reply" in result && result.reply.status >= 200 && result.reply.status < 300;
    // One id for two things (shadow M4): the exchange differs by itself, the group is apart from here on.
    return map.pairsFor(facts.group, mode, isGood(control) && isGood(candidate), () => (group.isDiverged = true));
  }

  #count(facts: Pick<ExchangeFacts, "route" | "atMs">, verdict: Verdict, pair: ObservedPair | null): Judgement<Sample> {
    const latencyOf = (one: Observation | undefined): number | null =>
      one !== undefined && "reply" in one.result ? one.totalMs : null;
    const latencyMs = { control: latencyOf(pair?.control), candidate: latencyOf(pair?.candidate) };
    this.#options.counters.count({ route: facts.route.id, verdict, latencyMs }, facts.atMs);
    return { verdict, ruleHits: NO_HITS, samples: [], confirmed: null };
  }

  #see(facts: ExchangeFacts, pair: ObservedPair, verdict: Verdict): Pick<Judgement<Sample>, "samples" | "confirmed"> {
    const isCompared = "differences" in verdict || verdict.name === "identical";
    if (!isCompared) return { samples: [], confirmed: null };
    // Noise makes no families.
    const differences = "differences" in verdict && verdict.name !== "noise" ? verdict.differences : [];
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
    const families = this.#options.families.see(facts.route.id, seen, facts.build);
    const samples: { family: string; place: number; value: Sample }[] = [];
    let confirmed: Severity | null = null;
    for (const family of families) {
      if (family === null) continue;
      const kept = family.offerSample(facts.groupPrint, () => this.#options.sampleOf(pair, differences));
      if (kept !== null) samples.push({ family: family.name, place: kept.place, value: kept.value });
      const { severity } = family;
      if (family.confirmedBy !== null && (confirmed === null || isWorse(severity, confirmed))) confirmed = severity;
    }
    return { samples, confirmed };
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { isDiverged: false, delayMs: 0 };
      this.#groups.set(name, group);
      if (this.#groups.size > (this.#options.groupsMax ?? GROUPS_MAX)) this.#dropOldest(name);
    }
    return group;
  }

  /** The oldest that is not diverged, among a few: a diverged one would be compared again. */
  #dropOldest(kept: string): void {
    let oldest: string | null = null;
    let looked = 0;
    for (const [name, { isDiverged }] of this.#groups) {
      if (name === kept) continue;
      oldest ??= name;
      if (!isDiverged) {
        oldest = name;
        break;
      }
      if (++looked === DROP_TRIES) break;
    }
    if (oldest !== null) this.#groups.delete(oldest);
  }
}
