// The shadow of one serving process: what it decides on the spot, its two threads, and its metrics.
import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Config } from "../../config/index.ts";
import { type Arm, ARMS, type Clock, type Subject, type UnitId } from "../../kernel/index.ts";
import type { Metrics } from "../../metrics/index.ts";
import type { Builds } from "../campaign.ts";
import type { CallTap, LeavingLeg, Mirror, ProxyLog, SamplesRemoved, SocketTap } from "../../proxy/ports.ts";
import { hopOf, isHop } from "../mirror/hop.ts";
import { Pressure } from "../mirror/pressure.ts";
import { compilePlans } from "../plans.ts";
import type { ShadowApplication } from "../ports.ts";
import { Batch, BRISK, LEISURELY } from "../threads/batch.ts";
import type { CompareItem, FromCompare, FromMirror, MirrorItem, ToCompare } from "../threads/messages.ts";
import type { ShadowSettings } from "../threads/shadowSettings.ts";
import { readRuleFiles } from "../rules/ruleFiles.ts";
import { Gauges } from "./gauges.ts";
import { Groups } from "./groups.ts";
import { Removals } from "./removals.ts";
import { SeedAhead } from "./seedAhead.ts";
import { ServingMirror } from "./servingMirror.ts";
import { aheadOf, settingsOf } from "./settings.ts";
import { type ThreadName, THREADS, Threads } from "./threads.ts";

export interface ShadowMirrorOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Pick<ProxyLog, "event">;
  readonly application: Pick<ShadowApplication, "mirroring" | "build">;
  /** Runs the threads. */
  readonly entry: URL;
  /** Of the evidence. */
  readonly file: string;
  readonly printKey: Uint8Array;
  /** The same for all processes of the installation. */
  readonly installationKey: Uint8Array;
  /** Where the subject's next call goes; null: that cannot be said. */
  armOf(unit: UnitId, subject: Subject): Arm | null;
}

/** shadow A2. */
const STOP_MS = 5_000;
/** shadow I12. */
const LOOK_MS = 10_000;
const P99 = 99;
const LOOP_MS = 10;
const TICK_MS = 250;
const NS_PER_MS = 1e6;

/** @throws RuleProblems for rule files that cannot be used */
export function createShadowMirror(options: ShadowMirrorOptions): Mirror {
  return new ShadowMirror(options);
}

