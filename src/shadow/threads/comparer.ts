// Judges what the two other threads bring (shadow I5): pairs the halves, asks the engine of their unit, and says what ended.
import type { Arm, UnitId } from "../../kernel/index.ts";
import type { GroupCounts, RemovedSamples } from "../evidence/model.ts";
import { sumRemoved } from "../evidence/removeSamples.ts";
import type { RoutePlan } from "../plans.ts";
import type { ObservedPair } from "../judgement.ts";
import { Conversations } from "./conversations.ts";
import { endedItem, extraItem, lostItem, msOf, unjudgedItem } from "./endedItems.ts";
import type { NotComparedReason, VerdictName } from "../words.ts";
import type { CompareItem, CopyItem, EndedItem, IdPair, JudgedItem, Missed } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { type MissSource, ASKED_SLACK_MS } from "./knownMisses.ts";
import { isApart, withModelRequest } from "./modelRequest.ts";
import { servedObservation } from "./observations.ts";
import { type CopyHalf, type Halves, Pairing, type Served } from "./pairing.ts";
import { Rechecks } from "./rechecks.ts";
import { armsOf, type UnitEvidence, type UnitFacts } from "./unitEvidence.ts";
import { Units, type UnitsOptions } from "./units.ts";

export interface ComparerOptions extends UnitsOptions {
  onEnded(item: EndedItem): void;
  /** Frames of a socket were taken over. */
  onTaken(id: number, bytes: number): void;
  onSocketEnded(id: number, surface: string, verdict: VerdictName): void;
  onDiverged(unit: UnitId, group: string): void;
  /** For the mirror thread; `isAwaited`: copies, or the verdict, wait for it there. */
  onJudged(item: JudgedItem, isAwaited: boolean): void;
  /** Of the completion cassette. */
  readonly misses: MissSource;
  /** Something that came could not be handled: it is counted as lost, and the thread lives on. */
  onFault(error: unknown): void;
}

export class Comparer {
  readonly #options: ComparerOptions;
  readonly #pairing: Pairing;
  readonly #units: Units;
  readonly #rechecks: Rechecks;
  #settings: ShadowSettings | null = null;
  #isMirrorThere = true;
  readonly conversations: Conversations;

  constructor(options: ComparerOptions) {
    this.#options = options;
    this.#units = new Units(options);
    this.#pairing = new Pairing(() => options.clock.monotonic());
    this.#rechecks = new Rechecks(() => options.clock.monotonic());
    this.conversations = new Conversations({
      clock: options.clock,
      application: options.application,
      misses: options.misses,
      onTaken: options.onTaken,
      onEnd: options.onSocketEnded,
      onDiverged: (plan, group) => options.onDiverged(plan.unit, group),
      onFault: options.onFault,
      onJudged: (plan, verdict) => options.onEnded(extraItem(plan.id, plan.unit, verdict)),
    });
  }

  get units(): ReadonlyMap<UnitId, UnitEvidence> {
    return this.#units.all;
  }

  /** @throws RangeError for a rule that cannot be used; what was in force stays */
  configure(settings: ShadowSettings): void {
    this.#units.configure(settings);
    this.#settings = settings;
  }

  setBuilds(builds: Partial<Readonly<Record<Arm, string>>>): void {
    this.#units.setBuilds(builds);
  }

  /** Of the units that are named; the others seed nothing. */
  setGroups(units: Readonly<Record<UnitId, GroupCounts>>): void {
    for (const [name, unit] of this.units) unit.setGroups(units[name] ?? null);
  }

  /** On request (shadow P5): what no store has of a subject's samples. */
  removeSamples(group: string): RemovedSamples {
    return sumRemoved([...this.units.values()].map((unit) => unit.removeSamples(group)));
  }

  take(item: CompareItem): void {
    try {
      this.#take(item);
    } catch (error) {
      this.#failed(error, item);
    }
  }

