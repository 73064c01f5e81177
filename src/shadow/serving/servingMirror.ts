// The serving thread's end of the shadow (shadow §1): decides in a few steps what is copied, hands it over, and never waits.
import type { Arm, Clock, UnitId } from "../../kernel/index.ts";
import type { Metrics } from "../../metrics/index.ts";
import type { CallTap, LeavingLeg, SocketTap } from "../../proxy/ports.ts";
import { Accounting } from "../accounting.ts";
import { BodyTap } from "../mirror/bodyTap.ts";
import { Credits } from "../mirror/credits.ts";
import type { Pressure } from "../mirror/pressure.ts";
import type { Plans, RoutePlan } from "../plans.ts";
import { isSampled } from "../sampling.ts";
import type { CompareItem, EndedItem, JobFacts, MirrorItem, ShadowSettings, TargetState } from "../threads/messages.ts";
import type { NotComparedReason } from "../words.ts";
import { Budget } from "./budget.ts";
import { ServedCallTap } from "./callTap.ts";
import { OpenJobs } from "./openJobs.ts";
import type { Groups } from "./groups.ts";
import { ServedSocketTap } from "./socketTap.ts";
import { RecentWrites } from "./recentWrites.ts";

export interface ServingMirrorOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly pressure: Pressure;
  readonly groups: Groups;
  random(): number;
  toMirror(item: MirrorItem, bytes: Uint8Array<ArrayBuffer> | null): void;
  toCompare(item: CompareItem, bytes: Uint8Array<ArrayBuffer> | null): void;
}

const OTHER: Readonly<Record<Arm, Arm>> = { control: "candidate", candidate: "control" };
const NO_TARGET: TargetState = { guard: "none", circuit: "closed", restsUntilMs: 0 };
const MS_PER_S = 1_000;

export class ServingMirror {
  readonly accounting = new Accounting();
  readonly credits = new Credits();
  readonly #options: ServingMirrorOptions;
  readonly #jobs: OpenJobs;
  readonly #budget: Budget;
  readonly #writes: RecentWrites;
  #plans: Plans = new Map();
  #repeatsShare = 0;
  #hasSeeds = false;
  readonly #groups: Groups;
  readonly #sockets = new Map<number, ServedSocketTap>();
  #targets: Readonly<Record<Arm, TargetState>> = { control: NO_TARGET, candidate: NO_TARGET };
  /** The threads are there. */
  #isRunning = true;

  constructor(options: ServingMirrorOptions) {
    this.#options = options;
    this.#jobs = new OpenJobs(this.credits);
    this.#budget = new Budget(options.clock);
    this.#writes = new RecentWrites(options.clock);
    this.#groups = options.groups;
  }

  /** Takes effect with the next call (shadow S1). */
  configure({ plans, repeatsShare, seeds }: Pick<ShadowSettings, "plans" | "repeatsShare" | "seeds">): void {
    this.#hasSeeds = seeds !== null;
    this.#plans = plans;
    this.#repeatsShare = repeatsShare;
  }

  setTargets(targets: Readonly<Record<Arm, TargetState>>): void {
    this.#targets = targets;
  }

  /** Without threads everything sampled is counted as lost. */
  setRunning(isRunning: boolean): void {
    this.#isRunning = isRunning;
  }

  get open(): number {
    return this.#jobs.size;
  }

  call(leg: LeavingLeg, hasBody: boolean): CallTap | null {
    try {
      return this.#call(leg, hasBody);
    } catch {
      return null; // shadow I1; the accounting's gap says that something is wrong
    }
  }

  socket(leg: LeavingLeg): SocketTap | null {
    try {
      return this.#socket(leg);
    } catch {
      return null; // shadow I1
    }
  }

