// The serving thread's end of the shadow (shadow §1): decides in a few steps what is copied, hands it over, and never waits.
import type { Arm, Clock, UnitId } from "../../kernel/index.ts";
import type { Metrics } from "../../metrics/index.ts";
import type { CallTap, LeavingLeg, SocketTap } from "../../proxy/ports.ts";
import type { Accounting } from "../accounting.ts";
import { BodyTap } from "../mirror/bodyTap.ts";
import { Credits } from "../mirror/credits.ts";
import type { Pressure } from "../mirror/pressure.ts";
import type { Plans, RoutePlan } from "../plans.ts";
import { isSampled } from "../sampling.ts";
import type { CompareItem, EndedItem, JobFacts, MirrorItem, TargetState } from "../threads/messages.ts";
import type { ShadowSettings } from "../threads/shadowSettings.ts";
import type { NotComparedReason } from "../words.ts";
import { Admission } from "./admission.ts";
import { ServedCallTap } from "./callTap.ts";
import { FollowedTap } from "./followedTap.ts";
import type { Groups } from "./groups.ts";
import { MissedByCompare } from "./missed.ts";
import { OpenJobs } from "./openJobs.ts";
import { ServingSockets } from "./servingSockets.ts";
import { Skips } from "./skips.ts";
import { Tally } from "./tally.ts";

export interface ServingMirrorOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly pressure: Pressure;
  readonly groups: Groups;
  random(): number;
  toMirror(item: MirrorItem, bytes: Uint8Array<ArrayBuffer> | null): void;
  toCompare(item: CompareItem, bytes: Uint8Array<ArrayBuffer> | null): void;
}

type ServingSettings = Pick<ShadowSettings, "plans" | "repeatsShare" | "seeds" | "arms">;

const MS_PER_S = 1_000;
const NOTHING = (): void => {};
const jobOf = ({ id, unit }: RoutePlan, group: string) => ({ route: id, unit, group });

/** Of a call. */
interface Call {
  readonly group: string;
  readonly isSafe: boolean;
  readonly hasBody: boolean;
  /** Its group is seeded, or will be. */
  readonly isFollowed: boolean;
}

export class ServingMirror {
  readonly credits = new Credits();
  readonly missed: MissedByCompare;
  readonly #options: ServingMirrorOptions;
  readonly #tally: Tally;
  readonly #jobs: OpenJobs;
  readonly #admission: Admission;
  readonly #sockets: ServingSockets;
  readonly #skips: Skips;
  #plans: Plans = new Map();
  /** The most that anything of a unit is mirrored. */
  readonly #percents = new Map<UnitId, number>();
  #repeatsShare = 0;
  #origins: Readonly<Record<Arm, string | null>> | null = null;

