// One document on both arms, followed socket by socket: what an arm stored and did not relay, or relayed and did not store, is
// in one view and missing in another.
import { type Arm, ARMS } from "../../kernel/index.ts";
import type { CompareContext } from "../compare/body.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { Verdict } from "../verdict.ts";
import { checkDocuments, type DocumentRules, type DocumentVerdict, SETTLE_MS } from "./checkDocuments.ts";
import { combineVerdicts, CUT } from "./combineVerdicts.ts";
import type { DocumentView } from "./documentView.ts";
import { clientsOf } from "./decodedUpdate.ts";
import { type DocumentEvent, type Moment, noLosses, type PairLosses } from "./documentEvent.ts";
import {
  type DocumentLadder,
  dueAtMs,
  isOver,
  type LadderEffect,
  type LadderEvent,
  type LadderPhase,
  startLadder,
  stepLadder,
} from "./ladder.ts";
import { PAIR_LIMITS, type PairLimits } from "./limits.ts";
import { shareBases } from "./shareBases.ts";
import { SocketView } from "./socketView.ts";

export interface PairOptions {
  readonly rules: DocumentRules;
  /** What comparing needs beside the documents. */
  contextAt(nowMs: number): CompareContext;
  readonly limits?: PairLimits;
}

export class DocumentPair {
  readonly #options: PairOptions;
  readonly #limits: PairLimits;
  readonly #views = new Map<string, SocketView>();
  readonly #clientMade = new Set<number>();
  readonly #losses = noLosses();
  #ladder: DocumentLadder;
  #open: readonly FoundDifference[] = [];
  #bytes = 0;
  #isEnded = false;
  #view: DocumentView | null = null;

  constructor(options: PairOptions, { atMs }: Moment) {
    this.#options = options;
    this.#limits = options.limits ?? PAIR_LIMITS;
    this.#ladder = startLadder(atMs);
  }

  get phase(): LadderPhase {
    return this.#ladder.phase;
  }

  /** What differed in the newest check while the arms may still converge. */
  get open(): readonly FoundDifference[] {
    return this.#open;
  }