  /** What the compare thread has judged. */
  ended(items: readonly EndedItem[]): void {
    for (const item of items) {
      if (item.id !== null) {
        if (this.#jobs.end(item.id)) this.#judged(item);
        continue;
      }
      // Only the thread that judged it has seen it: offered and judged in one.
      this.accounting.offer("sampled");
      this.#options.metrics.shadowOffered.of({ unit: item.unit }).count++;
      this.#options.metrics.shadowSampled.of({ route: item.route }).count++;
      this.#judged(item);
    }
  }

  /** Frames of sockets were taken over. */
  taken(frames: readonly (readonly [id: number, bytes: number])[]): void {
    for (const [id, bytes] of frames) this.#sockets.get(id)?.taken(bytes);
  }

  socketEnded(id: number): void {
    this.#sockets.get(id)?.release();
    this.#sockets.delete(id);
    this.#jobs.end(id);
  }

  /** Of groups of stateful units. */
  get groups(): Groups {
    return this.#groups;
  }

  /** The compare thread is gone, and with it whatever was open (shadow I13). */
  lost(reason: "engine_lost" | "stopping"): void {
    // Turns of sockets are told one by one, and those that were are accounted for.
    for (const { id, unit } of this.#jobs.endAll()) if (!this.#sockets.has(id)) this.#notCompared(unit, reason);
    for (const socket of this.#sockets.values()) socket.release();
    this.#sockets.clear();
  }

  #call(leg: LeavingLeg, hasBody: boolean): CallTap | null {
    const { clock, metrics } = this.#options;
    const startedMs = clock.monotonic();
    const plan = this.#plans.get(leg.route.id);
    if (plan === undefined) return null;
    metrics.shadowOffered.of({ unit: plan.unit }).count++;
    const isSafe = leg.method === "GET" || leg.method === "HEAD";
    const group = leg.subject ?? `call ${leg.requestId}`;
    if (!isSafe) this.#noteWrite(plan, group);
    if (plan.mode === "never" || (plan.mode === "read" && !isSafe)) {
      this.accounting.offer("unsafe");
      metrics.shadowNotCompared.inc({ unit: plan.unit, reason: "unsafe_write" });
      return null;
    }
    const isIn = this.#isIn(plan, leg, group);
    const ended = this.#follow(plan, leg, group, isSafe);
    if (!isIn) {
      this.accounting.offer("not_sampled");
      return ended === null ? null : { ...NO_TAP, end: ended };
    }
    this.accounting.offer("sampled");
    metrics.shadowSampled.of({ route: plan.id }).count++;
    const tap = withEnd(this.#take(plan, leg, { group, isSafe, hasBody }), ended);
    metrics.shadowOfferSeconds.of({}).observe((clock.monotonic() - startedMs) / MS_PER_S);
    return tap;
  }

  /** Mirrored or not: what is read behind it may be overtaken. */
  #noteWrite({ unit, samplePercent }: RoutePlan, group: string): void {
    this.#writes.note(unit, group);
    if (!isSampled(unit, group, samplePercent)) return;
    this.#options.toCompare({ kind: "wrote", unit, group, atMs: this.#options.clock.now() }, null);
  }

  #socket(leg: LeavingLeg): SocketTap | null {
    const { clock, metrics, toMirror, toCompare } = this.#options;
    const plan = this.#plans.get(leg.route.id);
    if (plan === undefined || leg.subject === null) return null;
    const group = leg.subject;
    const unseen = (): SocketTap | null => this.#unseenSocket(plan, leg, group);
    if (plan.mode !== "sandbox") {
      metrics.shadowOffered.of({ unit: plan.unit }).count++;
      this.accounting.offer("unsafe");
      metrics.shadowNotCompared.inc({ unit: plan.unit, reason: "unsafe_write" });
      return unseen();
    }
    if (!this.#isIn(plan, leg, group)) {
      metrics.shadowOffered.of({ unit: plan.unit }).count++;
      this.accounting.offer("not_sampled");
      return unseen();
    }
    const reason = this.#reasonAgainst(plan, leg, group);
    const job = reason === null ? this.#jobs.open(plan.id, plan.unit) : null;
    if (job === null) {
      metrics.shadowOffered.of({ unit: plan.unit }).count++;
      metrics.shadowSampled.of({ route: plan.id }).count++;
      this.accounting.offer("sampled");
      this.#skipAtOnce(plan, group, reason ?? "queue_full", true);
      return unseen();
    }
    // The socket itself is no exchange: its handshake, turns and close are told when they are judged (shadow A1).
    const { id } = job;
    const surface = plan.surface ?? "";
    const facts = { id, route: plan.id, group, served: leg.arm, isSafe: false, leftAtMs: clock.now(), surface };
    const target = leg.targetFor(OTHER[leg.arm]);
    toCompare({ kind: "opening", facts, document: `${group}\n${target.split("?")[0]}` }, null);
    const copy = { method: "GET", target, headers: leg.headers, body: null, hasSubject: true, servedFirstByteMs: null };
    toMirror({ kind: "open", facts, copy }, null);
    const isFollowed = this.#needsSeed(plan, leg);
    const ended = isFollowed ? this.#groups.begin(plan.unit, group, leg.arm, false, true) : () => {};
    const tap = new ServedSocketTap({
      facts,
      credits: this.credits,
      now: () => clock.now(),
      toMirror,
      toCompare,
      onFrame: () => {
        if (isFollowed) this.#groups.frame(plan.unit, group, leg.arm, true);
      },
      onEnd: ended,
    });
    this.#sockets.set(id, tap);
    return tap;
  }

  /** It changes what only the served arm has: its group is at rest when it has closed (shadow J1). */
  #unseenSocket(plan: RoutePlan, leg: LeavingLeg, group: string): SocketTap | null {
    if (!this.#needsSeed(plan, leg)) return null;
    const ended = this.#groups.beginUnseen(plan.unit, group, leg.arm);
    return { opened() {}, refused: ended, failed: ended, fromClient() {}, fromArm() {}, closed: ended };
  }

  #isIn(plan: RoutePlan, leg: LeavingLeg, group: string): boolean {
    if (!isSampled(plan.unit, group, plan.samplePercent)) return false;
    return !this.#needsSeed(plan, leg) || this.#groups.standing(plan.unit, group) !== "waiting";
  }

