// Judges exchanges of one campaign (shadow §§4–9): verdict, families, counts, and which groups have gone apart. Runs in the compare
// thread; knows no sockets, no clock of its own and no store.
import { otherArm } from "../kernel/index.ts";
import type { AcceptCondition } from "./compare/bodyRules.ts";
import { compareExchange } from "./compare/exchange.ts";
import type { FoundDifference } from "./compare/foundDifferences.ts";
import type { MinuteCounters } from "./evidence/minuteCounters.ts";
import { FamilyBook, type FamilyBookOptions, NOTHING_MORE, type SeenMore, templatesOf } from "./familyBook.ts";
import { type Group, Groups, isRacing, mayHaveChanged } from "./identity/groups.ts";
import type { IdentityMap, IdentityMode } from "./identity/identityMap.ts";
import type { ExchangeFacts, Judgement, ObservedPair, PendingRecheck, RepeatOutcome, SeenView } from "./judgement.ts";
import { needsTwo, type RecheckSeen, weighRechecks } from "./noise/recheck.ts";
import type { Observation } from "./observation.ts";
import type { RuleBook } from "./rules/ruleBook.ts";
import type { Verdict } from "./verdict.ts";
import { type NotComparedReason, worstOf } from "./words.ts";

export interface EngineOptions<Sample> extends FamilyBookOptions<Sample> {
  readonly rules: RuleBook;
  readonly conditions: Readonly<Record<string, AcceptCondition>>;
  readonly identity: { readonly map: IdentityMap; readonly mode: IdentityMode };
  readonly counters: MinuteCounters;
  readonly groupsMax?: number;
}

const NO_HITS: ReadonlyMap<string, number> = new Map();

export class Engine<Sample> {
  readonly #options: EngineOptions<Sample>;
  readonly #book: FamilyBook<Sample>;
  readonly #groups: Groups;
  readonly #unsettled = new WeakSet<PendingRecheck>();
  /** What the repeat has shown of an exchange that is not settled yet. */
  readonly #repeats = new WeakMap<ExchangeFacts, ReadonlySet<string>>();

  constructor(options: EngineOptions<Sample>) {
    this.#options = options;
    this.#book = new FamilyBook(options);
    this.#groups = new Groups(options.groupsMax);
  }

  get divergedGroups(): number {
    return this.#groups.diverged;
  }

  get diverged(): Iterable<string> {
    return this.#groups.divergedNames();
  }

  /** Groups of which it was forgotten whether they are diverged, how late their copies are and when they wrote. */
  get droppedGroups(): number {
    return this.#groups.dropped;
  }

  isDiverged(group: string): boolean {
    return this.#groups.find(group)?.isDiverged === true;
  }

  /** Seeded again, or gone (shadow J4, J5). */
  forget(group: string): void {
    this.#groups.forget(group);
  }

  /** A mirrored write that did not get through, or a mismatch elsewhere (shadow J2). */
  diverge(group: string): void {
    this.#groups.of(group).isDiverged = true;
  }

  /** Any call of the group that changes state, mirrored or not, when it is offered: before the reads behind it are judged. */
  noteWrite(name: string, atMs: number): void {
    const group = this.#groups.of(name);
    group.lastWriteMs = Math.max(group.lastWriteMs, atMs);
  }

  /** Epoch ms, when the group last wrote; before all times if that is not known. */
  lastWriteMs(name: string): number {
    return this.#groups.find(name)?.lastWriteMs ?? Number.NEGATIVE_INFINITY;
  }

  /** An exchange of which there is nothing to compare. */
  skip(facts: Pick<ExchangeFacts, "route" | "atMs">, reason: NotComparedReason, count = 1): Judgement<Sample> {
    return this.#count(facts, { name: "not_compared", reason }, null, count);
  }

