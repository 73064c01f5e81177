// The evidence of one unit (shadow, terms): one campaign at a time, with its own engine, counts, families and keys.
import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import { type Arm, ARMS, type Clock, type RouteId, type UnitId } from "../../kernel/index.ts";
import { CampaignKeeper } from "../campaign.ts";
import { Engine } from "../engine.ts";
import type { ExchangeFacts, Judgement, ObservedPair, PendingRecheck, SeenView } from "../judgement.ts";
import { createFingerprint, createGroupPrint, type Fingerprint, keyOfCampaign } from "../evidence/fingerprint.ts";
import { Families, type Family } from "../evidence/families.ts";
import { MinuteCounters } from "../evidence/minuteCounters.ts";
import type { CampaignRow, GroupCounts, RemovedSamples } from "../evidence/model.ts";
import { Redactor } from "../evidence/redact.ts";
import { type KeptExchange, keptExchange } from "../evidence/keptExchange.ts";
import { sumRemoved } from "../evidence/removeSamples.ts";
import { Series } from "../evidence/series.ts";
import { IdentityMap } from "../identity/identityMap.ts";
import { NoiseModel } from "../noise/noiseModel.ts";
import type { Observation } from "../observation.ts";
import { type RouteRatio, RouteRatios } from "./routeRatios.ts";
import type { RoutePlan } from "../plans.ts";
import type { ShadowApplication } from "../ports.ts";
import type { RuleBook } from "../rules/ruleBook.ts";
import type { RouteName } from "../rules/routeNames.ts";
import type { Verdict } from "../verdict.ts";
import type { IdPair } from "./messages.ts";
import { isWorse, type NotComparedReason, type Severity } from "../words.ts";

export interface EvidenceOptions {
  readonly unit: UnitId;
  readonly application: ShadowApplication;
  readonly clock: Clock;
  /** Names of its runs begin with it. */
  readonly process: string;
  /** Fingerprints are made with a key of the campaign that follows from it. */
  readonly printKey: Uint8Array;
  readonly isLearningIds: boolean;
  random(): number;
  onDropped(reason: "full" | "lost" | "redaction_failed"): void;
}

/** Of an exchange, without what the unit knows. */
export type UnitFacts = Omit<ExchangeFacts, "route" | "groupPrint" | "build">;

export interface Judged {
  readonly judgement: Judgement<KeptExchange>;
  readonly facts: ExchangeFacts;
  /** Learnt by it. */
  readonly pairs: readonly IdPair[];
}

interface Running {
  readonly campaign: CampaignRow;
  readonly engine: Engine<KeptExchange>;
  readonly series: Series<KeptExchange>;
  readonly ids: IdentityMap;
  readonly groupPrint: Fingerprint;
  readonly ratios: RouteRatios;
}

/** That no store has taken; of more the oldest is lost. */
const ENDED_MAX = 4;
const PRINTS_MAX = 10_000;
/** Subjects whose samples were removed while something of theirs may have been open. */
const REMOVED_MAX = 1_000;
/** Of a document, and of the state of both stores, a check may speak that began so long ago (shadow Y3). */
const LOOKING_BACK_MS = 60_000;

export class UnitEvidence {
  readonly #options: EvidenceOptions;
  readonly #keeper: CampaignKeeper;
  #rules: RuleBook;
  /** Of which bodies are kept, redacted (shadow P2). */
  #redacted: ReadonlySet<RouteId> = new Set();
  #running: Running | null = null;
  #pairs: IdPair[] = [];
  #groups: GroupCounts | null = null;
  /** Which campaign asked for a re-check. */
  readonly #askedBy = new WeakMap<PendingRecheck, Running>();
  /** Ended, and not yet stored to its last row. */
  #ended: readonly Series<KeptExchange>[] = [];
  /** Epoch ms, by group. */
  readonly #removedAtMs = new LRUCache<string, number>({ max: REMOVED_MAX });

  constructor(options: EvidenceOptions, rules: RuleBook, rulesHash: string) {
    this.#options = options;
    this.#rules = rules;
    this.#keeper = new CampaignKeeper(options.unit, rulesHash, () => options.clock.now());
  }

  get campaign(): CampaignRow | null {
    return this.#running?.campaign ?? null;
  }