  #needsSeed(plan: RoutePlan, leg: LeavingLeg): boolean {
    return plan.isStateful && leg.subject !== null && this.#hasSeeds;
  }

  /** Of a stateful unit's group that is, or may come to be, compared: when it is at rest (shadow J1). */
  #follow(plan: RoutePlan, leg: LeavingLeg, group: string, isSafe: boolean): (() => void) | null {
    if (!this.#needsSeed(plan, leg) || !isSampled(plan.unit, group, plan.samplePercent)) return null;
    return this.#groups.begin(plan.unit, group, leg.arm, !isSafe);
  }

  #take(
    plan: RoutePlan,
    leg: LeavingLeg,
    { group, isSafe, hasBody }: { group: string; isSafe: boolean; hasBody: boolean },
  ): CallTap | null {
    const { clock, random, toMirror, toCompare } = this.#options;
    const reason = this.#reasonAgainst(plan, leg, group);
    const job = reason === null ? this.#jobs.open(plan.id, plan.unit) : null;
    if (job === null) {
      this.#skipAtOnce(plan, group, reason ?? "queue_full", !isSafe);
      return null;
    }
    const { id } = job;
    const facts: JobFacts = { id, route: plan.id, group, served: leg.arm, isSafe, leftAtMs: clock.now() };
    const request = hasBody ? new BodyTap(this.credits, plan.tapBytes) : null;
    const response = new BodyTap(this.credits, plan.tapBytes);
    job.taps.push(response);
    if (request !== null) job.taps.push(request);
    toMirror({ kind: "arrive", id, group, isBarrier: !isSafe }, null);
    const isRepeated =
      isSafe && plan.mode === "read" && random() < this.#repeatsShare && this.#options.pressure.share === 1;
    return new ServedCallTap({
      facts,
      leg,
      request,
      response,
      now: () => clock.monotonic(),
      offer: (copy) => toMirror({ kind: "offer", facts, copy, isRepeated }, copy.body),
      skip: (why) => {
        toMirror({ kind: "drop", id }, null);
        this.#skip(plan, id, group, why, !isSafe);
      },
      served: (item) => toCompare(item, "reply" in item.result ? item.result.reply.body : null),
    });
  }

  /** null: it may leave. */
  #reasonAgainst(plan: RoutePlan, leg: LeavingLeg, group: string): NotComparedReason | null {
    const { pressure, clock } = this.#options;
    if (!this.#isRunning) return "engine_lost";
    const shadow = OTHER[leg.arm];
    const target = this.#targets[shadow];
    const isAtTarget = plan.isStateful || target.guard !== "none";
    if (isAtTarget) {
      if (target.guard === "none" || target.guard === "asking") return "no_target";
      if (target.guard === "unsafe") return "target_unsafe";
      if (target.guard === "unreachable") return "target_down";
    }
    if (target.circuit === "open" && clock.now() < target.restsUntilMs) return "circuit_open";
    if (this.#needsSeed(plan, leg)) {
      const standing = this.#groups.standing(plan.unit, group);
      if (standing === "lost") return "unseeded";
      if (standing === "diverged") return "diverged"; // the target gets its state anew one day (shadow J4)
    }
    // The other arm lacks what was written here a moment ago (shadow W3).
    if (!isAtTarget && leg.subject !== null && this.#writes.isRecent(plan.unit, group)) return "unseeded";
    if (!isSampled(plan.unit, group, pressure.ratePercent(plan.samplePercent))) return "pressure";
    return this.#budget.take(plan.id, plan.copiesPerMinute) ? null : "budget";
  }

  /** No credit was taken: counted here and in the evidence, by a job of no weight. */
  #skipAtOnce(plan: RoutePlan, group: string, reason: NotComparedReason, isWrite: boolean): void {
    this.#notCompared(plan.unit, reason);
    this.#toEvidence(plan, 0, group, reason, isWrite);
  }

  #skip(plan: RoutePlan, id: number, group: string, reason: NotComparedReason, isWrite: boolean): void {
    if (!this.#jobs.end(id)) return;
    this.#notCompared(plan.unit, reason);
    this.#toEvidence(plan, id, group, reason, isWrite);
  }

  #toEvidence(plan: RoutePlan, id: number, group: string, reason: NotComparedReason, isWrite: boolean): void {
    const isDiverging = isWrite && plan.isStateful;
    const atMs = this.#options.clock.now();
    this.#options.toCompare({ kind: "skip", id, route: plan.id, group, reason, isDiverging, atMs }, null);
  }

  #notCompared(unit: UnitId, reason: NotComparedReason): void {
    const { metrics } = this.#options;
    this.accounting.judge();
    metrics.shadowNotCompared.inc({ unit, reason });
  }

  #judged({ route, unit, verdict, reason, differences, latencyMs }: EndedItem): void {
    const { metrics } = this.#options;
    if (verdict === "not_compared") {
      this.#notCompared(unit, reason ?? "engine_lost");
      return;
    }
    this.accounting.judge();
    metrics.shadowComparisons.of({ route, verdict }).count++;
    for (const [kind, severity] of differences) metrics.shadowDifferences.inc({ kind, severity });
    for (const arm of ["control", "candidate"] as const) {
      const ms = latencyMs[arm];
      if (ms !== null) metrics.shadowDuration.of({ route, arm }).observe(ms / MS_PER_S);
    }
  }
}

const NO_TAP: CallTap = { requestChunk() {}, requestEnd() {}, head() {}, chunk() {}, end() {} };

/** The same tap, which tells of its end. */
function withEnd(tap: CallTap | null, ended: (() => void) | null): CallTap | null {
  if (ended === null) return tap;
  if (tap === null) return { ...NO_TAP, end: ended };
  return {
    requestChunk: (chunk) => tap.requestChunk(chunk),
    requestEnd: () => tap.requestEnd(),
    head: (status, raw) => tap.head(status, raw),
    chunk: (chunk) => tap.chunk(chunk),
    end: (error) => {
      tap.end(error);
      ended();
    },
  };
}