  /** A comparison has begun and has no verdict yet. */
  get isOpen(): boolean {
    return !isOver(this.#ladder) && (this.#ladder.frames > 0 || this.#ladder.phase === "lagging");
  }

  /** Nobody has the document open and everything is said. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Of the verdict that was just given, that they differ; once. */
  takeView(): DocumentView | null {
    const view = this.#view;
    this.#view = null;
    return view;
  }

  get losses(): Readonly<PairLosses> {
    return this.#losses;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When `tick` has something to do; null: not before the next event. */
  get dueAtMs(): number | null {
    return dueAtMs(this.#ladder);
  }

  tick(moment: Moment): Verdict | null {
    return this.#step({ type: "tick", atMs: moment.atMs }, moment);
  }

  /** Gives the verdict of a check that was due with it. */
  take(event: DocumentEvent, moment: Moment): Verdict | null {
    switch (event.type) {
      case "joined":
        return this.#join(event.arm, event.socket, moment);
      case "left":
        return this.#leave(event.arm, event.socket, moment);
      case "forgotten":
        return this.#forget(event.socket, moment);
      default:
        return this.#frame(event, moment);
    }
  }

  #join(arm: Arm, socket: string, moment: Moment): Verdict | null {
    let view = this.#views.get(socket);
    if (view === undefined && this.#views.size >= this.#limits.sockets) {
      return this.#step({ type: "refused", atMs: moment.atMs }, moment);
    }
    view ??= new SocketView(this.#limits);
    this.#views.set(socket, view);
    view.join(arm);
    return null;
  }

  #frame(event: Extract<DocumentEvent, { update: Uint8Array }>, moment: Moment): Verdict | null {
    const { type, arm, socket, update } = event;
    const view = this.#views.get(socket);
    if (view === undefined || !view.isOpen(arm) || view.isSaid || isOver(this.#ladder)) {
      this.#losses.ignored += 1;
      return null;
    }
    if (type === "sent") this.#noteClients(update);
    const track = view.tracks[arm];
    const before = track.bytes;
    const intake = track[type](update, moment.atMs);
    this.#bytes += track.bytes - before;
    if (intake === "malformed") this.#losses[type === "sent" ? "sentMalformed" : "malformed"] += 1;
    if (intake === "dropped") this.#losses.ignored += 1;
    this.#losses.unusable += track.takeUnusable();
    if (intake !== "known") view.verdict = null;
    const frame = { atMs: moment.atMs, bytes: update.length, leg: view.count(arm, update.length) };
    return this.#step({ type: "frame", ...frame }, moment);
  }

  #noteClients(update: Uint8Array): void {
    for (const client of clientsOf(update)) {
      if (this.#clientMade.size < this.#limits.ranges) this.#clientMade.add(client);
    }
  }

  #leave(arm: Arm, socket: string, moment: Moment): Verdict | null {
    const view = this.#views.get(socket);
    if (view?.isOpen(arm) !== true) return null;
    view.leave(arm, moment.atMs - this.#ladder.lastFrameAtMs);
    return this.#endIfEmpty(moment);
  }

  #forget(socket: string, moment: Moment): Verdict | null {
    if (this.#views.delete(socket)) this.#losses.cut += 1;
    return this.#endIfEmpty(moment);
  }

  #endIfEmpty(moment: Moment): Verdict | null {
    if ([...this.#views.values()].some((view) => !view.isGone)) return null;
    return this.#step({ type: "empty", atMs: moment.atMs }, moment);
  }

  #step(event: LadderEvent, moment: Moment): Verdict | null {
    const [state, effects] = stepLadder(this.#ladder, event);
    this.#ladder = state;
    let said: Verdict | null = null;
    for (const effect of effects) said = this.#run(effect, moment) ?? said;
    return said;
  }

  #run(effect: LadderEffect, moment: Moment): Verdict | null {
    switch (effect.do) {
      case "check":
        return this.#step(
          { type: "checked", atMs: moment.atMs, check: effect.check, verdict: this.#check(moment) },
          moment,
        );
      case "verdict":
        return effect.verdict;
      case "drop":
        this.#drop();
        return null;
      case "end":
        this.#isEnded = true;
        return null;
    }
  }

  /** Which sockets are open is still to be known, nothing else. */
  #drop(): void {
    for (const [socket, view] of this.#views) {
      const bare = new SocketView(this.#limits);
      for (const arm of ARMS) if (view.isOpen(arm)) bare.join(arm);
      this.#views.set(socket, bare);
    }
    this.#bytes = 0;
    this.#clientMade.clear();
  }

  #check(moment: Moment): DocumentVerdict {
    const verdicts: DocumentVerdict[] = [];
    let isVouchedFor = false;
    for (const [socket, view] of this.#views) {
      const verdict = this.#checkView(view, moment);
      view.resetCounts();
      if (verdict !== null) verdicts.push(verdict);
      isVouchedFor ||= !view.isGone && verdict !== null && verdict !== CUT;
      // A view that has left and still may converge is looked at again.
      if (view.isGone && verdict?.name !== "lagging") this.#views.delete(socket);
    }
    const bytes = shareBases([...this.#views.values()]);
    this.#bytes = bytes;
    // Who is still there sees what both arms have come to: then only the end of a view is in doubt.
    const verdict = combineVerdicts(isVouchedFor ? verdicts.filter((one) => one !== CUT) : verdicts);
    this.#open = verdict.name === "lagging" ? verdict.differences : [];
    return bytes > this.#limits.bytes ? { name: "not_compared", reason: "body_too_large" } : verdict;
  }

  /** Null: nothing can be said of this view. */
  #checkView(view: SocketView, moment: Moment): DocumentVerdict | null {
    if (view.isSaid) return view.verdict;
    if (!view.isPaired) return this.#awaitLeg(view, moment);
    const verdict = view.verdict ?? this.#compare(view, moment);
    view.verdict = verdict;
    const isUnequal = verdict.name === "different" || verdict.name === "lagging";
    if (!isUnequal || !view.isCut || (verdict.name === "lagging" && !view.isGone)) return verdict;
    this.#losses.cut += 1;
    view.end();
    return CUT;
  }

  /** The other arm's handshake may be on its way; if it never comes, that is told of the handshake. */
  #awaitLeg({ isGone }: SocketView, { atMs }: Moment): DocumentVerdict | null {
    if (isGone) this.#losses.cut += 1;
    const isSettled = atMs - this.#ladder.lastFrameAtMs >= SETTLE_MS;
    return isGone || isSettled ? null : { name: "lagging", differences: [], normalisers: [] };
  }

  #compare({ tracks }: SocketView, { atMs, nowMs }: Moment): DocumentVerdict {
    const context = this.#options.contextAt(nowMs);
    try {
      const onView = (view: DocumentView): void => void (this.#view ??= view);
      const check = { atMs, context, clientMade: this.#clientMade, onView };
      return checkDocuments(tracks.control, tracks.candidate, this.#options.rules, check);
    } catch {
      // The application's own words cannot read it: there is nothing to compare by.
      return { name: "not_compared", reason: "no_codec" };
    } finally {
      for (const arm of ARMS) this.#losses.unusable += tracks[arm].takeUnusable();
    }
  }
}
