// One socket conversation as it lives (shadow §10): from both handshakes to the last close. Its turns and its documents are judged
// while both sockets are open, and nothing of them is kept.
import { type Arm, type Clock, otherArm } from "../../kernel/index.ts";
import { isBroken, type JudgedClose, type JudgedTurn } from "../conversation/judge.ts";
import { ConversationPair } from "../conversation/livePair.ts";
import type { Trail } from "../conversation/talkTrail.ts";
import type { TurnTally } from "../conversation/wholeRules.ts";
import type { RoutePlan } from "../plans.ts";
import type { ShadowApplication } from "../ports.ts";
import type { RuleBook } from "../rules/ruleBook.ts";
import type { Verdict } from "../verdict.ts";
import type { NotComparedReason, VerdictName } from "../words.ts";
import { codecOf } from "./codecs.ts";
import { Handshakes, type Leg } from "./handshakes.ts";
import { InOrder } from "./inOrder.ts";
import { type MissSource, ASKED_SLACK_MS } from "./knownMisses.ts";
import type { Handshake, SocketCopyItem, SocketFacts, SocketItem } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { isApart, withModelRequest } from "./modelRequest.ts";
import { createTalkComparer, isOpen, LAG_MS, observeHandshake, silentCodec } from "./talkComparer.ts";
import type { DocumentSocket, TalkDocuments } from "./talkDocuments.ts";
import { turnTime } from "./turnTime.ts";
import { armsOf, type UnitEvidence, type UnitFacts } from "./unitEvidence.ts";

/** Closes that a proxy makes (contract differences.md S-2). */
const PROXY_CODES: ReadonlySet<number> = new Set([1012, 4001]);
/** A socket that is closed on one side is judged without the other's word then. */
const LINGER_MS = 8_000;
/** Both handshakes are known by then, the copy's behind those of its group; or somebody has forgotten it. */
const SHAKEN_MS = 60_000;
/** Both threads' clocks agree to less than this, and what they say may overtake. */
const SLACK_MS = 500;

export interface UnitRules {
  readonly plan: RoutePlan;
  readonly unit: UnitEvidence;
  readonly rules: RuleBook;
}

/** What all conversations of a thread have in common. */
export interface TalkOptions {
  readonly clock: Clock;
  readonly application: ShadowApplication;
  /** Of the completion cassette. */
  readonly misses: MissSource;
  /** What was judged; the verdict is counted already. */
  onJudged(plan: RoutePlan, verdict: Verdict): void;
  onDiverged(plan: RoutePlan, group: string): void;
  /** A conversation could not be followed, and was given up. */
  onFault(error: unknown): void;
}

/** Of one. */
export interface OwnTalkOptions extends TalkOptions {
  readonly opening: Extract<SocketItem, { kind: "opening" }>;
  readonly of: UnitRules;
  readonly documents: TalkDocuments;
  /** Of its surface, in the present campaign. */
  tally(): TurnTally;
  onOver(verdict: VerdictName): void;
}

type Frame = Extract<SocketItem | SocketCopyItem, { data: Uint8Array }>;
type Close = Omit<Extract<SocketCopyItem, { kind: "copy-closed" }>, "kind" | "id">;

export class Talk {
  readonly facts: SocketFacts;
  readonly of: UnitRules;
  readonly #options: OwnTalkOptions;
  readonly #document: string;
  readonly #sinceMs: number;
  readonly #handshakes = new Handshakes();
  #pair: ConversationPair | null = null;
  #documents: DocumentSocket | null = null;
  #ends = 0;
  #endedMs: number | null = null;
  #worst: VerdictName = "not_compared";
  /** What is told of it. */
  readonly #order: InOrder;
  /** Model calls before it were of turns that are judged; epoch ms. */
  #askedFromMs: number;
  #isFinishing = false;
  #isOver = false;

  constructor(options: OwnTalkOptions) {
    const { opening, clock, misses } = options;
    this.#options = options;
    this.facts = opening.facts;
    this.of = options.of;
    this.#document = opening.document;
    this.#sinceMs = clock.monotonic();
    this.#order = new InOrder(misses);
    this.#askedFromMs = opening.facts.leftAtMs - ASKED_SLACK_MS;
  }

  /** The arms are in the middle of something: what they hold is not what they will hold. */
  get isBusy(): boolean {
    return this.#pair === null || this.#pair.isBusy || this.#order.isWaiting;
  }