  constructor(options: ServingMirrorOptions) {
    const { clock, metrics, groups, toMirror, toCompare } = options;
    this.#options = options;
    this.#tally = new Tally(metrics);
    this.#skips = new Skips(clock, (item) => toCompare(item, null));
    this.missed = new MissedByCompare(() => metrics.queueDropped.inc({ queue: "shadow_diverged" }));
    this.#jobs = new OpenJobs(this.credits);
    const admission = (this.#admission = new Admission(options));
    this.#sockets = new ServingSockets({
      clock,
      credits: this.credits,
      groups,
      admission,
      toMirror,
      toCompare,
      isNoted: ({ unit }, group) => this.#isRead(unit, group),
      onWrite: ({ unit }, group) => this.#noteWrite(unit, group),
      onFault: (id) => this.#loseSocket(id),
    });
  }

  get accounting(): Accounting {
    return this.#tally.accounting;
  }

  /** Takes effect with the next call (shadow S1). */
  configure({ plans, repeatsShare, seeds, arms }: ServingSettings): void {
    this.#admission.hasSeeds = seeds !== null;
    this.#plans = plans;
    this.#percents.clear();
    for (const { unit, mode, samplePercent } of plans.values()) {
      if (mode !== "never") this.#percents.set(unit, Math.max(this.#percents.get(unit) ?? 0, samplePercent));
    }
    this.#repeatsShare = repeatsShare;
    const before = this.#origins;
    this.#origins = { control: arms.control.target?.origin ?? null, candidate: arms.candidate.target?.origin ?? null };
    for (const arm of ["control", "candidate"] as const) {
      if (before !== null && before[arm] !== this.#origins[arm]) this.#options.groups.loseTarget(arm);
    }
  }

  setTargets(targets: Readonly<Record<Arm, TargetState>>): void {
    this.#admission.targets = targets;
  }

  /** Without threads everything sampled is counted as lost. */
  setRunning(isRunning: boolean): void {
    this.#admission.isRunning = isRunning;
  }

  get open(): number {
    return this.#jobs.size;
  }

  /** Calls of the group are not judged yet. */
  isBusy(unit: UnitId, group: string): boolean {
    return this.#jobs.hasCalls(unit, group);
  }

  /** What is gathered for the evidence goes now. */
  flush(): void {
    this.#skips.flush();
  }

  /** Of the newest job. */
  get lastId(): number {
    return this.#jobs.lastId;
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
      if (item.id === null) {
        // Only the thread that judged it has seen it: offered and judged in one.
        this.#tally.sampled(item.unit, item.route);
        this.#tally.judged(item);
        continue;
      }
      const job = this.#jobs.end(item.id);
      // That thread may not know any more what it was.
      if (job !== null) this.#tally.judged({ ...item, route: job.route, unit: job.unit });
    }
  }

  /** Frames of sockets were taken over. */
  taken(frames: readonly (readonly [id: number, bytes: number])[]): void {
    for (const [id, bytes] of frames) this.#sockets.taken(id, bytes);
  }

  socketEnded(id: number): void {
    this.#sockets.end(id);
    this.#jobs.end(id);
  }

  /** Its state at the target is not what it should be (shadow J2, J4). */
  diverged(unit: UnitId, group: string): void {
    this.#options.groups.diverged(unit, group);
    if (!this.#admission.hasSeeds) this.missed.diverged(unit, group);
  }

  /** The compare thread is gone, and with it whatever was open (shadow I13). */
  lost(reason: "engine_lost" | "stopping"): void {
    const atMs = this.#options.clock.now();
    for (const { id, unit, route, group, isWrite } of this.#jobs.endAll()) {
      this.missed.lost(route, reason, atMs);
      // The turns of a socket that were told are accounted for; what was open of it is one exchange more.
      if (this.#sockets.has(id)) this.#tally.sampled(unit, route);
      this.#tally.notCompared(unit, reason);
      // Whether both arms did the same nobody will ever say (shadow J2).
      if (isWrite) this.diverged(unit, group);
    }
    this.#sockets.endAll();
    this.#options.groups.loseSeeding();
  }

  #call(leg: LeavingLeg, hasBody: boolean): CallTap | null {
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    const plan = this.#plans.get(leg.route.id);
    if (plan === undefined) return null;
    const isSafe = leg.method === "GET" || leg.method === "HEAD";
    const group = leg.subject ?? `call ${leg.requestId}`;
    if (!isSafe) this.#noteWrite(plan.unit, group);
    const isFollowed = this.#admission.isFollowed(plan, leg, group);
    if (plan.mode === "never" || (plan.mode === "read" && !isSafe)) {
      this.#tally.unsafe(plan.unit);
      return isSafe || !isFollowed ? null : this.#unseenWrite(plan, leg, group);
    }
    const isIn = this.#admission.isIn(plan, leg, group);
    const ended = isFollowed ? this.#options.groups.begin(plan.unit, group, leg.arm, !isSafe) : NOTHING;
    if (!isIn) {
      this.#tally.notSampled(plan.unit);
      return isFollowed ? new FollowedTap(null, { onEnd: ended, onError: NOTHING }) : null;
    }
    this.#tally.sampled(plan.unit, plan.id);
    const tap = this.#take(plan, leg, { group, isSafe, hasBody, isFollowed }, ended);
    this.#tally.offerSeconds.observe((clock.monotonic() - startedMs) / MS_PER_S);
    return tap;
  }

  /** The target will lack what it does: the group needs another seed, once it is at rest (shadow J2). */
  #unseenWrite({ unit }: RoutePlan, leg: LeavingLeg, group: string): CallTap {
    const { groups } = this.#options;
    const ended = groups.begin(unit, group, leg.arm, false);
    groups.lose(unit, group);
    return new FollowedTap(null, { onEnd: ended, onError: NOTHING });
  }

  /** Mirrored or not: what is read behind it may be overtaken. */
  #noteWrite(unit: UnitId, group: string): void {
    this.#admission.noteWrite(unit, group);
    if (!this.#isRead(unit, group)) return;
    this.#options.toCompare({ kind: "wrote", unit, group, atMs: this.#options.clock.now() }, null);
  }

  /** Something of it may be compared. */
  #isRead(unit: UnitId, group: string): boolean {
    return isSampled(unit, group, this.#percents.get(unit) ?? 0);
  }

  #socket(leg: LeavingLeg): SocketTap | null {
    const plan = this.#plans.get(leg.route.id);
    if (plan === undefined || leg.subject === null) return null;
    const group = leg.subject;
    if (plan.mode !== "sandbox") {
      this.#tally.unsafe(plan.unit);
      return this.#sockets.unseen(plan, leg, group);
    }
    if (!this.#admission.isIn(plan, leg, group)) {
      this.#tally.notSampled(plan.unit);
      return this.#sockets.unseen(plan, leg, group);
    }
    const reason = this.#admission.reasonAgainst(plan, leg, group);
    const job = reason === null ? this.#jobs.open({ ...jobOf(plan, group), isWrite: true, isSocket: true }) : null;
    if (job === null) {
      this.#tally.sampled(plan.unit, plan.id);
      this.#skip(plan, 0, group, reason ?? "queue_full", true);
      return this.#sockets.unseen(plan, leg, group);
    }
    try {
      return this.#sockets.open(job, plan, leg, group);
    } catch {
      this.#tally.sampled(plan.unit, plan.id);
      this.#lose(plan, job.id, group, true);
      return null;
    }
  }

  #take(plan: RoutePlan, leg: LeavingLeg, call: Call, ended: () => void): CallTap | null {
    const { group, isSafe, hasBody, isFollowed } = call;
    const { clock, random, pressure, toMirror, toCompare } = this.#options;
    const reason = this.#admission.reasonAgainst(plan, leg, group);
    const start = { ...jobOf(plan, group), isWrite: !isSafe, isSocket: false };
    const job = reason === null ? this.#jobs.open(start) : null;
    if (job === null) {
      this.#skip(plan, 0, group, reason ?? "queue_full", !isSafe);
      return isFollowed ? new FollowedTap(null, { onEnd: ended, onError: NOTHING }) : null;
    }
    const { id } = job;
    const leaving = { leftAtMs: clock.now(), requestId: leg.requestId };
    const facts: JobFacts = { id, route: plan.id, group, served: leg.arm, isSafe, ...leaving };
    const request = hasBody ? new BodyTap(this.credits, plan.tapBytes) : null;
    const response = new BodyTap(this.credits, plan.tapBytes);
    job.taps.push(response);
    if (request !== null) job.taps.push(request);
    toMirror({ kind: "arrive", id, group, isBarrier: !isSafe }, null);
    const isRepeated = isSafe && plan.mode === "read" && random() < this.#repeatsShare && pressure.share === 1;
    const tap = new ServedCallTap({
      facts,
      leg,
      request,
      response,
      now: () => clock.monotonic(),
      offer: (copy) => toMirror({ kind: "offer", facts, copy, isRepeated }, copy.body),
      skip: (why) => {
        toMirror({ kind: "drop", id }, null);
        if (this.#jobs.end(id) !== null) this.#skip(plan, id, group, why, !isSafe);
      },
      served: (item) => toCompare(item, "reply" in item.result ? item.result.reply.body : null),
    });
    return new FollowedTap(tap, { onEnd: ended, onError: () => this.#lose(plan, id, group, !isSafe) });
  }

  /** Something of ours has failed. */
  #lose(plan: RoutePlan, id: number, group: string, isWrite: boolean): void {
    if (this.#jobs.end(id) !== null) this.#skip(plan, id, group, "engine_lost", isWrite);
    this.#options.toMirror({ kind: "drop", id }, null);
  }

  /** Those who follow it could not be told. */
  #loseSocket(id: number): void {
    const job = this.#jobs.end(id);
    if (job !== null) {
      this.#tally.sampled(job.unit, job.route);
      this.#tally.notCompared(job.unit, "engine_lost");
      this.missed.lost(job.route, "engine_lost", this.#options.clock.now());
      this.diverged(job.unit, job.group);
    }
    this.#sockets.end(id);
  }

  /** There is no copy: counted here, and in the evidence by a job of no weight. */
  #skip(plan: RoutePlan, id: number, group: string, reason: NotComparedReason, isWrite: boolean): void {
    const { clock, toCompare } = this.#options;
    this.#tally.notCompared(plan.unit, reason);
    const isDiverging = isWrite && plan.isStateful;
    // Known at once: the compare thread may be away, and what follows must not be compared.
    if (isDiverging) this.diverged(plan.unit, group);
    if (!isDiverging) this.#skips.add(plan.id, reason);
    else toCompare({ kind: "skip", id, route: plan.id, group, reason, isDiverging, atMs: clock.now() }, null);
  }
}
