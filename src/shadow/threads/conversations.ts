// Socket conversations as they live (shadow §10, §11): the served frames come from the serving thread, the copy's from the mirror
// thread. Turns and documents are judged while both sockets are open, and nothing of them is kept.
import type { Arm, Clock } from "../../kernel/index.ts";
import { compareBodies } from "../compare/body.ts";
import { fingerprintOf } from "../compare/fingerprint.ts";
import type { ShadowCodec } from "../conversation/codec.ts";
import type { MessageComparer } from "../conversation/finding.ts";
import type { JudgedTurn } from "../conversation/judge.ts";
import { ConversationPair } from "../conversation/livePair.ts";
import { TurnTally, WholeRules } from "../conversation/wholeRules.ts";
import type { Observation } from "../observation.ts";
import type { RoutePlan } from "../plans.ts";
import type { DocumentCodec, ShadowApplication } from "../ports.ts";
import type { RuleBook } from "../rules/ruleBook.ts";
import type { Verdict } from "../verdict.ts";
import { type NotComparedReason, type VerdictName, VERDICTS } from "../words.ts";
import { Documents, type Said } from "../yjs/documents.ts";
import { codecOf } from "./codecs.ts";
import type { Handshake, ShadowSettings, SocketCopyItem, SocketFacts, SocketItem } from "./messages.ts";
import { armsOf, type UnitEvidence, type UnitFacts } from "./unitEvidence.ts";

/** Closes that a proxy makes (contract differences.md S-2). */
const PROXY_CODES: ReadonlySet<number> = new Set([1012, 4001]);
/** How late an answer may be, p99, ms; turns that end by a frame do not need it. */
const LAG_MS = 250;
/** A socket that is closed on one side is judged without the other's word then. */
const LINGER_MS = 8_000;

const OTHER: Readonly<Record<Arm, Arm>> = { control: "candidate", candidate: "control" };

export interface ConversationsOptions {
  readonly clock: Clock;
  readonly application: ShadowApplication;
  /** What was judged; the verdict is counted already. */
  onJudged(plan: RoutePlan, verdict: Verdict): void;
  onTaken(id: number, bytes: number): void;
  onEnd(id: number, surface: string, verdict: VerdictName): void;
  onDiverged(plan: RoutePlan, group: string): void;
}

export interface UnitRules {
  readonly plan: RoutePlan;
  readonly unit: UnitEvidence;
  readonly rules: RuleBook;
}

interface Talk {
  readonly facts: SocketFacts;
  readonly document: string;
  readonly of: UnitRules;
  served: Handshake | null;
  copy: Handshake | null;
  /** Until both handshakes are known. */
  readonly early: (() => void)[];
  pair: ConversationPair | null;
  documents: Documents | null;
  ends: number;
  endedMs: number | null;
  worst: VerdictName;
  isOver: boolean;
}

/** Everything is presence: only how a socket opens and closes is compared. */
const silent = (surface: string): ShadowCodec<null> => ({
  surface,
  start: () => null,
  fromClient: () => [null, { kind: "presence", changesState: false }],
  fromArm: () => [null, { kind: "presence", type: "frame" }],
});

export class Conversations {
  readonly #options: ConversationsOptions;
  readonly #talks = new Map<number, Talk>();
  /** By unit and surface. */
  readonly #documents = new Map<string, { readonly documents: Documents; readonly of: UnitRules }>();
  readonly #tallies = new Map<string, TurnTally>();

  constructor(options: ConversationsOptions) {
    this.#options = options;
  }

  get documentCounts(): Readonly<Record<"converged" | "lagging" | "diverged", number>> {
    const sum = { converged: 0, lagging: 0, diverged: 0 };
    for (const { documents } of this.#documents.values()) {
      const { converged, lagging, diverged } = documents.counts;
      sum.converged += converged;
      sum.lagging += lagging;
      sum.diverged += diverged;
    }
    return sum;
  }