  /** @param who the served leg, or its copy */
  shaken(who: Leg, result: Handshake, settings: ShadowSettings, atMs: number): void {
    const both = this.#handshakes.add(who, result);
    if (both !== null && this.#pair === null && !this.#isOver) this.#shaken(both, settings, atMs);
  }

  /** @param taken as soon as nothing waits for its bytes any more */
  frame(side: Arm, frame: Frame, taken: () => void): void {
    this.#do(frame.data.length, () => {
      taken();
      this.#frame(side, frame);
    });
  }

  closed(side: Arm, close: Close): void {
    this.#do(0, () => this.#closed(side, close));
  }

  /** @param nowMs epoch */
  tick(nowMs: number): void {
    try {
      this.#pair?.tick(nowMs - SLACK_MS);
      if (this.#pair === null && this.#options.clock.monotonic() - this.#sinceMs > SHAKEN_MS)
        this.giveUp("engine_lost");
      if (this.#endedMs !== null && nowMs - this.#endedMs > LINGER_MS) this.#finish();
    } catch (error) {
      this.#options.onFault(error);
      this.giveUp("engine_lost");
    }
  }

  /** What comes before both handshakes are known waits for them. */
  #do(bytes: number, run: () => void): void {
    if (this.#isOver) return;
    if (this.#pair !== null) {
      run();
      return;
    }
    if (!this.#handshakes.hold(bytes, run)) this.giveUp("queue_full");
  }

  /** Both handshakes are an exchange (shadow C1); the rest follows where both are open. */
  #shaken({ served, copy }: Readonly<Record<Leg, Handshake>>, settings: ShadowSettings, atMs: number): void {
    const { facts, of } = this;
    const isAborted = "error" in served && served.error === "aborted";
    if (isAborted) {
      this.giveUp("served_aborted");
      return;
    }
    const observed = observeHandshake(served, facts.served, "served");
    const copied = observeHandshake(copy, otherArm(facts.served), "shadow");
    const judged = of.unit.judge(of.plan, this.#factsOf(false), armsOf(observed, copied));
    const verdict: Verdict = judged?.judgement.verdict ?? { name: "not_compared", reason: "no_target" };
    this.#tell(verdict);
    if (!isOpen(served) || !isOpen(copy)) {
      this.#finish();
      return;
    }
    this.#open(settings, atMs);
    for (const run of this.#handshakes.release()) if (!this.#isOver) run();
  }

  #open(settings: ShadowSettings, atMs: number): void {
    const { surface, served, id } = this.facts;
    const { application, clock } = this.#options;
    const { isPlain } = this.of.plan;
    const shadow = otherArm(served);
    const document = isPlain ? undefined : application.documents.get(surface);
    if (document !== undefined) {
      this.#documents = this.#options.documents.socket(this.of, document, shadow, this.#document);
      for (const arm of ["control", "candidate"] as const) {
        this.#documents.tell({ type: "joined", arm, socket: String(id) }, atMs);
      }
    }
    const codec = document === undefined ? codecOf(application, surface, isPlain, settings) : silentCodec(surface);
    if (codec === null) {
      this.giveUp("no_codec");
      return;
    }
    const tally = this.#options.tally();
    const { conditions } = application;
    this.#pair = new ConversationPair({
      codec,
      comparer: createTalkComparer({ clock, conditions, rules: this.of.rules, surface, shadow }, tally),
      lagMs: LAG_MS,
      atMs,
      ignoredCodes: PROXY_CODES,
      shadow,
      onTurn: (turn, around) => this.#turn(turn, tally, around),
    });
  }

  #frame(side: Arm, frame: Frame): void {
    const isSent = frame.kind === "client" || frame.kind === "copy-client";
    if (isSent) this.#pair?.client(frame, frame.atMs, side);
    else this.#pair?.arm(side, frame, frame.atMs);
    if (this.#documents === null) return;
    const { surface, id } = this.facts;
    const update = this.#options.application.documents.get(surface)?.updateOf(frame) ?? null;
    if (update === null) return;
    const type = isSent ? "sent" : "received";
    this.#documents.tell({ type, arm: side, socket: String(id), update }, frame.atMs);
  }

  #closed(side: Arm, { by, code, isHalfOpen, atMs }: Close): void {
    const end = { code, by, isHalfOpen };
    this.#pair?.closed(side, end, atMs);
    if (this.#documents !== null && side !== this.facts.served && isBroken(end)) {
      // The target lacks whatever comes: that its document is another one says nothing of the arms.
      this.#documents.tell({ type: "forgotten", socket: String(this.facts.id) }, atMs);
      this.#finish(true);
      return;
    }
    this.#documents?.tell({ type: "left", arm: side, socket: String(this.facts.id) }, atMs);
    this.#ends += 1;
    this.#endedMs ??= this.#options.clock.now();
    if (this.#ends === 2) this.#finish();
  }

  #turn(turn: JudgedTurn, tally: TurnTally, around: () => Trail): void {
    const { misses } = this.#options;
    if (turn.verdict.name !== "not_compared") tally.count(turn.ruleHits);
    if (!misses.isOn) return this.#tellTurn(turn, turn.verdict, around);
    const { served, requestId } = this.facts;
    const { fromMs, toMs, nextMs } = turnTime(turn, otherArm(served), this.#askedFromMs, this.#options.clock.now());
    this.#askedFromMs = nextMs;
    const asked = { requestId, fromMs, toMs };
    const mayFollow = isApart(turn.verdict);
    const mustLook = mayFollow && misses.within(asked).length === 0;
    const trail = mayFollow ? around() : null;
    this.#inOrder(mustLook, () => {
      const verdict = withModelRequest(turn.verdict, misses.within(asked), otherArm(served));
      this.#tellTurn(turn, verdict, () => trail ?? around());
    });
  }

  #inOrder(mustLook: boolean, run: () => void): void {
    this.#order.run(mustLook, () => {
      try {
        if (!this.#isOver) run();
      } catch (error) {
        this.#options.onFault(error);
        this.giveUp("engine_lost");
      }
    });
  }

  #tellTurn(turn: JudgedTurn, verdict: Verdict, around: () => Trail): void {
    const { changesState } = turn;
    const { unit, plan } = this.of;
    const { group } = this.facts;
    const judged = unit.add(plan, this.#factsOf(changesState), verdict, () => ({ conversation: around() }));
    this.#tell(judged ?? { name: "not_compared", reason: "no_target" });
    // A limit of the cassette: what the turn has changed on either side is not the same (shadow J2).
    const isLimit = verdict !== turn.verdict && verdict.name === "not_compared";
    if (isLimit && changesState) unit.diverge(group);
    if (unit.isDiverged(group)) this.#options.onDiverged(plan, group);
  }

  #factsOf(changesState: boolean): UnitFacts {
    const { group, served, leftAtMs } = this.facts;
    // A sample of a turn has frames of those before it.
    const times = { beganAtMs: leftAtMs, atMs: this.#options.clock.now() };
    return { group, shadow: otherArm(served), changesState, delayMs: 0, ...times };
  }

  #tell(verdict: Verdict): void {
    if (RANKS.indexOf(verdict.name) > RANKS.indexOf(this.#worst)) this.#worst = verdict.name;
    this.#options.onJudged(this.of.plan, verdict);
  }

  /** It is not compared any further. */
  giveUp(reason: NotComparedReason): void {
    this.#order.flush();
    if (this.#isOver) return;
    try {
      this.#skipRest(reason);
    } catch (error) {
      this.#options.onFault(error); // it is what did not work before either
    }
    // Turns of it may have changed something that the target now lacks.
    if (this.of.plan.isStateful) {
      this.of.unit.diverge(this.facts.group);
      this.#options.onDiverged(this.of.plan, this.facts.group);
    }
    this.#end("not_compared");
  }

  #skipRest(reason: NotComparedReason): void {
    if (this.#pair !== null) this.#pair.giveUp(reason);
    else {
      const facts = this.#factsOf(false);
      this.of.unit.add(this.of.plan, facts, { name: "not_compared", reason });
      this.#options.onJudged(this.of.plan, { name: "not_compared", reason });
    }
    const atMs = this.#options.clock.now();
    this.#documents?.tell({ type: "forgotten", socket: String(this.facts.id) }, atMs);
  }

  /** @param isApart what the client still says will not get to the target */
  #finish(isApart = false): void {
    if (this.#isOver || this.#isFinishing) return;
    this.#isFinishing = true;
    const closed = this.#pair?.end() ?? null;
    this.#inOrder(false, () => this.#finished(closed, isApart));
  }

  #finished(closed: JudgedClose | null, isApart: boolean): void {
    const pair = this.#pair;
    if (pair !== null && closed !== null) {
      const judged = this.of.unit.add(this.of.plan, this.#factsOf(isApart), closed.verdict, () => ({
        conversation: pair.aroundEnd(),
      }));
      this.#tell(judged ?? { name: "not_compared", reason: "no_target" });
    }
    if (isApart && this.of.unit.isDiverged(this.facts.group)) {
      this.#options.onDiverged(this.of.plan, this.facts.group);
    }
    // A side that has not closed by now has nobody who listens.
    const atMs = this.#options.clock.now();
    for (const arm of ["control", "candidate"] as const) {
      this.#documents?.tell({ type: "left", arm, socket: String(this.facts.id) }, atMs);
    }
    this.#end(this.#worst);
  }

  #end(verdict: VerdictName): void {
    this.#isOver = true;
    this.#handshakes.release();
    this.#documents?.close();
    this.#options.onOver(verdict);
  }
}

/** Of a conversation the last one of these that any of its exchanges got. */
const RANKS: readonly VerdictName[] = [
  "not_compared",
  "both_failed",
  "identical",
  "equivalent",
  "accepted",
  "noise",
  "transient",
  "shadow_failed",
  "different",
];
