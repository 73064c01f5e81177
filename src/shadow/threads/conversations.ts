// Socket conversations as they live (shadow §10, §11): the served frames come from the serving thread, the copy's from the mirror
// thread. Turns and documents are judged while both sockets are open, and nothing of them is kept.
import type { Arm, Clock, UnitId } from "../../kernel/index.ts";
import { isBroken, type JudgedClose, type JudgedTurn } from "../conversation/judge.ts";
import type { Trail } from "../conversation/talkTrail.ts";
import { ConversationPair } from "../conversation/livePair.ts";
import { TurnTally } from "../conversation/wholeRules.ts";
import type { RoutePlan } from "../plans.ts";
import type { ShadowApplication } from "../ports.ts";
import type { RuleBook } from "../rules/ruleBook.ts";
import type { Verdict } from "../verdict.ts";
import type { NotComparedReason, VerdictName } from "../words.ts";
import { codecOf } from "./codecs.ts";
import { EarlyCopies } from "./earlyCopies.ts";
import { InOrder } from "./inOrder.ts";
import { type MissSource, ASKED_SLACK_MS } from "./knownMisses.ts";
import { withModelRequest } from "./modelRequest.ts";
import type { Handshake, ShadowSettings, SocketCopyItem, SocketFacts, SocketItem } from "./messages.ts";
import { createTalkComparer, isOpen, LAG_MS, observeHandshake, silentCodec } from "./talkComparer.ts";
import { type DocumentCounts, type DocumentSocket, TalkDocuments } from "./talkDocuments.ts";
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
/** Until both handshakes are known. */
const EARLY_MAX = 2_000;
const EARLY_BYTES_MAX = 4 * 1_048_576;

const OTHER: Readonly<Record<Arm, Arm>> = { control: "candidate", candidate: "control" };

export interface ConversationsOptions {
  readonly clock: Clock;
  readonly application: ShadowApplication;
  /** Of the completion cassette. */
  readonly misses: MissSource;
  /** What was judged; the verdict is counted already. */
  onJudged(plan: RoutePlan, verdict: Verdict): void;
  onTaken(id: number, bytes: number): void;
  onEnd(id: number, surface: string, verdict: VerdictName): void;
  onDiverged(plan: RoutePlan, group: string): void;
  /** A conversation could not be followed, and was given up. */
  onFault(error: unknown): void;
}

export interface UnitRules {
  readonly plan: RoutePlan;
  readonly unit: UnitEvidence;
  readonly rules: RuleBook;
}

type Frame = Extract<SocketItem | SocketCopyItem, { data: Uint8Array }>;
type Close = Omit<Extract<SocketCopyItem, { kind: "copy-closed" }>, "kind" | "id">;

interface Talk {
  readonly facts: SocketFacts;
  readonly document: string;
  readonly of: UnitRules;
  readonly sinceMs: number;
  served: Handshake | null;
  copy: Handshake | null;
  /** Until both handshakes are known. */
  readonly early: (() => void)[];
  earlyBytes: number;
  pair: ConversationPair | null;
  documents: DocumentSocket | null;
  ends: number;
  endedMs: number | null;
  worst: VerdictName;
  /** What is told of it. */
  readonly order: InOrder;
  /** Model calls before it were of turns that are judged; epoch ms. */
  askedFromMs: number;
  isFinishing: boolean;
  isOver: boolean;
}

export class Conversations {
  readonly #options: ConversationsOptions;
  readonly #talks = new Map<number, Talk>();
  readonly #documents: TalkDocuments;
  /** Of the present campaign, by unit and surface. */
  readonly #tallies = new Map<string, { readonly campaign: string; readonly tally: TurnTally }>();
  readonly #earlyCopies: EarlyCopies;
  /** Of sockets up to here no copy comes any more. */
  #lostUpTo = 0;

  constructor(options: ConversationsOptions) {
    this.#options = options;
    this.#documents = new TalkDocuments(options);
    this.#earlyCopies = new EarlyCopies(options.clock);
  }

  get open(): number {
    return this.#talks.size;
  }

  /** The arms are in the middle of something: what they hold is not what they will hold. */
  isBusy(unit: UnitId, group: string): boolean {
    for (const { facts, of, pair, order } of this.#talks.values()) {
      const isBusy = pair === null || pair.isBusy || order.isWaiting;
      if (facts.group === group && of.plan.unit === unit && isBusy) return true;
    }
    return false;
  }

  get documentCounts(): DocumentCounts {
    return this.#documents.counts;
  }

