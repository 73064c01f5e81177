// Judges what the two other threads bring (shadow I5): pairs the halves, asks the engine of their unit, and says what ended.
import type { Arm, Clock, UnitId } from "../../kernel/index.ts";
import { hashOfRules } from "../campaign.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ShadowApplication } from "../ports.ts";
import type { RoutePlan } from "../plans.ts";
import { RuleBook } from "../rules/ruleBook.ts";
import type { NotComparedReason } from "../words.ts";
import type { CompareItem, CopyItem, EndedItem, JudgedItem, ShadowSettings } from "./messages.ts";
import { servedObservation } from "./observations.ts";
import { type Halves, Pairing, type Served } from "./pairing.ts";
import { armsOf, UnitEvidence, type EvidenceOptions } from "./unitEvidence.ts";

export interface ComparerOptions extends Omit<EvidenceOptions, "unit" | "isLearningIds"> {
  readonly clock: Clock;
  readonly application: ShadowApplication;
  onEnded(item: EndedItem): void;
  /** For the mirror thread. */
  onJudged(item: JudgedItem): void;
}

interface Book {
  readonly rules: RuleBook;
  readonly hash: string;
  readonly isPlain: boolean;
}

export class Comparer {
  readonly #options: ComparerOptions;
  readonly #pairing: Pairing;
  readonly #units = new Map<UnitId, UnitEvidence>();
  readonly #builds: Partial<Record<Arm, string>> = {};
  #settings: ShadowSettings | null = null;

  constructor(options: ComparerOptions) {
    this.#options = options;
    this.#pairing = new Pairing(() => options.clock.monotonic());
  }

  get units(): ReadonlyMap<UnitId, UnitEvidence> {
    return this.#units;
  }

  /** @throws RangeError for a rule that cannot be used; what was in force stays */
  configure(settings: ShadowSettings): void {
    const { application, clock } = this.#options;
    const words = { normalisers: { ...NORMALISERS, ...application.normalisers }, statusClass: application.statusClass };
    const bookOf = (isPlain: boolean): Book => {
      const all = [...(isPlain ? [] : application.rules), ...settings.rules];
      const checks = isPlain ? [] : application.checks;
      return { rules: new RuleBook(all, words, () => clock.now(), checks), hash: hashOfRules(all), isPlain };
    };
    const books = { own: bookOf(false), plain: bookOf(true) };
    this.#settings = settings;
    const plain = new Map([...settings.plans.values()].map(({ unit, isPlain }) => [unit, isPlain]));
    for (const [unit, isPlain] of plain) {
      const book = isPlain ? books.plain : books.own;
      const known = this.#units.get(unit);
      if (known !== undefined) known.setRules(book.rules, book.hash);
      else this.#units.set(unit, this.#unit(unit, settings, book));
    }
  }

  setBuilds(builds: Partial<Readonly<Record<Arm, string>>>): void {
    for (const arm of ["control", "candidate"] as const) {
      const build = builds[arm];
      if (build === undefined) continue;
      this.#builds[arm] = build;
      for (const unit of this.#units.values()) unit.setBuild(arm, build);
    }
  }

  take(item: CompareItem): void {
    if (item.kind === "served") {
      this.#judge(this.#pairing.add({ served: item }));
      return;
    }
    const plan = this.#settings?.plans.get(item.route);
    const unit = plan === undefined ? undefined : this.#units.get(plan.unit);
    if (plan === undefined || unit === undefined) return;
    unit.skip(plan, item.reason, item.atMs);
    if (item.isDiverging) unit.diverge(item.group);
  }

  copied(item: CopyItem): void {
    this.#judge(this.#pairing.add({ copy: item }));
  }

  /** The mirror thread has died: what it had is lost (shadow I13). */
  mirrorLost(): void {
    for (const served of this.#pairing.withoutCopy()) this.#notCompared(served, "engine_lost");
  }

  /** What has waited too long for its other half: the serving thread knows it by its id alone. */
  expire(): void {
    for (const id of this.#pairing.expire()) {
      const latencyMs = { control: null, candidate: null };
      const named = { id, route: "none", unit: "none" };
      this.#options.onEnded({ ...named, verdict: "not_compared", reason: "engine_lost", differences: [], latencyMs });
    }
  }

  #unit(unit: UnitId, settings: ShadowSettings, { rules, hash, isPlain }: Book): UnitEvidence {
    const isUsual = !isPlain && this.#options.application.identity.mode === "learnt";
    const isLearningIds = settings.isLearningIds ?? isUsual;
    const made = new UnitEvidence({ ...this.#options, unit, isLearningIds }, rules, hash);
    for (const arm of ["control", "candidate"] as const) {
      const build = this.#builds[arm];
      if (build !== undefined) made.setBuild(arm, build);
    }
    return made;
  }

  #judge(halves: Halves | null): void {
    if (halves === null) return;
    const { served, copy } = halves;
    if (copy.kind === "uncopied") {
      this.#notCompared(served, copy.reason);
      return;
    }
    const { facts, loss, result } = served;
    if (loss !== null) return this.#notCompared(served, loss, false);
    if ("error" in result && result.error === "aborted") return this.#notCompared(served, "served_aborted", false);
    const plan = this.#settings?.plans.get(facts.route);
    const unit = plan === undefined ? undefined : this.#units.get(plan.unit);
    if (plan === undefined || unit === undefined) return this.#notCompared(served, "engine_lost");
    const observation = servedObservation(served);
    const pair = armsOf(observation, copy.observation);
    const shadow = copy.observation.arm;
    const changesState = !facts.isSafe && plan.isStateful;
    const atMs = this.#options.clock.now();
    const known = { group: facts.group, changesState, delayMs: copy.delayMs, atMs };
    const judgement = unit.judge(plan, { ...known, shadow }, pair);
    if (judgement === null) return this.#notCompared(served, "no_target");
    if (copy.repeat !== null) unit.learnRepeat(plan, known, pair.control, copy.repeat);
    const { verdict } = judgement;
    this.#end(served, {
      id: facts.id,
      route: plan.id,
      unit: plan.unit,
      verdict: verdict.name,
      reason: verdict.name === "not_compared" ? verdict.reason : null,
      differences: "differences" in verdict ? verdict.differences.map(({ kind, severity }) => [kind, severity]) : [],
      latencyMs: { control: msOf(pair.control), candidate: msOf(pair.candidate) },
    });
  }

  /** @param isUnsent its copy never left, or nobody knows */
  #notCompared(served: Served, reason: NotComparedReason, isUnsent = true): void {
    const { facts } = served;
    const plan = this.#settings?.plans.get(facts.route);
    const unit = plan === undefined ? undefined : this.#units.get(plan.unit);
    if (plan !== undefined && unit !== undefined) {
      unit.skip(plan, reason, this.#options.clock.now());
      if (isUnsent && !facts.isSafe && plan.isStateful) unit.diverge(facts.group); // shadow J2
    }
    this.#end(served, ended(served, plan, reason));
  }

  #end({ facts }: Served, item: EndedItem): void {
    this.#options.onJudged({ id: facts.id, pairs: [], awaited: [] });
    this.#options.onEnded(item);
  }
}

const msOf = (observation: { readonly result: object; readonly totalMs: number }): number | null =>
  "reply" in observation.result ? observation.totalMs : null;

function ended({ facts }: Served, plan: RoutePlan | undefined, reason: NotComparedReason): EndedItem {
  const latencyMs = { control: null, candidate: null };
  const named = { id: facts.id, route: facts.route, unit: plan?.unit ?? "none" };
  return { ...named, verdict: "not_compared", reason, differences: [], latencyMs };
}