class ShadowMirror implements Mirror {
  readonly #options: ShadowMirrorOptions;
  readonly #serving: ServingMirror;
  readonly #groups: Groups;
  readonly #ahead: SeedAhead;
  readonly #removals: Removals;
  readonly #gauges: Gauges;
  readonly #hop: string;
  readonly #pressure = new Pressure();
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_MS });
  readonly #toMirror: Batch<MirrorItem>;
  readonly #toCompare: Batch<CompareItem>;
  #threads: Threads | null = null;
  #settings: ShadowSettings;
  /** As the mirror thread has read them last: a new compare thread has to know. */
  #builds: Partial<Builds> = {};
  /** It has its settings. */
  #isCompareThere = false;
  #lookedAtMs: number;
  #yieldAboveMs: number | undefined;
  #isOn = false;
  #cancelTick = (): void => {};
  #stopping: Promise<void> | null = null;

  constructor(options: ShadowMirrorOptions) {
    const { clock, metrics, config } = options;
    this.#options = options;
    this.#gauges = new Gauges(metrics);
    this.#hop = hopOf(options.installationKey);
    this.#lookedAtMs = clock.monotonic();
    this.#toMirror = new Batch((items, transfer) => this.#threads?.toMirror({ type: "items", items }, transfer), BRISK);
    this.#toCompare = new Batch((items, transfer) => {
      if (this.#isCompareThere) this.#threads?.toCompare({ type: "items", items }, transfer);
      else this.#serving.missed.untaken(items);
    }, LEISURELY);
    this.#groups = new Groups({
      clock,
      isBusy: (unit, group) => this.#serving.isBusy(unit, group),
      seed: (wish) => this.#tellCompare({ type: "seed", wish }),
      check: (wish) => this.#tellCompare({ type: "check", wish }),
    });
    this.#removals = new Removals({
      clock,
      ask: (id, group) => this.#tellCompare({ type: "remove-samples", id, group }),
    });
    this.#ahead = new SeedAhead({
      clock,
      groups: this.#groups,
      armOf: (unit, subject) => options.armOf(unit, subject),
      list: (wish) => this.#tellCompare({ type: "list", wish }),
    });
    this.#serving = new ServingMirror({
      clock,
      metrics,
      groups: this.#groups,
      pressure: this.#pressure,
      random: Math.random,
      toMirror: (item, bytes) => {
        // Of a place in the order nobody needs to know before a copy takes one.
        if (item.kind === "arrive") return this.#toMirror.append(item);
        this.#toMirror.add(item, bytes);
        if (item.kind !== "offer" || !item.facts.isSafe) this.#toMirror.hurry();
      },
      toCompare: (item, bytes) => {
        this.#toCompare.add(item, bytes);
        // The copies behind a write may need the ids that its judgement brings (shadow M3).
        if (item.kind === "served" && !item.facts.isSafe) this.#toCompare.hurry();
      },
    });
    this.#yieldAboveMs = config.shadow?.yieldAboveMs;
    this.#settings = this.#read(config);
    this.#apply();
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  call(leg: LeavingLeg, hasBody: boolean): CallTap | null {
    return this.#serving.call(leg, hasBody);
  }

  socket(leg: LeavingLeg): SocketTap | null {
    return this.#serving.socket(leg);
  }

  isOwnHop(hop: string): boolean {
    return isHop(hop, this.#hop);
  }

  look(inFlight: number, inFlightMax: number): void {
    const { clock, metrics } = this.#options;
    if (!this.#isOn) return;
    metrics.shadowAccountingGap.set(this.#serving.accounting.gap);
    metrics.shadowTapBytes.set(this.#serving.credits.bytes);
    if (clock.monotonic() - this.#lookedAtMs < LOOK_MS) return;
    this.#lookedAtMs = clock.monotonic();
    // What Node records are the times between two looks: of an idle loop those are its resolution.
    const eventLoopDelayP99Ms = Math.max(0, this.#loop.percentile(P99) / NS_PER_MS - LOOP_MS);
    this.#loop.reset();
    this.#pressure.look({ eventLoopDelayP99Ms, inFlight, inFlightMax }, this.#yieldAboveMs);
  }

  async removeSamples(subject: Subject): Promise<SamplesRemoved> {
    const { storeUrl = null } = this.#options.config.shadow ?? {};
    if (this.#stopping !== null) return { samples: 0, campaigns: [], file: null, failure: "stopping" };
    // Without a thread nothing is in memory, and nobody writes.
    if (!this.#isCompareThere) return { samples: 0, campaigns: [], file: null, failure: null };
    const removed = await this.#removals.remove(subject);
    return { ...removed, file: storeUrl === null ? basename(this.#options.file) : null };
  }

  configure(config: Config): void {
    if (this.#stopping !== null) return;
    this.#yieldAboveMs = config.shadow?.yieldAboveMs;
    this.#settings = this.#read(config);
    this.#apply();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#isOn = false;
    this.#cancelTick();
    this.#loop.disable();
    this.#serving.flush();
    this.#toMirror.flush();
    this.#toCompare.flush();
    this.#tellGroups();
    await this.#threads?.stop(STOP_MS);
    this.#serving.lost("stopping");
    this.#options.metrics.shadowAccountingGap.set(this.#serving.accounting.gap);
  }

  #read(config: Config): ShadowSettings {
    const { application } = this.#options;
    const rules = readRuleFiles(config.shadow?.rules ?? []);
    return settingsOf(config, this.#hop, compilePlans(config, application.mirroring), rules, application.build);
  }

  #apply(): void {
    const { plans } = this.#settings;
    this.#serving.configure(this.#settings);
    this.#ahead.configure(aheadOf(this.#settings, this.#builds));
    const isOn = [...plans.values()].some(({ samplePercent, mode }) => samplePercent > 0 && mode !== "never");
    if (isOn && !this.#isOn) this.#loop.enable();
    this.#isOn = isOn;
    // What was taken under the settings before is handed over before the new ones.
    this.#serving.flush();
    this.#toMirror.flush();
    this.#toCompare.flush();
    if (this.#threads !== null) for (const thread of THREADS) this.#configure(thread);
    else if (isOn) this.#threads = this.#start();
    this.#cancelTick();
    if (isOn && this.#settings.seeds !== null) this.#tick();
  }

  /** Groups that are at rest get what they wait for (shadow J1, J3). */
  #tick(): void {
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => {
      if (this.#threads?.areRunning === true) {
        this.#groups.tick();
        this.#ahead.tick();
      }
      this.#tick();
    });
  }

  /** For the evidence: they are known here only, and a report is asked when nothing runs any more. */
  #tellGroups(): void {
    const seeded = [...this.#settings.plans.values()].filter(({ isStateful }) => isStateful);
    const units = this.#settings.seeds === null ? [] : seeded.map(({ unit }) => unit);
    this.#threads?.toCompare({ type: "groups", units: this.#groups.countsOf(units) });
  }

  #start(): Threads {
    const { clock, entry, file, printKey, log } = this.#options;
    const { storeUrl = null, bodyKey = null, bodyRingBytes = 0 } = this.#options.config.shadow ?? {};
    const bodies = bodyKey === null ? null : { key: Buffer.from(bodyKey, "hex"), bytesMax: bodyRingBytes };
    const threads = new Threads({
      clock,
      entry,
      data: { file, process: randomUUID(), printKey, storeUrl, bodies },
      onMirror: (message) => this.#fromMirror(message),
      onCompare: (message) => this.#fromCompare(message),
      onStarted: (thread) => queueMicrotask(() => this.#started(thread)),
      onDied: (thread) => {
        log.event("shadow.thread.died", { thread }, "error");
        this.#died(thread);
      },
    });
    threads.start();
    return threads;
  }

  #started(thread: ThreadName): void {
    this.#configure(thread);
    if (thread === "compare") {
      this.#gauges.begin();
      this.#isCompareThere = true;
      this.#tellCompare({ type: "builds", builds: this.#builds });
      this.#tellCompare({ type: "missed", ...this.#serving.missed.take() });
    }
    this.#serving.setRunning(this.#threads?.areRunning === true);
  }

  #configure(thread: ThreadName): void {
    const message = { type: "settings", settings: this.#settings } as const;
    if (thread === "mirror") this.#threads?.toMirror(message);
    else this.#tellCompare(message);
  }

  /** Behind everything that was said before. */
  #tellCompare(message: ToCompare): void {
    this.#toCompare.flush();
    this.#threads?.toCompare(message);
  }

  /** Its open jobs are lost (shadow I13). */
  #died(thread: ThreadName): void {
    this.#serving.setRunning(false);
    if (thread === "compare") this.#isCompareThere = false;
    // To a thread that is gone: a new one must not get half of what the old one had.
    (thread === "mirror" ? this.#toMirror : this.#toCompare).flush();
    if (thread === "mirror") this.#tellCompare({ type: "mirror-lost", lastId: this.#serving.lastId });
    else {
      this.#serving.lost("engine_lost");
      this.#ahead.lost();
      this.#removals.lost();
    }
  }

  #fromMirror(message: FromMirror): void {
    const { metrics, log } = this.#options;
    switch (message.type) {
      case "targets":
        this.#serving.setTargets(message.targets);
        for (const arm of ARMS) metrics.shadowCircuit.set({ arm }, CIRCUITS.indexOf(message.targets[arm].circuit));
        break;
      case "copies":
        for (const [unit, mode, count] of message.sent) metrics.shadowCopies.inc({ unit, mode }, count);
        for (const outcome of ["answered", "failed"] as const) {
          if (message.repeats[outcome] > 0) metrics.shadowRepeats.inc({ outcome }, message.repeats[outcome]);
        }
        if (message.identityWaits > 0) metrics.shadowIdentityWaits.inc(message.identityWaits);
        metrics.shadowInflight.set(message.inFlight);
        break;
      case "builds":
        for (const arm of ARMS) {
          const build = message.builds[arm];
          if (build === undefined || build === this.#builds[arm]) continue;
          this.#builds = { ...this.#builds, [arm]: build };
          this.#serving.missed.forgetDiverged();
        }
        this.#ahead.configure(aheadOf(this.#settings, this.#builds));
        this.#tellCompare(message);
        break;
      case "event":
        log.event(message.event, message.fields, message.level);
        break;
      case "stopped":
        break;
    }
  }

  #fromCompare(message: FromCompare): void {
    const { metrics, log } = this.#options;
    switch (message.type) {
      case "ended":
        this.#serving.ended(message.items);
        break;
      case "taken":
        this.#serving.taken(message.frames);
        break;
      case "socket-ended":
        this.#serving.socketEnded(message.id);
        metrics.shadowConversations.inc({ surface: message.surface, verdict: message.verdict });
        break;
      case "seeded":
        this.#groups.seeded(message.wish);
        this.#serving.missed.seeded(message.wish.unit, message.wish.group);
        break;
      case "seed-failed":
        this.#groups.seedFailed(message.wish);
        break;
      case "check-put-off":
        this.#groups.checkPutOff(message.wish);
        break;
      case "listed":
        this.#ahead.listed(message.wish, message.subjects);
        break;
      case "checked":
        metrics.shadowStateChecks.inc({ unit: message.unit, verdict: message.verdict });
        break;
      case "diverged":
        this.#serving.diverged(message.unit, message.group);
        break;
      case "gauges":
        this.#gauges.show(message.gauges, this.#groups.counts(), this.#settings.seeds !== null);
        this.#tellGroups();
        break;
      case "samples-removed":
        this.#removals.answered(message.id, message.removed);
        break;
      case "event":
        log.event(message.event, message.fields, message.level);
        break;
      case "stopped":
        break;
    }
  }
}

const CIRCUITS = ["closed", "open", "trying"];