  opening(item: Extract<SocketItem, { kind: "opening" }>, of: UnitRules): void {
    this.#talks.set(item.facts.id, {
      facts: item.facts,
      document: item.document,
      of,
      served: null,
      copy: null,
      early: [],
      pair: null,
      documents: null,
      ends: 0,
      endedMs: null,
      worst: "identical",
      isOver: false,
    });
  }

  served(item: Exclude<SocketItem, { kind: "opening" }>, settings: ShadowSettings): void {
    const talk = this.#talks.get(item.id);
    if ("data" in item) this.#options.onTaken(item.id, item.data.length * (item.kind === "client" ? 2 : 1));
    if (talk === undefined) return;
    const side = talk.facts.served;
    switch (item.kind) {
      case "handshake":
        talk.served = item.result;
        this.#shaken(talk, settings, item.atMs);
        break;
      case "give-up":
        this.#giveUp(talk, item.reason);
        break;
      case "client":
        this.#do(talk, () => this.#client(talk, side, item));
        break;
      case "arm":
        this.#do(talk, () => this.#arm(talk, side, item));
        break;
      case "closed":
        this.#do(talk, () => this.#closed(talk, side, { ...item, isHalfOpen: false }));
        break;
    }
  }

  copied(item: SocketCopyItem, settings: ShadowSettings): void {
    const talk = this.#talks.get(item.id);
    if (talk === undefined) return;
    const side = OTHER[talk.facts.served];
    switch (item.kind) {
      case "copy-handshake":
        talk.copy = item.result;
        this.#shaken(talk, settings, item.atMs);
        break;
      case "copy-lost":
        this.#giveUp(talk, item.reason);
        break;
      case "copy-client":
        this.#do(talk, () => this.#client(talk, side, item));
        break;
      case "copy-arm":
        this.#do(talk, () => this.#arm(talk, side, item));
        break;
      case "copy-closed":
        this.#do(talk, () => this.#closed(talk, side, item));
        break;
    }
  }

  /** A few times a second. */
  tick(): void {
    const nowMs = this.#options.clock.now();
    for (const talk of [...this.#talks.values()]) {
      talk.pair?.tick(nowMs - SLACK_MS);
      if (talk.endedMs !== null && nowMs - talk.endedMs > LINGER_MS) this.#finish(talk);
    }
    const moment = { atMs: nowMs, nowMs };
    for (const { documents, of } of this.#documents.values()) {
      for (const said of documents.tick(moment)) this.#said(of, said);
    }
  }

  /** Whatever is open is not compared. */
  loseAll(reason: NotComparedReason): void {
    for (const talk of [...this.#talks.values()]) this.#giveUp(talk, reason);
  }

  #do(talk: Talk, run: () => void): void {
    if (talk.isOver) return;
    if (talk.pair === null) talk.early.push(run);
    else run();
    if (talk.early.length > EARLY_MAX) this.#giveUp(talk, "queue_full");
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
    const observed = observe(served, facts.served, "served");
    const shadow = OTHER[facts.served];
    const judged = of.unit.judge(of.plan, this.#facts(talk, false), armsOf(observed, observe(copy, shadow, "shadow")));
    const verdict: Verdict = judged?.judgement.verdict ?? { name: "not_compared", reason: "no_target" };
    this.#tell(talk, verdict);
    if (!isOpen(served) || !isOpen(copy)) {
      this.#finish(talk);
      return;
    }
    this.#open(talk, settings, atMs);
    for (const run of talk.early.splice(0)) run();
  }

  #open(talk: Talk, settings: ShadowSettings, atMs: number): void {
    const { surface } = talk.facts;
    const { application } = this.#options;
    const isPlain = talk.of.plan.isPlain;
    const document = isPlain ? undefined : application.documents.get(surface);
    if (document !== undefined) {
      talk.documents = this.#documentsOf(talk.of, surface, document);
      for (const arm of ["control", "candidate"] as const) {
        this.#document(talk, { type: "joined", arm, socket: String(talk.facts.id) }, atMs);
      }
    }
    const codec = document === undefined ? codecOf(application, surface, isPlain, settings) : silent(surface);
    if (codec === null) {
      this.#giveUp(talk, "no_codec");
      return;
    }
    const tally = this.#tallyOf(talk);
    talk.pair = new ConversationPair({
      codec,
      comparer: this.#comparer(talk, tally),
      lagMs: LAG_MS,
      atMs,
      ignoredCodes: PROXY_CODES,
      onTurn: (turn) => this.#turn(talk, turn, tally),
    });
  }

  #tallyOf({ of, facts }: Talk): TurnTally {
    const name = `${of.unit.campaign?.id ?? ""} ${facts.surface}`;
    const tally = this.#tallies.get(name) ?? new TurnTally();
    this.#tallies.set(name, tally);
    return tally;
  }

  #comparer(talk: Talk, tally: TurnTally): MessageComparer {
    const { facts, of } = talk;
    const { application, clock } = this.#options;
    const { rules } = of;
    const { surface } = facts;
    const conditions = application.conditions;
    const shadow = OTHER[facts.served];
    const nowMs = clock.now();
    const rulesOf = (type: string) => rules.forMessage(surface, type).bodyFor(200);
    const context = {
      delayMs: LAG_MS,
      nowMs,
      shadow,
      conditions,
      ids: null,
      turns: (rule: string) => ({ compared: tally.turns + 1, accepted: tally.hits(rule) }),
    };
    return {
      fingerprint: ({ type, value }) => {
        const body = rulesOf(type);
        return fingerprintOf(value, body.root, body, (text) => text);
      },
      compare: (control, candidate) => compareBodies(control.value, candidate.value, rulesOf(control.type), context),
      whole: new WholeRules({ surface, rules: rules.live, conditions, counts: tally, shadow }),
      nowMs,
    };
  }

  #client(
    talk: Talk,
    side: Arm,
    item: { readonly isBinary: boolean; readonly data: Uint8Array; readonly atMs: number },
  ): void {
    talk.pair?.client(item, item.atMs, side);
    this.#update(talk, "sent", side, item);
  }

  #arm(
    talk: Talk,
    side: Arm,
    item: { readonly isBinary: boolean; readonly data: Uint8Array; readonly atMs: number },
  ): void {
    talk.pair?.arm(side, item, item.atMs);
    this.#update(talk, "received", side, item);
  }

  #closed(
    talk: Talk,
    side: Arm,
    { by, code, isHalfOpen, atMs }: { by: "client" | "arm" | "proxy"; code: number; isHalfOpen: boolean; atMs: number },
  ): void {
    talk.pair?.closed(side, { code, by, isHalfOpen }, atMs);
    if (talk.documents !== null) this.#document(talk, { type: "left", arm: side, socket: String(talk.facts.id) }, atMs);
    talk.ends += 1;
    talk.endedMs ??= this.#options.clock.now();
    if (talk.ends === 2) this.#finish(talk);
  }

  #update(
    talk: Talk,
    type: "sent" | "received",
    arm: Arm,
    frame: { readonly isBinary: boolean; readonly data: Uint8Array; readonly atMs: number },
  ): void {
    if (talk.documents === null) return;
    const update = this.#options.application.documents.get(talk.facts.surface)?.updateOf(frame) ?? null;
    if (update !== null) this.#document(talk, { type, arm, socket: String(talk.facts.id), update }, frame.atMs);
  }

  #documentsOf(of: UnitRules, surface: string, codec: DocumentCodec): Documents {
    const name = `${of.plan.unit} ${surface}`;
    const known = this.#documents.get(name);
    if (known !== undefined) return known.documents;
    const { conditions } = this.#options.application;
    const body = of.rules.forMessage(surface, "document").bodyFor(200);
    const documents = new Documents({
      rules: { roots: codec.roots, body, ...(codec.visible !== undefined && { visible: codec.visible }) },
      contextAt: (nowMs) => ({ delayMs: 0, nowMs, shadow: "candidate", conditions, ids: null }),
    });
    this.#documents.set(name, { documents, of });
    return documents;
  }

  #document(talk: Talk, event: Parameters<Documents["take"]>[1], atMs: number): void {
    const said = talk.documents?.take(talk.document, event, { atMs, nowMs: this.#options.clock.now() }) ?? null;
    if (said !== null) this.#said(talk.of, said);
  }

  #said(of: UnitRules, { document, verdict }: Said): void {
    const group = document.slice(0, document.indexOf("\n"));
    const facts = {
      group,
      changesState: true,
      delayMs: 0,
      atMs: this.#options.clock.now(),
      shadow: "candidate" as const,
    };
    const judged = of.unit.add(of.plan, facts, verdict);
    this.#options.onJudged(of.plan, judged ?? { name: "not_compared", reason: "no_target" });
    if (of.unit.isDiverged(group)) this.#options.onDiverged(of.plan, group);
  }

  #turn(talk: Talk, { verdict, changesState, ruleHits }: JudgedTurn, tally: TurnTally): void {
    if (verdict.name !== "not_compared") tally.count(ruleHits);
    const judged = talk.of.unit.add(talk.of.plan, this.#facts(talk, changesState), verdict);
    this.#tell(talk, judged ?? { name: "not_compared", reason: "no_target" });
    if (talk.of.unit.isDiverged(talk.facts.group)) this.#options.onDiverged(talk.of.plan, talk.facts.group);
  }

  #facts({ facts }: Talk, changesState: boolean): UnitFacts {
    const { group, served } = facts;
    return { group, shadow: OTHER[served], changesState, delayMs: 0, atMs: this.#options.clock.now() };
  }

  #tell(talk: Talk, verdict: Verdict): void {
    if (VERDICTS.indexOf(verdict.name) > VERDICTS.indexOf(talk.worst)) talk.worst = verdict.name;
    this.#options.onJudged(talk.of.plan, verdict);
  }

  #giveUp(talk: Talk, reason: NotComparedReason): void {
    if (talk.isOver) return;
    talk.worst = "not_compared";
    if (talk.pair !== null) talk.pair.giveUp(reason);
    else {
      const facts = this.#facts(talk, false);
      talk.of.unit.add(talk.of.plan, facts, { name: "not_compared", reason });
      this.#options.onJudged(talk.of.plan, { name: "not_compared", reason });
    }
    if (talk.documents !== null) {
      const atMs = this.#options.clock.now();
      this.#document(talk, { type: "forgotten", socket: String(talk.facts.id) }, atMs);
    }
    // Turns of it may have changed something that the target now lacks.
    if (talk.of.plan.isStateful && talk.facts.surface !== "") {
      talk.of.unit.diverge(talk.facts.group);
      this.#options.onDiverged(talk.of.plan, talk.facts.group);
    }
    this.#finish(talk);
  }

  #finish(talk: Talk): void {
    if (talk.isOver) return;
    talk.isOver = true;
    this.#talks.delete(talk.facts.id);
    if (talk.pair !== null && talk.worst !== "not_compared") {
      const { verdict } = talk.pair.end();
      const judged = talk.of.unit.add(talk.of.plan, this.#facts(talk, false), verdict);
      this.#tell(talk, judged ?? { name: "not_compared", reason: "no_target" });
    }
    this.#options.onEnd(talk.facts.id, talk.facts.surface, talk.worst);
  }
}

/** Both threads' clocks agree to less than this, and what they say may overtake. */
const SLACK_MS = 500;
const EARLY_MAX = 2_000;

const isOpen = (shaken: Handshake): boolean => "status" in shaken && shaken.status === 101;

function observe(shaken: Handshake, arm: Arm, role: "served" | "shadow"): Observation {
  const common = { arm, role, isCut: false, firstByteMs: null, totalMs: 0 } as const;
  if ("error" in shaken) return { ...common, result: { error: shaken.error } };
  const { status, contentType, body } = shaken;
  const headers = contentType === "" ? [] : ([["content-type", contentType]] as const);
  return { ...common, result: { reply: { status, headers, body } } };
}