  #take(item: CompareItem): void {
    const settings = this.#settings;
    if (settings === null) return this.#lose(item);
    switch (item.kind) {
      case "served":
        this.#judge(this.#pairing.add({ served: item }));
        break;
      case "wrote":
        this.units.get(item.unit)?.noteWrite(item.group, item.atMs);
        break;
      case "skip":
        this.#skip(item);
        break;
      case "skipped": {
        const of = this.#units.rulesOf(item.route);
        of?.unit.skip(of.plan, item.reason, item.atMs, item.count);
        break;
      }
      case "opening": {
        const of = this.#units.rulesOf(item.facts.route);
        if (of === null) this.#lose(item);
        else this.conversations.opening(item, of);
        break;
      }
      default:
        this.conversations.served(item, settings);
    }
  }

  copied(item: CopyItem): void {
    try {
      this.#copied(item);
    } catch (error) {
      this.#failed(error, item);
    }
  }

  #copied(item: CopyItem): void {
    const settings = this.#settings;
    if (settings === null) return;
    if (item.kind === "rechecked") this.#settle(item.id, item.again);
    else if (item.kind === "copied" || item.kind === "uncopied") this.#judge(this.#pairing.add({ copy: item }));
    else this.conversations.copied(item, settings);
  }

  #failed(error: unknown, item: CompareItem | CopyItem): void {
    this.#options.onFault(error);
    this.#lose(item);
  }

  /** Whatever it belongs to has ended: the serving thread must not wait for it. */
  #lose(item: CompareItem | CopyItem): void {
    if (item.kind === "skip" || item.kind === "skipped" || item.kind === "wrote") return;
    const id = "facts" in item ? item.facts.id : item.id;
    if (item.kind === "opening") {
      this.#options.onEnded(lostItem(null, item.facts.route, "none"));
      this.#options.onSocketEnded(id, item.facts.surface, "not_compared");
    } else if (item.kind === "served" || item.kind === "copied" || item.kind === "uncopied") {
      this.#pairing.remove(id);
      this.#options.onEnded(lostItem(id, "none", "none"));
    } else if (item.kind === "rechecked") {
      this.#rechecks.end(id);
      this.#options.onEnded(lostItem(id, "none", "none"));
    } else this.conversations.lose(id, "engine_lost");
  }

  #skip({ route, reason, atMs, isDiverging, group }: Extract<CompareItem, { kind: "skip" }>): void {
    const of = this.#units.rulesOf(route);
    if (of === null) return;
    of.unit.skip(of.plan, reason, atMs);
    if (isDiverging) this.#diverge(of.plan, of.unit, group);
  }

  #diverge(plan: RoutePlan, unit: UnitEvidence, group: string): void {
    unit.diverge(group);
    this.#options.onDiverged(plan.unit, group);
  }

  /** What was before this thread: counted already, but not in the evidence; and what nothing else would tell. */
  missed({ losses, diverged }: Missed): void {
    for (const { route, reason, atMs, count } of losses) {
      const of = this.#units.rulesOf(route);
      of?.unit.skip(of.plan, reason, atMs, count);
    }
    for (const [unit, group] of diverged) this.units.get(unit)?.diverge(group);
  }

  /** The mirror thread has died: what it had is lost (shadow I13). */
  mirrorLost(lastId: number): void {
    this.#isMirrorThere = false;
    for (const served of this.#pairing.withoutCopy(lastId)) this.#notCompared(served, "engine_lost");
    for (const id of this.#rechecks.ids) this.#settleSafely(id, []);
    this.conversations.mirrorLost(lastId);
  }

  /** There is a line to a mirror thread. */
  mirrorFound(): void {
    this.#isMirrorThere = true;
  }

  /** What is open will never be judged (shadow A2). */
  stop(): void {
    this.#options.misses.flush();
    for (const id of this.#rechecks.ids) this.#settleSafely(id, []);
    for (const served of this.#pairing.servedOnly()) this.#notCompared(served, "stopping");
    this.conversations.loseAll("stopping");
  }

  /** What has waited too long for its other half: the serving thread knows it by its id alone. */
  expire(): void {
    for (const { id, served } of this.#pairing.expire()) {
      if (served === null) this.#options.onEnded(lostItem(id, "none", "none"));
      else this.#notCompared(served, "engine_lost");
    }
    for (const id of this.#rechecks.lateIds) this.#settleSafely(id, []);
  }

  #settleSafely(id: number, again: readonly ObservedPair[]): void {
    try {
      this.#settle(id, again);
    } catch (error) {
      this.#failed(error, { kind: "rechecked", id, again });
    }
  }

  /** @param hasLooked the cassette was asked for its misses behind both answers */
  #judge(halves: Halves | null, hasLooked = false): void {
    if (halves === null) return;
    const { served, copy } = halves;
    if (copy.kind === "uncopied") {
      this.#notCompared(served, copy.reason);
      return;
    }
    const { facts, loss, result } = served;
    if (loss !== null) return this.#notCompared(served, loss, false);
    if ("error" in result && result.error === "aborted") return this.#notCompared(served, "served_aborted");
    const of = this.#units.rulesOf(facts.route);
    if (of === null) return this.#notCompared(served, "engine_lost");
    const { plan, unit } = of;
    const observation = servedObservation(served);
    const pair = armsOf(observation, copy.observation);
    const shadow = copy.observation.arm;
    const changesState = !facts.isSafe && plan.isStateful;
    const atMs = this.#options.clock.now();
    const mayRecheck = facts.isSafe && plan.mode === "read" && !this.#rechecks.isFull;
    const known = {
      group: facts.group,
      changesState,
      delayMs: copy.delayMs,
      atMs,
      beganAtMs: facts.leftAtMs,
      mayRecheck,
      rewritten: copy.renamed,
    };
    if (this.#isByModel({ served, copy }, { plan, unit, pair, known: { ...known, shadow }, hasLooked })) return;
    const judged = unit.judge(plan, { ...known, shadow }, pair);
    if (judged === null) return this.#notCompared(served, "no_target", false);
    if (copy.repeat !== null) unit.learnRepeat(judged.facts, pair, copy.repeat);
    const { judgement, pairs } = judged;
    this.#rechecks.countCompared();
    if (plan.isStateful && unit.isDiverged(facts.group)) this.#options.onDiverged(plan.unit, facts.group);
    const latencyMs = { control: msOf(pair.control), candidate: msOf(pair.candidate) };
    if (judgement.recheck === null)
      return this.#end(served, endedItem(served, plan, judgement.verdict, latencyMs), pairs);
    const times = judgement.recheck.isTwice ? 2 : 1;
    this.#rechecks.open(facts.id, { pending: judgement.recheck, served, plan, unit, latencyMs });
    if (!this.#isMirrorThere || !this.#rechecks.mayAsk(times)) this.#settle(facts.id, []);
    else this.#options.onJudged({ id: facts.id, pairs, rechecks: times, isServedWhole: true }, true);
  }

  /** shadow K3. Gives whether that was its verdict, or is still to be asked. */
  #isByModel({ served, copy }: Copied, { plan, unit, pair, known, hasLooked }: Judging): boolean {
    const { misses } = this.#options;
    if (!misses.isOn) return false;
    const { facts } = served;
    const fromMs = facts.leftAtMs + copy.delayMs;
    const found = misses
      .within({
        requestId: facts.requestId,
        fromMs: fromMs - ASKED_SLACK_MS,
        toMs: fromMs + copy.observation.totalMs + ASKED_SLACK_MS,
      })
      // Asked again by us, an arm asks its model again.
      .filter(({ reason }) => reason !== "additional" || copy.repeat === null);
    if (found.length === 0 && (hasLooked || isSame(pair))) return false;
    const verdict = unit.preview(plan, known, pair);
    if (verdict === null) return false;
    if (found.length === 0) {
      const mayFollow = isApart(verdict);
      if (mayFollow) this.#lookFirst({ served, copy });
      return mayFollow;
    }
    const caused = withModelRequest(verdict, found, known.shadow);
    if (caused === verdict) return false;
    const told = unit.add(plan, known, caused, undefined, pair) ?? caused;
    // Of what was not compared nobody knows whether it did the same.
    if (told.name === "not_compared" && known.changesState) this.#diverge(plan, unit, facts.group);
    else if (plan.isStateful && unit.isDiverged(facts.group)) this.#options.onDiverged(plan.unit, facts.group);
    const latencyMs = { control: msOf(pair.control), candidate: msOf(pair.candidate) };
    this.#end(served, endedItem(served, plan, told, latencyMs));
    return true;
  }

  #lookFirst(halves: Copied): void {
    this.#options.misses.look(() => {
      try {
        this.#judge(halves, true);
      } catch (error) {
        this.#failed(error, halves.served);
      }
    });
  }

  #settle(id: number, again: readonly ObservedPair[]): void {
    const known = this.#rechecks.end(id);
    if (known === null) return;
    const { served, plan, unit, pending, latencyMs } = known;
    const judgement = unit.settle(pending, again);
    if (judgement === null) this.#notCompared(served, "engine_lost", false);
    else this.#end(served, endedItem(served, plan, judgement.verdict, latencyMs));
  }

  /** @param isUnsent its copy never left, or nobody knows what both arms have done */
  #notCompared(served: Served, reason: NotComparedReason, isUnsent = true): void {
    const { facts } = served;
    const of = this.#units.rulesOf(facts.route);
    of?.unit.skip(of.plan, reason, this.#options.clock.now());
    // shadow J2
    if (isUnsent && !facts.isSafe && of?.plan.isStateful === true) this.#diverge(of.plan, of.unit, facts.group);
    this.#end(served, unjudgedItem(served, of?.plan, reason));
  }

  #end({ facts, loss, result }: Served, item: EndedItem, pairs: readonly IdPair[] = []): void {
    const isServedWhole = loss === null && "reply" in result;
    this.#options.onJudged({ id: facts.id, pairs, rechecks: 0, isServedWhole }, !facts.isSafe || pairs.length > 0);
    this.#options.onEnded(item);
  }
}

interface Copied {
  readonly served: Served;
  readonly copy: Extract<CopyHalf, { kind: "copied" }>;
}

interface Judging {
  readonly plan: RoutePlan;
  readonly unit: UnitEvidence;
  readonly pair: ObservedPair;
  readonly known: UnitFacts;
  readonly hasLooked: boolean;
}

/** Nothing can be different where status and body are the same, but for headers: those no model decides. */
function isSame({ control, candidate }: ObservedPair): boolean {
  const [one, other] = [control.result, candidate.result];
  if (!("reply" in one) || !("reply" in other)) return false;
  return one.reply.status === other.reply.status && Buffer.compare(one.reply.body, other.reply.body) === 0;
}
