// One document as one socket of one arm has it: what the arm sent there and what its client sent itself, in that order. Between
// checks it holds clocks and bytes, no document (shadow Y2, Y3).
import * as Y from "yjs";
import { ClockLedger } from "./clockLedger.ts";
import { decodeUpdate } from "./decodedUpdate.ts";
import { TRACK_LIMITS, type TrackLimits } from "./limits.ts";
import { isApplied, newsOf, structsIn } from "./updateBytes.ts";
import { mergeAll, UpdateLog } from "./updateLog.ts";

/** `known`: nothing that was not there. `dropped`: the track is over its bounds. */
export type Intake = "new" | "known" | "malformed" | "dropped";

export interface Built {
  readonly doc: Y.Doc;
  /** Some of it still waits for something that never came. */
  readonly isPending: boolean;
}

export class DocumentTrack {
  readonly #limits: TrackLimits;
  #ledger = new ClockLedger();
  #log = new UpdateLog();
  /** What no check could place, and how many structs it has. */
  #waiting = new UpdateLog();
  #waitingStructs = 0;
  #gapsAtBuild = "";
  #pendingStructs = 0;
  #overBound: keyof TrackLimits | null = null;
  #lastAtMs: number | null = null;
  #malformed = 0;
  #sentMalformed = 0;
  #unusable = 0;
  #unusableTaken = 0;
  #dropped = 0;

  constructor(limits: TrackLimits = TRACK_LIMITS) {
    this.#limits = limits;
  }

  /** An update that the arm sent, or a full state: that is one, too. */
  received(update: Uint8Array, atMs: number): Intake {
    const intake = this.#add(update, atMs);
    if (intake === "malformed") this.#malformed += 1;
    return intake;
  }

  /** An update that the client of this socket sent: it has applied it itself. */
  sent(update: Uint8Array, atMs: number): Intake {
    const intake = this.#add(update, atMs);
    if (intake === "malformed") this.#sentMalformed += 1;
    return intake;
  }

  #add(update: Uint8Array, atMs: number): Intake {
    this.#lastAtMs = Math.max(atMs, this.#lastAtMs ?? atMs);
    if (this.#overBound !== null) return this.#drop();
    if (update.length > this.#limits.documentBytes) return this.#giveUp("documentBytes");
    const decoded = decodeUpdate(update);
    if (decoded === null) return "malformed";
    const { brings, pending, before } = this.#ledger.take(decoded);
    this.#pendingStructs = this.#ledger.hasGap ? this.#pendingStructs + pending : 0;
    if (brings === "known") return "known";
    this.#unusable += this.#log.append(brings === "overlaps" ? newsOf(update, before) : update);
    if (this.#pendingStructs > this.#limits.pendingStructs) return this.#giveUp("pendingStructs");
    if (this.#ledger.size > this.#limits.ranges) return this.#giveUp("ranges");
    if (this.bytes > this.#limits.documentBytes + this.#limits.newBytes) return this.#giveUp("documentBytes");
    return "new";
  }

  #drop(): Intake {
    this.#dropped += 1;
    return "dropped";
  }

  #giveUp(bound: keyof TrackLimits): Intake {
    this.#overBound = bound;
    this.#ledger = new ClockLedger();
    this.#log = new UpdateLog();
    this.#waiting = new UpdateLog();
    return this.#drop();
  }

  /** The bound that was hit: nothing is known of the document any more. */
  get overBound(): keyof TrackLimits | null {
    return this.#overBound;
  }

  /** Of the newest frame; null: there was none. */
  get lastAtMs(): number | null {
    return this.#lastAtMs;
  }

  /** Malformed updates that the arm sent. */
  get malformed(): number {
    return this.#malformed;
  }

  /** What went into no document: malformed by the client, decoded and not to be applied, beyond a bound. */
  get losses(): { readonly sentMalformed: number; readonly unusable: number; readonly dropped: number } {
    return { sentMalformed: this.#sentMalformed, unusable: this.#unusable, dropped: this.#dropped };
  }

  /** What could not be applied since it was last asked. */
  takeUnusable(): number {
    const news = this.#unusable - this.#unusableTaken;
    this.#unusableTaken = this.#unusable;
    return news;
  }

  get pendingStructs(): number {
    return this.#pendingStructs;
  }

  get hasGap(): boolean {
    return this.#ledger.hasGap;
  }

  gaps(): string {
    return this.#ledger.gaps();
  }

  strangers(): readonly number[] {
    return this.#ledger.strangers();
  }

  stateVector(): Map<number, number> {
    return this.#ledger.stateVector();
  }

  deleteDigest(): string {
    return this.#ledger.deleteDigest();
  }

  get bytes(): number {
    return this.#log.bytes + this.#waiting.bytes;
  }

  /** The oldest part of its bytes; may be given as what another track holds, if it is equal. */
  get base(): Uint8Array | null {
    return this.#log.base;
  }

  set base(bytes: Uint8Array) {
    this.#log.base = bytes;
  }

  /**
   * The document, for the time of a check. What led to it becomes one state: deleted content goes, as it does at the arms.
   * Null: it is over a bound.
   */
  build(): Built | null {
    if (this.#overBound !== null) return null;
    const doc = this.#applied(this.#partsToApply());
    this.#setAside(doc.store);
    this.#log.replace(Y.encodeStateAsUpdate(doc));
    this.#pendingStructs = this.#waitingStructs;
    if (this.bytes > this.#limits.documentBytes) this.#giveUp("documentBytes");
    else if (this.#pendingStructs > this.#limits.pendingStructs) this.#giveUp("pendingStructs");
    else return { doc, isPending: this.#waiting.bytes > 0 };
    doc.destroy();
    return null;
  }

  /** What waits is tried again when a gap has changed, not at every check: else it is as often read as there are checks. */
  #partsToApply(): readonly Uint8Array[] {
    const gaps = this.#ledger.gaps();
    if (gaps === this.#gapsAtBuild) return this.#log.parts;
    this.#gapsAtBuild = gaps;
    const [base, ...newer] = this.#log.parts;
    const parts = [...(base === undefined ? [] : [base]), ...this.#waiting.parts, ...newer];
    this.#waiting = new UpdateLog();
    this.#waitingStructs = 0;
    return parts;
  }

  /** Takes out of a document what could not be placed in it. */
  #setAside(store: Y.Doc["store"]): void {
    const { pendingStructs, pendingDs } = store;
    for (const update of [pendingStructs?.update, pendingDs]) {
      if (update == null) continue;
      this.#unusable += this.#waiting.append(Y.convertUpdateFormatV2ToV1(update));
      this.#waitingStructs += structsIn(update);
    }
    store.pendingStructs = null;
    store.pendingDs = null;
  }

  /** Applied at once: Yjs merges everything that waits with each update it applies, which is quadratic after a lost one. */
  #applied(parts: readonly Uint8Array[]): Y.Doc {
    const doc = new Y.Doc();
    const { update, dropped } = mergeAll(parts);
    if (update === null) return doc;
    if (dropped === 0 && isApplied(doc, update)) return doc;
    doc.destroy();
    return this.#appliedOneByOne(parts);
  }

  /** Some update decodes and cannot be placed: an arm drops just that one. */
  #appliedOneByOne(parts: readonly Uint8Array[]): Y.Doc {
    const doc = new Y.Doc();
    for (const part of parts) if (!isApplied(doc, part)) this.#unusable += 1;
    return doc;
  }
}
