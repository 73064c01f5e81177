// Sends the copies of one proxy process (shadow I5, S4, S5): in the order of the served legs, each to where it may go, with what it
// may carry. Runs in the mirror thread; nothing here ever reaches a served exchange.
import { LRUCache } from "lru-cache";
import { type Arm, otherArm, type UnitId } from "../../kernel/index.ts";
import type { ShadowCodec } from "../conversation/codec.ts";
import type { CopyClient } from "../mirror/copyClient.ts";
import { type HeaderList, headerIn } from "../headerList.ts";
import { copyHeaders } from "../mirror/copyHeaders.ts";
import { GroupQueues, type Place } from "../mirror/groupQueue.ts";
import { guardReason } from "../mirror/guardProbe.ts";
import type { Observation } from "../observation.ts";
import type { RoutePlan } from "../plans.ts";
import type { MirrorMode } from "../ports.ts";
import type { NotComparedReason } from "../words.ts";
import type { ObservedPair } from "../judgement.ts";
import type { Destination } from "./destinations.ts";
import type { CopyItem, JudgedItem, MirrorItem } from "./messages.ts";
import { IDENTITY_MS, type Renamed, Renaming, type RenamingOptions } from "./renaming.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { SocketCopies } from "./socketCopies.ts";

type Offer = Extract<MirrorItem, { kind: "offer" }>;

/** A copy that could not leave for so long would be compared with another time. */
const BEHIND_MS_MAX = 30_000;
/** As many as there may be jobs, and some that were lost on the way. */
const SENT_MAX = 2_000;
/** shadow §8, layer 3. */
const RECHECK_MS = 250;

export interface CopierOptions extends RenamingOptions {
  destination(arm: Arm): Destination;
  /** null: every frame may leave at once. */
  codecFor(surface: string, isPlain: boolean, settings: ShadowSettings | null): ShadowCodec | null;
  /** `isAwaited`: its judgement holds up the copies behind it. */
  post(item: CopyItem, bytes: readonly Uint8Array[], isAwaited?: boolean): void;
  onCopy(unit: UnitId, mode: MirrorMode): void;
  onRepeat(outcome: "answered" | "failed"): void;
  /** Something that came could not be handled: it is told as lost, and the thread lives on. */
  onFault(error: unknown): void;
}

export class Copier {
  readonly #options: CopierOptions;
  readonly #queues = new GroupQueues();
  readonly #places = new Map<number, Place>();
  readonly #renaming: Renaming;
  readonly #sockets: SocketCopies;
  /** Writes whose judgement may bring the ids that the next copies need. */
  readonly #judging = new Map<number, () => void>();
  /** Until they are judged: some are asked for again. */
  readonly #sent = new LRUCache<number, Sent>({ max: SENT_MAX });
  #settings: ShadowSettings | null = null;
  /** Copies that have left and have no answer yet. */
  #running = 0;
  #idle: (() => void) | null = null;
  /** `draining`: nothing more leaves. `cut`: what is under way was ended by us. */
  #stopping: "no" | "draining" | "cut" = "no";