  opening(item: Extract<SocketItem, { kind: "opening" }>, of: UnitRules): void {
    const { id } = item.facts;
    const talk: Talk = {
      facts: item.facts,
      document: item.document,
      of,
      sinceMs: this.#options.clock.monotonic(),
      served: null,
      copy: null,
      early: [],
      earlyBytes: 0,
      pair: null,
      documents: null,
      ends: 0,
      endedMs: null,
      worst: "not_compared",
      order: new InOrder(this.#options.misses),
      askedFromMs: item.facts.leftAtMs - ASKED_SLACK_MS,
      isFinishing: false,
      isOver: false,
    };
    this.#talks.set(id, talk);
    const early = this.#earlyCopies.opened(id);
    if (id <= this.#lostUpTo) this.#giveUp(talk, "engine_lost");
    else if (early === null) this.#giveUp(talk, "queue_full");
    else for (const copied of early) copied();
  }

  served(item: Exclude<SocketItem, { kind: "opening" }>, settings: ShadowSettings): void {
    const talk = this.#talks.get(item.id);
    // The bytes of what waits for the handshakes stay on the budget (shadow I6).
    const taken = (): void => {
      if ("data" in item) this.#options.onTaken(item.id, item.data.length * (item.kind === "client" ? 2 : 1));
    };
    if (talk === undefined) return taken();
    const side = talk.facts.served;
    switch (item.kind) {
      case "handshake":
        talk.served = item.result;
        this.#shaken(talk, settings, item.atMs);
        break;
      case "give-up":
        this.#giveUp(talk, item.reason);
        break;
      case "closed":
        this.#do(talk, 0, () => this.#closed(talk, side, { ...item, isHalfOpen: false }));
        break;
      default:
        this.#do(talk, item.data.length, () => {
          taken();
          this.#frame(talk, side, item);
        });
    }
  }

  copied(item: SocketCopyItem, settings: ShadowSettings): void {
    const talk = this.#talks.get(item.id);
    if (talk === undefined) {
      this.#earlyCopies.add(item.id, () => this.copied(item, settings));
      return;
    }
    const side = OTHER[talk.facts.served];
    switch (item.kind) {
      case "copy-handshake":
        talk.copy = item.result;
        this.#shaken(talk, settings, item.atMs);
        break;
      case "copy-lost":
        this.#giveUp(talk, item.reason);
        break;
      case "copy-closed":
        this.#do(talk, 0, () => this.#closed(talk, side, item));
        break;
      default:
        this.#do(talk, item.data.length, () => this.#frame(talk, side, item));
    }
  }

  /** A few times a second. */
  tick(): void {
    const nowMs = this.#options.clock.now();
    const endMs = this.#options.clock.monotonic() - SHAKEN_MS;
    for (const talk of this.#talks.values()) {
      try {
        talk.pair?.tick(nowMs - SLACK_MS);
        if (talk.pair === null && talk.sinceMs < endMs) this.#giveUp(talk, "engine_lost");
        if (talk.endedMs !== null && nowMs - talk.endedMs > LINGER_MS) this.#finish(talk);
      } catch (error) {
        this.#options.onFault(error);
        this.#giveUp(talk, "engine_lost");
      }
    }
    this.#documents.tick(nowMs);
    this.#earlyCopies.tick();
  }

  /** It cannot be followed. */
  lose(id: number, reason: NotComparedReason): void {
    const talk = this.#talks.get(id);
    if (talk !== undefined) this.#giveUp(talk, reason);
  }

  /** The mirror thread is gone, and with it the copies of all sockets up to this one. */
  mirrorLost(lastId: number): void {
    this.#lostUpTo = Math.max(this.#lostUpTo, lastId);
    this.loseAll("engine_lost");
  }

  /** Whatever is open is not compared. */
  loseAll(reason: NotComparedReason): void {
    for (const talk of this.#talks.values()) this.#giveUp(talk, reason);
  }

  #do(talk: Talk, bytes: number, run: () => void): void {
    if (talk.isOver) return;
    if (talk.pair !== null) {
      run();
      return;
    }
    talk.early.push(run);
    talk.earlyBytes += bytes;
    if (talk.early.length > EARLY_MAX || talk.earlyBytes > EARLY_BYTES_MAX) this.#giveUp(talk, "queue_full");
  }

