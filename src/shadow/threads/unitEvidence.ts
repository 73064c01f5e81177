// The evidence of one unit (shadow, terms): one campaign at a time, with its own engine, counts, families and keys.
import { hkdfSync } from "node:crypto";
import { type Arm, ARMS, type Clock, type UnitId } from "../../kernel/index.ts";
import { CampaignKeeper } from "../campaign.ts";
import { decode } from "../compare/decode.ts";
import { Engine, type ExchangeFacts, type Judgement, type ObservedPair, type PendingRecheck } from "../engine.ts";
import { createFingerprint, type Fingerprint } from "../evidence/fingerprint.ts";
import { Families, type Family } from "../evidence/families.ts";
import { MinuteCounters } from "../evidence/minuteCounters.ts";
import type { CampaignRow, Checkpoint, FamilyRow, SampleRow } from "../evidence/model.ts";
import { Redactor } from "../evidence/redact.ts";
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
  /** Of this run of this process. */
  readonly process: string;
  /** Fingerprints are made with a key of the campaign that follows from it. */
  readonly printKey: Uint8Array;
  readonly isLearningIds: boolean;
  random(): number;
  onDropped(reason: "full" | "lost" | "redaction_failed"): void;
}

type Sample = unknown;

/** Of an exchange, without what the unit knows. */
export type UnitFacts = Omit<ExchangeFacts, "route" | "groupPrint" | "build">;

export interface Judged {
  readonly judgement: Judgement<Sample>;
  readonly facts: ExchangeFacts;
  /** Learnt by it. */
  readonly pairs: readonly IdPair[];
}

interface Running {
  readonly campaign: CampaignRow;
  readonly engine: Engine<Sample>;
  readonly counters: MinuteCounters;
  readonly families: Families<Sample>;
  readonly ids: IdentityMap;
  readonly groupPrint: Fingerprint;
  /** Not yet stored. */
  readonly samples: SampleRow[];
  /** What the store has, by name. */
  readonly savedFamilies: Map<string, number>;
  readonly ratios: RouteRatios;
}

/** Between two checkpoints; more are not kept. */
const SAMPLES_MAX = 5_000;

export class UnitEvidence {
  readonly #options: EvidenceOptions;
  readonly #keeper: CampaignKeeper;
  #rules: RuleBook;
  #running: Running | null = null;
  #pairs: IdPair[] = [];
  /** Ended, and not yet stored to its last row. */
  readonly #ended: Running[] = [];

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
    if (this.#keeper.setRules(rulesHash)) this.#renew();
  }