  judge(facts: ExchangeFacts, pair: ObservedPair): Judgement<Sample> {
    const group = this.#groups.of(facts.group);
    group.delayMs = Math.max(group.delayMs, facts.delayMs);
    if (facts.changesState) this.noteWrite(facts.group, facts.atMs);
    if (group.isDiverged) return this.skip(facts, "diverged");
    this.#book.closeWindows(facts.atMs);
    const compared = this.#compare(facts, pair, group, () => (group.isDiverged = true));
    const isTentative = this.#restsOnTentative(facts, pair);
    const { verdict, loud } = this.#withNoise(facts, isTentative ? markTentative(compared.verdict) : compared.verdict);
    const { ruleHits } = compared;
    const mayRecheck = facts.mayRecheck === true && !facts.changesState && !group.isDiverged;
    if (verdict.name === "different" && mayRecheck) {
      const isRace = isRacing(group, facts.atMs);
      const paths = [...new Set(loud.map(({ template }) => template))];
      const recheck = { facts, pair, verdict, loud, ruleHits, paths, isTwice: needsTwo(loud), isRace };
      this.#unsettled.add(recheck);
      return { verdict, ruleHits, samples: [], confirmed: null, recheck };
    }
    if (verdict.name === "different" && facts.changesState) group.isDiverged = true;
    // Of a write that never arrived nobody knows what it did.
    if (verdict.name === "shadow_failed" && facts.changesState) group.isDiverged = true;
    return { ...this.#conclude(facts, pair, verdict, loud, NOTHING_MORE), ruleHits };
  }

  /** What the rules alone say of it; nothing is learnt or counted. Null: it is not compared. */
  preview(facts: ExchangeFacts, pair: ObservedPair): Verdict | null {
    const group = this.#groups.of(facts.group);
    return group.isDiverged ? null : this.#compare(facts, pair, group, null).verdict;
  }

  /**
   * What was judged elsewhere: a turn of a conversation, a document, the state of both stores, a call by what caused it.
   * @param pair null: it was no call
   */
  add(
    facts: ExchangeFacts,
    verdict: Verdict,
    view: () => SeenView = () => ({}),
    pair: ObservedPair | null = null,
  ): Judgement<Sample> {
    const group = this.#groups.of(facts.group);
    if (facts.changesState) this.noteWrite(facts.group, facts.atMs);
    if (group.isDiverged && verdict.name !== "not_compared") return this.skip(facts, "diverged");
    const isApart = verdict.name === "different" || verdict.name === "shadow_failed";
    if (isApart && facts.changesState) group.isDiverged = true;
    const differences = verdict.name === "different" ? verdict.differences : [];
    const loud = differences.filter(({ acceptedBy }) => acceptedBy === null);
    return this.#conclude(facts, pair, verdict, loud, { ...NOTHING_MORE, view });
  }

  /**
   * The verdict of a call that was to be made again (shadow §8, layer 3).
   * @param again both arms' answers to it, once or, if `isTwice`, twice, or else it proves nothing; none: it was not made again
   * @throws RangeError when it is settled already
   */
  settle(pending: PendingRecheck, again: readonly ObservedPair[]): Judgement<Sample> {
    if (!this.#unsettled.delete(pending)) throw new RangeError("a re-check is settled once");
    const { facts, pair, verdict, loud, ruleHits, isRace, isTwice } = pending;
    const seen = this.#seenAgain(pending, again);
    if (seen === null) {
      // Nothing can be said of a read that may have been overtaken.
      if (isRace) return { ...this.#count(facts, { name: "not_compared", reason: "budget" }, pair), ruleHits };
      return { ...this.#conclude(facts, pair, verdict, loud, NOTHING_MORE), ruleHits };
    }
    const isGone = ({ template }: FoundDifference): boolean => !weighRechecks(template, seen).isArmsApart;
    const left = loud.filter((one) => !isGone(one));
    const severity = worstOf(left.map((one) => one.severity));
    if (severity === null) {
      const { differences, normalisers, notes } = verdict;
      const transient = { name: "transient", differences, normalisers, notes } as const;
      return { ...this.#conclude(facts, pair, transient, [], NOTHING_MORE), ruleHits };
    }
    const differences = verdict.differences.filter((one) => !loud.includes(one) || left.includes(one));
    const proof = seen.length >= (isTwice ? 2 : 1) ? seen : [];
    const more = { ...NOTHING_MORE, proof, seen };
    return { ...this.#conclude(facts, pair, { ...verdict, severity, differences }, left, more), ruleHits };
  }

  /**
   * The same safe call to the control again (shadow §8, layers 2 and 4): what differs there is not the candidate's doing.
   * @param pair of the exchange that it repeats; `judge` is told of that by itself, and first: ids are learnt there only
   */
  learnRepeat(facts: ExchangeFacts, pair: ObservedPair, repeat: Observation): RepeatOutcome {
    const group = this.#groups.of(facts.group);
    this.#book.closeWindows(facts.atMs);
    if (mayHaveChanged(group, facts.atMs)) return "not_compared";
    const itself = this.#differing(facts, pair.control, repeat);
    if (itself === null) return "not_compared";
    this.#repeats.set(facts, templatesOf(itself));
    const { verdict } = this.#compare(facts, pair, group, null);
    const arms = group.isDiverged ? null : countingOf(verdict);
    this.#options.noise.learnRepeat(facts.route.id, { itself, arms });
    this.#book.foundNoise(facts, itself);
    return itself.length === 0 ? "equal" : "different";
  }

  /** `onConflict`: null when nothing may be learnt from it. */
  #compare(facts: ExchangeFacts, pair: ObservedPair, group: Group, onConflict: (() => void) | null) {
    const { rules, conditions } = this.#options;
    return compareExchange(pair.control, pair.candidate, rules.forRoute(facts.route), {
      delayMs: group.delayMs,
      nowMs: facts.atMs,
      shadow: facts.shadow,
      conditions,
      ids: this.#ids(facts, pair, onConflict),
    });
  }

  /** Two answers of one arm; null: they cannot be compared. */
  #differing(facts: ExchangeFacts, first: Observation, second: Observation): readonly FoundDifference[] | null {
    if (!("reply" in first.result) || !("reply" in second.result)) return null;
    const { rules, conditions } = this.#options;
    // The second stands where the candidate stands otherwise: it came later.
    const { verdict } = compareExchange(first, second, rules.forRoute(facts.route), {
      delayMs: this.#groups.of(facts.group).delayMs,
      nowMs: facts.atMs,
      shadow: "candidate",
      conditions,
      ids: null,
    });
    return countingOf(verdict);
  }

  /** Null: nothing was made again, or nothing that says anything. */
  #seenAgain({ facts, pair }: PendingRecheck, again: readonly ObservedPair[]): readonly RecheckSeen[] | null {
    const group = this.#groups.of(facts.group);
    // Whatever was written since may have changed both answers, and behind a divergence the candidate's is no evidence.
    if (again.length === 0 || group.isDiverged || group.lastWriteMs > facts.atMs) return null;
    const seen: RecheckSeen[] = [];
    for (const one of again) {
      if (!("reply" in one.control.result) || !("reply" in one.candidate.result)) return null;
      const arms = countingOf(this.#compare(facts, one, group, null).verdict);
      if (arms === null) return null;
      const control = this.#differing(facts, pair.control, one.control);
      const candidate = this.#differing(facts, pair.candidate, one.candidate);
      this.#options.noise.noteItself(facts.route.id, control ?? []);
      this.#book.foundNoise(facts, control ?? []);
      seen.push({ arms: templatesOf(arms), control: changedOf(control), candidate: changedOf(candidate) });
    }
    return seen;
  }

  #withNoise({ route, atMs }: ExchangeFacts, verdict: Verdict) {
    if (verdict.name !== "different") return { verdict, loud: [] };
    const { differences, loud } = this.#options.noise.settle(route.id, verdict.differences, atMs);
    const { normalisers, notes } = verdict;
    const severity = worstOf(loud.map((one) => one.severity));
    const settled: Verdict =
      severity === null
        ? { name: "noise", differences, normalisers, notes }
        : { name: "different", severity, differences, normalisers, notes };
    return { verdict: settled, loud };
  }

  /** A call with the other arm's ids has shown whether it knows them (shadow M4). */
  #restsOnTentative({ group, shadow, rewritten = [] }: ExchangeFacts, { control, candidate }: ObservedPair): boolean {
    const { map } = this.#options.identity;
    const served = otherArm(shadow);
    const classes = [control, candidate].map(
      ({ result }) => "reply" in result && Math.floor(result.reply.status / 100),
    );
    if (classes[0] !== false && classes[0] === classes[1]) map.confirm(group, served, rewritten);
    return rewritten.some((id) => map.isTentative(group, id, served));
  }

  #ids(facts: ExchangeFacts, { control, candidate }: ObservedPair, onConflict: (() => void) | null) {
    const { map, mode } = this.#options.identity;
    const isGood = ({ result }: Observation): boolean =>
      "reply" in result && result.reply.status >= 200 && result.reply.status < 300;
    const mayLearn = onConflict !== null && isGood(control) && isGood(candidate);
    // One id for two things (shadow M4): the exchange differs by itself, the group is apart from here on.
    return map.pairsFor(facts.group, mode, mayLearn, onConflict ?? (() => {}));
  }

  #count(
    facts: Pick<ExchangeFacts, "route" | "atMs">,
    verdict: Verdict,
    pair: ObservedPair | null,
    count = 1,
  ): Judgement<Sample> {
    const latencyOf = (one: Observation | undefined): number | null =>
      one !== undefined && "reply" in one.result ? one.totalMs : null;
    const latencyMs = { control: latencyOf(pair?.control), candidate: latencyOf(pair?.candidate) };
    this.#options.counters.count({ route: facts.route.id, verdict, latencyMs }, facts.atMs, count);
    return { verdict, ruleHits: NO_HITS, samples: [], confirmed: null, recheck: null };
  }

  #conclude(
    facts: ExchangeFacts,
    pair: ObservedPair | null,
    verdict: Verdict,
    loud: readonly FoundDifference[],
    more: SeenMore,
  ): Judgement<Sample> {
    const repeat = this.#repeats.get(facts) ?? null;
    return { ...this.#count(facts, verdict, pair), ...this.#book.see(facts, pair, verdict, loud, { ...more, repeat }) };
  }
}

/** Null: there was nothing to compare. */
function countingOf(verdict: Verdict): readonly FoundDifference[] | null {
  if (verdict.name === "identical") return [];
  return "differences" in verdict ? verdict.differences.filter(({ acceptedBy }) => acceptedBy === null) : null;
}

/** An arm that had failed at first is not the same now. */
const changedOf = (differences: readonly FoundDifference[] | null): ReadonlySet<string> =>
  differences === null ? new Set(["status"]) : templatesOf(differences);

function markTentative(verdict: Verdict): Verdict {
  if (!("differences" in verdict)) return verdict;
  return { ...verdict, differences: verdict.differences.map((one) => ({ ...one, isTentative: true })) };
}