  setBuild(arm: Arm, build: string): void {
    if (this.#keeper.setBuild(arm, build)) this.#renew();
  }

  setRules(rules: RuleBook, rulesHash: string): void {
    this.#rules = rules;
    const before = this.#running?.engine;
    if (!this.#keeper.setRules(rulesHash)) return;
    this.#renew();
    // The same builds: what has gone apart at the target still is.
    for (const group of before?.diverged ?? []) this.diverge(group);
  }

  setRedacted(routes: ReadonlySet<RouteId>): void {
    this.#redacted = routes;
  }

  /** Null: no campaign runs yet. What it learns of ids is in `pairs`. */
  judge(plan: RoutePlan, facts: UnitFacts, pair: ObservedPair): Judged | null {
    const running = this.#running;
    if (running === null) return null;
    this.#pairs = [];
    const whole = this.#factsOf(running, plan, facts);
    const judgement = running.engine.judge(whole, pair);
    this.#keep(running, whole, judgement);
    if (judgement.recheck !== null) this.#askedBy.set(judgement.recheck, running);
    return { judgement, facts: whole, pairs: this.#pairs };
  }

  /** @throws RangeError for one that is settled already */
  settle(pending: PendingRecheck, again: readonly ObservedPair[]): Judgement<KeptExchange> | null {
    const running = this.#running;
    // It was of a campaign that is over, be it that only the rules have changed.
    if (running === null || this.#askedBy.get(pending) !== running) return null;
    const judgement = running.engine.settle(pending, again);
    this.#keep(running, pending.facts, judgement);
    return judgement;
  }

  #factsOf({ campaign, groupPrint }: Running, plan: RouteName, facts: UnitFacts): ExchangeFacts {
    return { ...facts, route: plan, groupPrint: groupPrint(facts.group), build: campaign.candidateBuild };
  }

  get ratios(): readonly RouteRatio[] {
    return this.#running?.ratios.all ?? [];
  }

  #keep(running: Running, facts: ExchangeFacts, judgement: Judgement<KeptExchange>): void {
    if (judgement.recheck === null) {
      const isCompared = judgement.verdict.name !== "not_compared" && judgement.verdict.name !== "shadow_failed";
      running.ratios.judged(facts.route.id, isCompared, judgement.confirmed !== null);
    }
    const { groupPrint, series } = running;
    const removedAtMs = this.#removedAtMs.get(facts.group) ?? Number.NEGATIVE_INFINITY;
    if ((facts.beganAtMs ?? facts.atMs - LOOKING_BACK_MS) <= removedAtMs) return;
    const elsewhere = this.#ended.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { family, place, value } of judgement.samples) {
      const sample = { family, place, group: groupPrint(facts.group), atMs: facts.atMs, body: value.shape };
      if (!series.keep(sample, value.bodies, elsewhere)) this.#options.onDropped("full");
    }
  }

  /** What the rules alone say of it; nothing is learnt or counted. Null: it is not compared. */
  preview(plan: RouteName, facts: UnitFacts, pair: ObservedPair): Verdict | null {
    const running = this.#running;
    return running === null ? null : running.engine.preview(this.#factsOf(running, plan, facts), pair);
  }

  /**
   * What was judged elsewhere: a turn, a document, a state, a call by its cause. Null: no campaign runs yet.
   * @param view asked at once, or never @param pair null: it was no call
   */
  add(
    plan: RouteName,
    facts: UnitFacts,
    verdict: Verdict,
    view: () => SeenView = () => ({}),
    pair: ObservedPair | null = null,
  ): Verdict | null {
    const running = this.#running;
    if (running === null) return null;
    const whole = this.#factsOf(running, plan, facts);
    const judgement = running.engine.add(whole, verdict, view, pair);
    this.#keep(running, whole, judgement);
    return judgement.verdict;
  }

  isDiverged(group: string): boolean {
    return this.#running?.engine.isDiverged(group) === true;
  }

  /** Behind `judge`. */
  learnRepeat(facts: ExchangeFacts, pair: ObservedPair, repeat: Observation): void {
    const running = this.#running;
    if (running !== null) running.ratios.repeated(facts.route.id, running.engine.learnRepeat(facts, pair, repeat));
  }

  noteWrite(group: string, atMs: number): void {
    this.#running?.engine.noteWrite(group, atMs);
  }

  lastWriteMs(group: string): number {
    return this.#running?.engine.lastWriteMs(group) ?? Number.NEGATIVE_INFINITY;
  }

  skip(plan: RoutePlan, reason: NotComparedReason, atMs: number, count = 1): void {
    this.#running?.engine.skip({ route: plan, atMs }, reason, count);
  }

  diverge(group: string): void {
    this.#running?.engine.diverge(group);
  }

  /** On request (shadow P5): those that no store has. Of what began before nothing is kept later. */
  removeSamples(group: string): RemovedSamples {
    this.#removedAtMs.set(group, this.#options.clock.now());
    const removed = this.series.map((series) => {
      const { id } = series.campaign;
      const samples = series.removeGroup(createGroupPrint(this.#options.printKey, id)(group));
      return { samples, campaigns: samples === 0 ? [] : [id] };
    });
    return sumRemoved(removed);
  }

  /** Seeded again, or gone (shadow J4, J5). */
  forget(group: string): void {
    this.#running?.engine.forget(group);
  }

  /** Null: its groups are not seeded. */
  setGroups(groups: GroupCounts | null): void {
    this.#groups = groups;
    this.#running?.series.setGroups(groups);
  }

  get divergedGroups(): number {
    return this.#running?.engine.divergedGroups ?? 0;
  }

  get identityPairs(): number {
    return this.#running?.ids.size ?? 0;
  }

  get families(): Iterable<Family<KeptExchange>> {
    return this.#running?.series.families.all ?? [];
  }

  /** Those that the store lacks something of, in the order in which they began. */
  get series(): readonly Series<KeptExchange>[] {
    this.#ended = this.#ended.filter(({ isOver }) => !isOver);
    return [...this.#ended, ...(this.#running === null ? [] : [this.#running.series])];
  }

  #renew(): void {
    const campaign = this.#keeper.current;
    if (campaign === null) return;
    if (this.#running !== null) {
      this.#running.series.end();
      const ended = [...this.#ended.filter(({ isOver }) => !isOver), this.#running.series];
      for (const _ of ended.slice(0, -ENDED_MAX)) this.#options.onDropped("lost");
      this.#ended = ended.slice(-ENDED_MAX);
    }
    this.#running = this.#start(campaign);
  }

  #start(campaign: CampaignRow): Running {
    const { application, clock, process, random, onDropped, isLearningIds, printKey } = this.#options;
    const redactor = new Redactor(
      application.redaction,
      createFingerprint(keyOfCampaign(printKey, campaign.id), "value"),
    );
    // Nobody may have had it: neither an earlier run of the campaign, nor this thread before it was started again.
    const name = `${process}.${randomUUID().slice(0, 8)}`;
    const counters = new MinuteCounters(name, () => onDropped("lost"));
    const families = new Families<KeptExchange>({ random, onDrop: () => onDropped("full") });
    const ids = new IdentityMap({
      now: () => clock.monotonic(),
      onLearnt: (control, candidate) => this.#pairs.push([control, candidate]),
    });
    const mode = isLearningIds ? "learnt" : "declared";
    const engine = new Engine<KeptExchange>({
      rules: this.#rules,
      conditions: application.conditions,
      identity: { map: ids, mode },
      families,
      counters,
      noise: new NoiseModel(),
      sampleOf: (seen) => {
        const policy = this.#redacted.has(seen.route) ? "redacted" : "shape";
        return keptExchange(seen, policy, redactor, () => onDropped("redaction_failed"));
      },
    });
    const groupPrint = remembered(createGroupPrint(printKey, campaign.id));
    const series = new Series<KeptExchange>({ process: name, campaign, counters, families });
    series.setGroups(this.#groups);
    return { campaign, engine, series, ids, groupPrint, ratios: new RouteRatios() };
  }
}

/** Groups come again and again. */
function remembered(print: Fingerprint): Fingerprint {
  const known = new LRUCache<string, string>({ max: PRINTS_MAX });
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = print(text);
    known.set(text, made);
    return made;
  };
}

/** By severity and state. What only the build before has shown is no finding of this one, unless that it is gone. */
export function countFamilies(
  families: Iterable<Family<KeptExchange>>,
): readonly { readonly severity: Severity; readonly state: string; readonly count: number }[] {
  const counts = new Map<string, { severity: Severity; state: string; count: number }>();
  for (const { severity, state, isCarried } of families) {
    if (isCarried && state !== "fixed") continue;
    const name = `${severity} ${state}`;
    const known = counts.get(name);
    if (known === undefined) counts.set(name, { severity, state, count: 1 });
    else known.count += 1;
  }
  return [...counts.values()].sort((one, other) => (isWorse(one.severity, other.severity) ? -1 : 1));
}

export const armsOf = (served: Observation, shadow: Observation): ObservedPair =>
  served.arm === ARMS[0] ? { control: served, candidate: shadow } : { control: shadow, candidate: served };