  constructor(options: CopierOptions) {
    this.#options = options;
    this.#renaming = new Renaming(options);
    this.#sockets = new SocketCopies({
      ...options,
      queues: this.#queues,
      headersOf: ({ headers, hasSubject }, plan, destination) =>
        this.#headersOf(headers, hasSubject, plan, destination, true, "shadow"),
      rewriterFor: (group, arm) => (this.#renaming.isOn ? this.#renaming.rewriterFor(group, arm) : null),
    });
  }

  configure(settings: ShadowSettings): void {
    this.#settings = settings;
    this.#renaming.configure(settings);
    this.#sockets.configure(settings);
  }

  take(item: MirrorItem): void {
    try {
      this.#take(item);
    } catch (error) {
      this.#options.onFault(error);
      if (item.kind === "open" || item.kind === "client" || item.kind === "closed") {
        this.#sockets.lose("facts" in item ? item.facts.id : item.id, "engine_lost");
      }
    }
  }

  #take(item: MirrorItem): void {
    switch (item.kind) {
      case "arrive":
        this.#places.set(item.id, this.#queues.arrive(item.group, item.isBarrier));
        break;
      case "drop":
        this.#placeOf(item.id)?.drop();
        break;
      case "offer": {
        const place = this.#placeOf(item.facts.id);
        if (place === undefined) this.#uncopied(item.facts.id, "engine_lost");
        else place.ready(() => this.#run(item));
        break;
      }
      default:
        this.#sockets.take(item);
    }
  }

  /** Copies whose served leg has no head yet, and those that were not judged. */
  get held(): number {
    return this.#places.size + this.#sent.size + this.#judging.size;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  /** The shadow stops (shadow A2): what has left may be answered within `capMs`, nothing else leaves. */
  async drain(capMs: number): Promise<void> {
    this.#stopping = "draining";
    this.#sockets.cutAll();
    this.judgeLost();
    if (this.#running > 0) {
      const idle = Promise.withResolvers<void>();
      this.#idle = idle.resolve;
      const cancel = this.#options.clock.after(capMs, idle.resolve);
      await idle.promise;
      cancel();
    }
    this.#stopping = "cut";
  }

  /** Who judges is gone, and does not ask for what it has seen. */
  judgeLost(): void {
    this.#sent.clear();
    for (const done of this.#judging.values()) done();
  }

  #placeOf(id: number): Place | undefined {
    const place = this.#places.get(id);
    this.#places.delete(id);
    return place;
  }

  judged({ id, pairs, rechecks, isServedWhole }: JudgedItem): void {
    const sent = this.#sent.get(id);
    this.#sent.delete(id);
    if (isServedWhole) sent?.failOverlong?.();
    this.#renaming.learn(sent?.offer.facts.group ?? "", pairs);
    this.#judging.get(id)?.();
    if (rechecks === 0) return;
    this.#recheck(id, sent, rechecks).catch((error: unknown) => {
      this.#options.onFault(error);
      this.#options.post({ kind: "rechecked", id, again: [] }, []);
    });
  }

  /** Both arms again, after a moment (shadow §8, layer 3). */
  async #recheck(id: number, sent: Sent | undefined, times: number): Promise<void> {
    const { clock, post } = this.#options;
    const again: ObservedPair[] = [];
    for (let at = 0; at < times; at++) {
      if (sent === undefined || this.#stopping !== "no") break;
      await new Promise<void>((resolve) => void clock.after(RECHECK_MS, resolve));
      const pair = await this.#askBoth(sent);
      if (pair !== null) again.push(pair);
    }
    post(
      { kind: "rechecked", id, again },
      again.flatMap(({ control, candidate }) => bodiesOf(control, candidate)),
    );
  }

  async #askBoth({ offer, plan, copy }: Sent): Promise<ObservedPair | null> {
    const shadow = otherArm(offer.facts.served);
    const [served, other] = await Promise.all([
      this.#ask(offer, plan, offer.facts.served, offer.copy),
      this.#ask(offer, plan, shadow, copy),
    ]);
    if (served === null || other === null) return null;
    return shadow === "candidate" ? { control: served, candidate: other } : { control: other, candidate: served };
  }

  /** The same safe call to one arm, as a repeat; null: there is nobody to ask. */
  async #ask(
    offer: Offer,
    plan: RoutePlan,
    arm: Arm,
    { target, body }: Pick<Renamed, "target" | "body">,
  ): Promise<Observation | null> {
    const { facts, copy } = offer;
    const destination = this.#options.destination(arm);
    const isAtTarget = facts.served !== arm && (plan.isStateful || destination.hasTarget);
    const client = this.#clientFor(offer, plan, arm, isAtTarget);
    if (typeof client === "string") return null;
    const headers = this.#headers(offer, plan, destination, isAtTarget, "repeat");
    const { method, servedFirstByteMs } = copy;
    const sent = await client.sendWithin({ method, target, headers, body, servedFirstByteMs }, BEHIND_MS_MAX);
    if (sent === null) return null;
    const { observation } = sent;
    this.#options.onRepeat("error" in observation.result ? "failed" : "answered");
    return { ...observation, role: "repeat" };
  }

  /** Where it may go now, or why it may not (shadow W1, W2): the settings may have changed since it was taken. */
  #clientFor({ facts, copy }: Offer, plan: RoutePlan, arm: Arm, isAtTarget: boolean): CopyClient | NotComparedReason {
    const destination = this.#options.destination(arm);
    const isSafe = copy.method === "GET" || copy.method === "HEAD";
    if (plan.mode === "never" || (plan.mode === "read" && !isSafe)) return "unsafe_write";
    if (!isAtTarget && copy.method !== "GET") return "unsafe_write";
    const reason = isAtTarget && destination.hasTarget ? guardReason(destination.state.guard) : null;
    return reason ?? destination.clientFor(facts.group, isAtTarget) ?? "no_target";
  }

  async #run(offer: Offer): Promise<void> {
    try {
      await this.#copy(offer);
    } catch (error) {
      this.#options.onFault(error);
      this.#uncopied(offer.facts.id, "engine_lost");
    }
  }

  async #copy(offer: Offer): Promise<void> {
    const { facts } = offer;
    const plan = this.#settings?.plans.get(facts.route);
    if (plan === undefined) return this.#uncopied(facts.id, "no_target");
    const delayMs = this.#options.clock.now() - facts.leftAtMs;
    if (delayMs > BEHIND_MS_MAX) return this.#uncopied(facts.id, "queue_full");
    const reason = await this.#send(offer, plan, delayMs);
    if (reason !== null) return this.#uncopied(facts.id, reason);
    // What a write has made is known once it is judged; the copies behind it may need it (shadow M3).
    if (!facts.isSafe && this.#renaming.isOn) await this.#judgement(facts.id);
  }

  async #send(offer: Offer, plan: RoutePlan, delayMs: number): Promise<NotComparedReason | null> {
    const { facts, copy } = offer;
    const { clock, post, onCopy } = this.#options;
    const arm = otherArm(facts.served);
    const destination = this.#options.destination(arm);
    const isAtTarget = plan.isStateful || destination.hasTarget;
    const renamed = await this.#renaming.rename(copy, facts.group, arm);
    if (renamed === null) return "identity";
    const client = this.#clientFor(offer, plan, arm, isAtTarget);
    if (typeof client === "string") return client;
    if (this.#stopping !== "no") return "stopping";
    const report = destination.circuit.pass();
    if (report === null) return "circuit_open";
    const known: Sent = { offer, plan, copy: renamed, failOverlong: null };
    this.#sent.set(facts.id, known);
    const headers = this.#headers(offer, plan, destination, isAtTarget, "shadow");
    const leavesMs = clock.now();
    const lateMs = leavesMs - facts.leftAtMs;
    const { method, servedFirstByteMs } = copy;
    const request = { method, target: renamed.target, headers, body: renamed.body, servedFirstByteMs };
    const [sent, repeat] = await this.#counted(() =>
      Promise.all([
        // Longer than the served answer may be it is not compared (shadow I7).
        client.sendWithin({ ...request, replyBytesMax: plan.tapBytes }, Math.max(0, BEHIND_MS_MAX - lateMs)),
        // Layer 2: the control's second answer, whichever of the two roles it plays here.
        offer.isRepeated ? this.#ask(offer, plan, "control", facts.served === "control" ? copy : renamed) : null,
      ]),
    );
    if (sent === null) {
      this.#sent.delete(facts.id);
      return "queue_full";
    }
    onCopy(plan.unit, plan.mode);
    const { observation, isOverlong, waitedMs } = sent;
    // Nothing of the target's: its connections were closed here.
    if (this.#isCut && "error" in observation.result) return "stopping";
    // A reply without an end is a failure only where the served one had an end, and otherwise says nothing of its target.
    if (isOverlong) known.failOverlong = () => report(true);
    else report("error" in observation.result);
    const item = { kind: "copied", id: facts.id, observation, repeat, renamed: renamed.used } as const;
    const copied = { ...item, delayMs: Math.max(delayMs, lateMs + waitedMs) };
    post(copied, bodiesOf(observation, repeat), !facts.isSafe);
    return null;
  }

  get #isCut(): boolean {
    return this.#stopping === "cut";
  }

  async #counted<T>(run: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await run();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    }
  }

  #headers(
    { copy }: Offer,
    plan: RoutePlan,
    destination: Destination,
    isTarget: boolean,
    role: "shadow" | "repeat",
  ): HeaderList {
    return this.#headersOf(copy.headers, copy.hasSubject, plan, destination, isTarget, role);
  }

  #headersOf(
    served: HeaderList,
    hasSubject: boolean,
    plan: RoutePlan,
    destination: Destination,
    isTarget: boolean,
    role: "shadow" | "repeat",
  ): HeaderList {
    const own = isTarget && hasSubject ? headerIn(served, "authorization") : null;
    const bearer = own === null ? null : destination.bearer(own);
    const headers = copyHeaders({ served, bearer, role, isTarget, mayCarryCookies: plan.mayCarryCookies });
    headers.push("switchyard-hop", this.#settings?.hop ?? "");
    return headers;
  }

  #judgement(id: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#judging.delete(id);
        resolve();
      };
      const cancel = this.#options.clock.after(IDENTITY_MS, done);
      this.#judging.set(id, done);
    });
  }

  #uncopied(id: number, reason: NotComparedReason): void {
    this.#options.post({ kind: "uncopied", id, reason }, []);
  }
}

interface Sent {
  readonly offer: Offer;
  readonly plan: RoutePlan;
  readonly copy: Renamed;
  /** Of a reply that was cut for its length: tells the circuit of its target that this is a failure. */
  failOverlong: (() => void) | null;
}

function bodiesOf(...observations: readonly (Observation | null)[]): Uint8Array[] {
  return observations.flatMap((one) => (one !== null && "reply" in one.result ? [one.result.reply.body] : []));
}