  /** Null: no campaign runs yet. What it learns of ids is in `pairs`. */
  judge(plan: RoutePlan, facts: UnitFacts, pair: ObservedPair): Judged | null {
    const running = this.#running;
    if (running === null) return null;
    this.#pairs = [];
    const whole = this.#factsOf(running, plan, facts);
    const judgement = running.engine.judge(whole, pair);
    this.#keep(running, whole, judgement);
    return { judgement, facts: whole, pairs: this.#pairs };
  }

  /** @throws RangeError for one that is settled already */
  settle(pending: PendingRecheck, again: readonly ObservedPair[]): Judgement<Sample> | null {
    const running = this.#running;
    // It was of a campaign that is over.
    if (running === null || pending.facts.build !== running.campaign.candidateBuild) return null;
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

  #keep(running: Running, facts: ExchangeFacts, judgement: Judgement<Sample>): void {
    if (judgement.recheck === null) {
      const isCompared = judgement.verdict.name !== "not_compared" && judgement.verdict.name !== "shadow_failed";
      running.ratios.judged(facts.route.id, isCompared, judgement.confirmed !== null);
    }
    const { groupPrint } = running;
    for (const { family, place, value } of judgement.samples) {
      if (running.samples.length >= SAMPLES_MAX) this.#options.onDropped("full");
      else running.samples.push({ family, place, group: groupPrint(facts.group), atMs: facts.atMs, body: value });
    }
  }

  /** What was judged elsewhere: a turn, a document, a state. Null: no campaign runs yet. */
  add(plan: RouteName, facts: UnitFacts, verdict: Verdict): Verdict | null {
    const running = this.#running;
    if (running === null) return null;
    const whole = this.#factsOf(running, plan, facts);
    const judgement = running.engine.add(whole, verdict);
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

  skip(plan: RoutePlan, reason: NotComparedReason, atMs: number): void {
    this.#running?.engine.skip({ route: plan, atMs }, reason);
  }

  diverge(group: string): void {
    this.#running?.engine.diverge(group);
  }

  /** Seeded again, or gone (shadow J4, J5). */
  forget(group: string): void {
    this.#running?.engine.forget(group);
  }

  get divergedGroups(): number {
    return this.#running?.engine.divergedGroups ?? 0;
  }

  get identityPairs(): number {
    return this.#running?.ids.size ?? 0;
  }

  get families(): Iterable<Family<Sample>> {
    return this.#running?.families.all ?? [];
  }

  /** All that the store lacks, oldest campaign first; `saved` must be told of each that was taken. */
  checkpoints(): readonly { readonly checkpoint: Checkpoint; saved(): void }[] {
    const atMs = this.#options.clock.now();
    const all = [...this.#ended, ...(this.#running === null ? [] : [this.#running])];
    return all.map((running) => {
      const minutes = running.counters.rows();
      const samples = [...running.samples];
      const changed = [...running.families.all].filter((one) => running.savedFamilies.get(one.name) !== stampOf(one));
      const stamps = changed.map((one) => [one.name, stampOf(one)] as const);
      const { campaign } = running;
      const families = changed.map(rowOf);
      return {
        checkpoint: { campaign, process: this.#options.process, atMs, minutes, families, samples },
        saved: () => {
          running.counters.saved(atMs);
          running.samples.splice(0, samples.length);
          for (const [name, stamp] of stamps) running.savedFamilies.set(name, stamp);
          const at = this.#ended.indexOf(running);
          if (at >= 0) this.#ended.splice(at, 1);
        },
      };
    });
  }

  #renew(): void {
    const campaign = this.#keeper.current;
    if (campaign === null) return;
    if (this.#running !== null) this.#ended.push(this.#running);
    this.#running = this.#start(campaign);
  }

  #start(campaign: CampaignRow): Running {
    const { application, clock, process, random, onDropped, isLearningIds, printKey } = this.#options;
    const key = new Uint8Array(hkdfSync("sha256", printKey, campaign.id, "switchyard shadow campaign", 32));
    const redactor = new Redactor(application.redaction, createFingerprint(key, "value"));
    const counters = new MinuteCounters(process, () => onDropped("lost"));
    const families = new Families<Sample>({ random, onDrop: () => onDropped("full") });
    const ids = new IdentityMap({
      now: () => clock.monotonic(),
      onLearnt: (control, candidate) => this.#pairs.push([control, candidate]),
    });
    const mode = isLearningIds ? "learnt" : "declared";
    const engine = new Engine<Sample>({
      rules: this.#rules,
      conditions: application.conditions,
      identity: { map: ids, mode },
      families,
      counters,
      noise: new NoiseModel(),
      sampleOf: (pair, differences) => {
        const told = differences.map(({ template, path, kind, severity, control, candidate }) => {
          return { template, path, kind, severity, control, candidate };
        });
        if (pair === null) return { differences: told };
        try {
          const [control, candidate] = [shapeOf(pair.control, redactor), shapeOf(pair.candidate, redactor)];
          return { differences: told, control, candidate };
        } catch {
          onDropped("redaction_failed"); // shadow P4: the verdict stays, the body goes
          return { differences: told, control: null, candidate: null };
        }
      },
    });
    const groupPrint = createFingerprint(key, "group");
    return {
      campaign,
      engine,
      counters,
      families,
      ids,
      groupPrint,
      samples: [],
      savedFamilies: new Map(),
      ratios: new RouteRatios(),
    };
  }
}

/** Status, names of headers, and the body's shape (shadow P1). */
function shapeOf({ result }: Observation, redactor: Redactor): unknown {
  if ("error" in result) return { error: result.error };
  const { status, headers } = result.reply;
  const decoded = decode(result.reply);
  const body =
    decoded.as === "value"
      ? redactor.redact(decoded.value, "shape")
      : { bytes: decoded.bytes.length, isUndecodable: decoded.isUndecodable };
  return { status, headers: headers.map(([name]) => name), body };
}

/** Changes whenever a row would. */
const stampOf = (family: Family<Sample>): number => family.differing * 8 + STATES.indexOf(family.state) * 2;
const STATES = ["open", "accepted", "fixed", "regressed"];

function rowOf(family: Family<Sample>): FamilyRow {
  const { name, key, severity, state, differing, groups, confirmedBy } = family;
  const { firstSeenMs, lastSeenMs, firstBuild, lastBuild } = family;
  const seen = { firstSeenMs, lastSeenMs, firstBuild, lastBuild };
  return { name, ...key, severity, state, differing, groups, confirmedBy, ...seen };
}

/** By severity and state. */
export function countFamilies(
  families: Iterable<Family<Sample>>,
): readonly { readonly severity: Severity; readonly state: string; readonly count: number }[] {
  const counts = new Map<string, { severity: Severity; state: string; count: number }>();
  for (const { severity, state } of families) {
    const name = `${severity} ${state}`;
    const known = counts.get(name);
    if (known === undefined) counts.set(name, { severity, state, count: 1 });
    else known.count += 1;
  }
  return [...counts.values()].sort((one, other) => (isWorse(one.severity, other.severity) ? -1 : 1));
}

export const armsOf = (served: Observation, shadow: Observation): ObservedPair =>
  served.arm === ARMS[0] ? { control: served, candidate: shadow } : { control: shadow, candidate: served };