  /** Both handshakes are an exchange (shadow C1); the rest follows where both are open. */
  #shaken(talk: Talk, settings: ShadowSettings, atMs: number): void {
    const { served, copy, facts, of } = talk;
    if (served === null || copy === null || talk.pair !== null || talk.isOver) return;
    const isAborted = "error" in served && served.error === "aborted";
    if (isAborted) {
      this.#giveUp(talk, "served_aborted");
      return;
    }
    const observed = observeHandshake(served, facts.served, "served");
    const copied = observeHandshake(copy, OTHER[facts.served], "shadow");
    const judged = of.unit.judge(of.plan, this.#facts(talk, false), armsOf(observed, copied));
    const verdict: Verdict = judged?.judgement.verdict ?? { name: "not_compared", reason: "no_target" };
    this.#tell(talk, verdict);
    if (!isOpen(served) || !isOpen(copy)) {
      this.#finish(talk);
      return;
    }
    this.#open(talk, settings, atMs);
    for (const run of talk.early.splice(0)) if (!talk.isOver) run();
  }

  #open(talk: Talk, settings: ShadowSettings, atMs: number): void {
    const { surface, served, id } = talk.facts;
    const { application, clock } = this.#options;
    const { isPlain } = talk.of.plan;
    const shadow = OTHER[served];
    const document = isPlain ? undefined : application.documents.get(surface);
    if (document !== undefined) {
      talk.documents = this.#documents.socket(talk.of, document, shadow, talk.document);
      for (const arm of ["control", "candidate"] as const) {
        talk.documents.tell({ type: "joined", arm, socket: String(id) }, atMs);
      }
    }
    const codec = document === undefined ? codecOf(application, surface, isPlain, settings) : silentCodec(surface);
    if (codec === null) {
      this.#giveUp(talk, "no_codec");
      return;
    }
    const tally = this.#tallyOf(talk);
    const { conditions } = application;
    talk.pair = new ConversationPair({
      codec,
      comparer: createTalkComparer({ clock, conditions, rules: talk.of.rules, surface, shadow }, tally),
      lagMs: LAG_MS,
      atMs,
      ignoredCodes: PROXY_CODES,
      shadow,
      onTurn: (turn, around) => this.#turn(talk, turn, tally, around),
    });
  }

  #tallyOf({ of, facts }: Talk): TurnTally {
    const name = `${of.plan.unit} ${facts.surface}`;
    const campaign = of.unit.campaign?.id ?? "";
    const known = this.#tallies.get(name);
    if (known?.campaign === campaign) return known.tally;
    const tally = new TurnTally();
    this.#tallies.set(name, { campaign, tally });
    return tally;
  }

  #frame(talk: Talk, side: Arm, frame: Frame): void {
    const isSent = frame.kind === "client" || frame.kind === "copy-client";
    if (isSent) talk.pair?.client(frame, frame.atMs, side);
    else talk.pair?.arm(side, frame, frame.atMs);
    if (talk.documents === null) return;
    const { surface, id } = talk.facts;
    const update = this.#options.application.documents.get(surface)?.updateOf(frame) ?? null;
    if (update === null) return;
    const type = isSent ? "sent" : "received";
    talk.documents.tell({ type, arm: side, socket: String(id), update }, frame.atMs);
  }

  #closed(talk: Talk, side: Arm, { by, code, isHalfOpen, atMs }: Close): void {
    const end = { code, by, isHalfOpen };
    talk.pair?.closed(side, end, atMs);
    if (talk.documents !== null && side !== talk.facts.served && isBroken(end)) {
      // The target lacks whatever comes: that its document is another one says nothing of the arms.
      talk.documents.tell({ type: "forgotten", socket: String(talk.facts.id) }, atMs);
      this.#finish(talk, true);
      return;
    }
    talk.documents?.tell({ type: "left", arm: side, socket: String(talk.facts.id) }, atMs);
    talk.ends += 1;
    talk.endedMs ??= this.#options.clock.now();
    if (talk.ends === 2) this.#finish(talk);
  }

  #turn(talk: Talk, turn: JudgedTurn, tally: TurnTally, around: () => Trail): void {
    const { misses } = this.#options;
    if (turn.verdict.name !== "not_compared") tally.count(turn.ruleHits);
    if (!misses.isOn) return this.#tellTurn(talk, turn, turn.verdict, around);
    const { served, requestId } = talk.facts;
    const { fromMs, toMs, nextMs } = turnTime(turn, OTHER[served], talk.askedFromMs, this.#options.clock.now());
    talk.askedFromMs = nextMs;
    const asked = { requestId, fromMs, toMs };
    const isDifferent = turn.verdict.name === "different";
    const mustLook = isDifferent && misses.within(asked).length === 0;
    const trail = isDifferent ? around() : null;
    this.#inOrder(talk, mustLook, () => {
      const verdict = withModelRequest(turn.verdict, misses.within(asked), OTHER[served]);
      this.#tellTurn(talk, turn, verdict, () => trail ?? around());
    });
  }

  #inOrder(talk: Talk, mustLook: boolean, run: () => void): void {
    talk.order.run(mustLook, () => {
      try {
        if (!talk.isOver) run();
      } catch (error) {
        this.#options.onFault(error);
        this.#giveUp(talk, "engine_lost");
      }
    });
  }

  #tellTurn(talk: Talk, turn: JudgedTurn, verdict: Verdict, around: () => Trail): void {
    const { changesState } = turn;
    const { unit, plan } = talk.of;
    const { group } = talk.facts;
    const judged = unit.add(plan, this.#facts(talk, changesState), verdict, () => ({ conversation: around() }));
    this.#tell(talk, judged ?? { name: "not_compared", reason: "no_target" });
    // A limit of the cassette: what the turn has changed on either side is not the same (shadow J2).
    const isLimit = verdict !== turn.verdict && verdict.name === "not_compared";
    if (isLimit && changesState) unit.diverge(group);
    if (unit.isDiverged(group)) this.#options.onDiverged(plan, group);
  }

  #facts({ facts }: Talk, changesState: boolean): UnitFacts {
    const { group, served, leftAtMs } = facts;
    // A sample of a turn has frames of those before it.
    const times = { beganAtMs: leftAtMs, atMs: this.#options.clock.now() };
    return { group, shadow: OTHER[served], changesState, delayMs: 0, ...times };
  }

  #tell(talk: Talk, verdict: Verdict): void {
    if (RANKS.indexOf(verdict.name) > RANKS.indexOf(talk.worst)) talk.worst = verdict.name;
    this.#options.onJudged(talk.of.plan, verdict);
  }

  #giveUp(talk: Talk, reason: NotComparedReason): void {
    talk.order.flush();
    if (talk.isOver) return;
    try {
      this.#skipRest(talk, reason);
    } catch (error) {
      this.#options.onFault(error); // it is what did not work before either
    }
    // Turns of it may have changed something that the target now lacks.
    if (talk.of.plan.isStateful) {
      talk.of.unit.diverge(talk.facts.group);
      this.#options.onDiverged(talk.of.plan, talk.facts.group);
    }
    this.#end(talk, "not_compared");
  }

  #skipRest(talk: Talk, reason: NotComparedReason): void {
    if (talk.pair !== null) talk.pair.giveUp(reason);
    else {
      const facts = this.#facts(talk, false);
      talk.of.unit.add(talk.of.plan, facts, { name: "not_compared", reason });
      this.#options.onJudged(talk.of.plan, { name: "not_compared", reason });
    }
    const atMs = this.#options.clock.now();
    talk.documents?.tell({ type: "forgotten", socket: String(talk.facts.id) }, atMs);
  }

  /** @param isApart what the client still says will not get to the target */
  #finish(talk: Talk, isApart = false): void {
    if (talk.isOver || talk.isFinishing) return;
    talk.isFinishing = true;
    const closed = talk.pair?.end() ?? null;
    this.#inOrder(talk, false, () => this.#finished(talk, closed, isApart));
  }

  #finished(talk: Talk, closed: JudgedClose | null, isApart: boolean): void {
    const { pair } = talk;
    if (pair !== null && closed !== null) {
      const judged = talk.of.unit.add(talk.of.plan, this.#facts(talk, isApart), closed.verdict, () => ({
        conversation: pair.aroundEnd(),
      }));
      this.#tell(talk, judged ?? { name: "not_compared", reason: "no_target" });
    }
    if (isApart && talk.of.unit.isDiverged(talk.facts.group)) {
      this.#options.onDiverged(talk.of.plan, talk.facts.group);
    }
    // A side that has not closed by now has nobody who listens.
    const atMs = this.#options.clock.now();
    for (const arm of ["control", "candidate"] as const) {
      talk.documents?.tell({ type: "left", arm, socket: String(talk.facts.id) }, atMs);
    }
    this.#end(talk, talk.worst);
  }

  #end(talk: Talk, verdict: VerdictName): void {
    talk.isOver = true;
    talk.early.length = 0;
    talk.documents?.close();
    this.#talks.delete(talk.facts.id);
    this.#options.onEnd(talk.facts.id, talk.facts.surface, verdict);
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
