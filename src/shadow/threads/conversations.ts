// Socket conversations as they live (shadow §10, §11): the served frames come from the serving thread, the copy's from the mirror
// thread.
import { otherArm, type UnitId } from "../../kernel/index.ts";
import { TurnTally } from "../conversation/wholeRules.ts";
import type { NotComparedReason, VerdictName } from "../words.ts";
import { EarlyCopies } from "./earlyCopies.ts";
import type { SocketCopyItem, SocketItem } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { Talk, type TalkOptions, type UnitRules } from "./talk.ts";
import { type DocumentCounts, TalkDocuments } from "./talkDocuments.ts";

export interface ConversationsOptions extends TalkOptions {
  onTaken(id: number, bytes: number): void;
  onEnd(id: number, surface: string, verdict: VerdictName): void;
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
    for (const { facts, of, isBusy } of this.#talks.values()) {
      if (facts.group === group && of.plan.unit === unit && isBusy) return true;
    }
    return false;
  }

  get documentCounts(): DocumentCounts {
    return this.#documents.counts;
  }

  opening(item: Extract<SocketItem, { kind: "opening" }>, of: UnitRules): void {
    const { id, surface } = item.facts;
    const talk = new Talk({
      ...this.#options,
      opening: item,
      of,
      documents: this.#documents,
      tally: () => this.#tallyOf(talk),
      onOver: (verdict) => {
        this.#talks.delete(id);
        this.#options.onEnd(id, surface, verdict);
      },
    });
    this.#talks.set(id, talk);
    const early = this.#earlyCopies.opened(id);
    if (id <= this.#lostUpTo) talk.giveUp("engine_lost");
    else if (early === null) talk.giveUp("queue_full");
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
        talk.shaken("served", item.result, settings, item.atMs);
        break;
      case "give-up":
        talk.giveUp(item.reason);
        break;
      case "closed":
        talk.closed(side, { ...item, isHalfOpen: false });
        break;
      default:
        talk.frame(side, item, taken);
    }
  }

  copied(item: SocketCopyItem, settings: ShadowSettings): void {
    const talk = this.#talks.get(item.id);
    if (talk === undefined) {
      this.#earlyCopies.add(item.id, () => this.copied(item, settings));
      return;
    }
    const side = otherArm(talk.facts.served);
    switch (item.kind) {
      case "copy-handshake":
        talk.shaken("copy", item.result, settings, item.atMs);
        break;
      case "copy-lost":
        talk.giveUp(item.reason);
        break;
      case "copy-closed":
        talk.closed(side, item);
        break;
      default:
        talk.frame(side, item, () => undefined);
    }
  }

  /** A few times a second. */
  tick(): void {
    const nowMs = this.#options.clock.now();
    for (const talk of this.#talks.values()) talk.tick(nowMs);
    this.#documents.tick(nowMs);
    this.#earlyCopies.tick();
  }

  /** It cannot be followed. */
  lose(id: number, reason: NotComparedReason): void {
    this.#talks.get(id)?.giveUp(reason);
  }

  /** The mirror thread is gone, and with it the copies of all sockets up to this one. */
  mirrorLost(lastId: number): void {
    this.#lostUpTo = Math.max(this.#lostUpTo, lastId);
    this.loseAll("engine_lost");
  }

  /** Whatever is open is not compared. */
  loseAll(reason: NotComparedReason): void {
    for (const talk of this.#talks.values()) talk.giveUp(reason);
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
}
