// A pair of sockets while it lives (shadow §10): each turn is judged once, in order, when both arms have ended it, and nothing of it is
// kept. What is held grows with open turns, not with the life of the socket. Knows no clock: times come with what happens, and those
// of one side never go back.
import type { NotComparedReason } from "../words.ts";
import type { ShadowCodec, SocketFrame } from "./codec.ts";
import type { MessageComparer } from "./finding.ts";
import { type Ends, isBroken, type JudgedClose, type JudgedTurn, type LegEnd, TurnJudge, wasCut } from "./judge.ts";
import { GRACE_MS_MIN, LegRecorder } from "./legRecorder.ts";
import { TalkTrail, type Trail } from "./talkTrail.ts";
import { type Side, SIDES, TurnFold, type TurnFindings } from "./turnFold.ts";

export interface PairOptions {
  readonly codec: ShadowCodec;
  readonly comparer: Omit<MessageComparer, "checkTurn">;
  /** How late the arms answer, p99, ms. */
  readonly lagMs: number;
  /** Monotonic ms, when both sockets were open. */
  readonly atMs: number;
  /** Codes of closes that a proxy makes, which are not compared. */
  readonly ignoredCodes: ReadonlySet<number>;
  readonly shadow: Side;
  /** Once for the greeting and for each turn of the client, in order. @param around what was said there; to be asked at once */
  onTurn(judged: JudgedTurn, around: () => Trail): void;
}

/** Of an arm that talks where nobody asks: so much is a turn by itself, or its turn would never end. */
const WINDOW_MS = 2_500;
/** Behind a turn what an arm says may still be its, however late. */
const IDLE_MS = 30_000;

export class ConversationPair {
  readonly #options: PairOptions;
  readonly #legs: Readonly<Record<Side, LegRecorder>>;
  readonly #fold: TurnFold;
  readonly #judge = new TurnJudge();
  readonly #trail = new TalkTrail();
  readonly #ends: Record<Side, LegEnd | null> = { control: null, candidate: null };
  readonly #open: Record<Side, ((turn: number) => number | null) | null> = { control: null, candidate: null };
  /** Of turns that are not judged yet, by their number. */
  readonly #changesState = new Map<number, boolean>();
  /** When the client opened its last turn on either side; null: it has opened none. */
  #askedMs: number | null = null;
  /** The oldest message of the window that is open; null: there is none. */
  #windowMs: number | null = null;
  /** Turns that are windows: one in which nothing was said is none. */
  readonly #windows = new Set<number>();
  /** The last turn that the shadow's arm had answered when its line broke; null: it did not break. */
  #answeredTo: number | null = null;
  #judged = 0;
  /** What came behind the last turn. */
  readonly #behind: TurnFindings[] = [];
  #closed: JudgedClose | null = null;

  constructor(options: PairOptions) {
    this.#options = options;
    const { codec, comparer, lagMs, atMs } = options;
    const leg = (): LegRecorder => new LegRecorder(codec, atMs, Math.max(GRACE_MS_MIN, lagMs));
    this.#legs = { control: leg(), candidate: leg() };
    const checkTurn = codec.checkTurn?.bind(codec);
    this.#fold = new TurnFold(checkTurn === undefined ? comparer : { ...comparer, checkTurn });
  }

  /** Messages, turns and texts that are kept. */
  get held(): number {
    const { control, candidate } = this.#legs;
    return control.held + candidate.held + this.#changesState.size + this.#windows.size;
  }

  /** A turn is open on an arm, or has not come to both. */
  get isBusy(): boolean {
    const { control, candidate } = this.#legs;
    if (this.#closed !== null || this.#judge.reason !== null) return false;
    return control.hasOpenTurn || candidate.hasOpenTurn || control.turns !== candidate.turns;
  }

  /** Behind it nothing is compared (shadow C8). */
  get isDiverged(): boolean {
    return this.#judge.isDiverged;
  }

  get firstDivergence(): number | null {
    return this.#judge.firstDivergence;
  }

  /** Frames whose cause was not mirrored (C9). */
  get external(): number {
    return this.#legs.control.external + this.#legs.candidate.external;
  }

  /** A client's frame left for an arm; without a side for both at once. Gives whether it opened a turn. */
  client(frame: SocketFrame, atMs: number, side: Side | null = null): boolean {
    if (this.#closed !== null) return false;
    let isTurn = false;
    for (const one of side === null ? SIDES : [side]) {
      if (this.#ends[one] !== null) continue;
      const seen = this.#legs[one].sent(frame, atMs);
      isTurn = seen.kind === "turn";
      if (isTurn) this.#askedMs = Math.max(this.#askedMs ?? atMs, atMs);
      const { turns } = this.#legs[one];
      if (isTurn && turns > this.#judged - 1) this.#changesState.set(turns, seen.changesState);
      // Both get the same: one of them is enough to show it.
      if (one === SIDES[0] && seen.kind !== "presence" && this.#judge.reason === null) {
        this.#trail.client(frame, turns, atMs);
      }
    }
    this.#advance();
    return isTurn;
  }

  /** Gives how many turns the frame has ended on its side (for the send gate, shadow C3). */
  arm(side: Side, frame: SocketFrame, atMs: number): number {
    if (this.#closed !== null) return 0;
    const ended = this.#legs[side].received(frame, atMs);
    this.#advance();
    return ended.length;
  }

  closed(side: Side, end: LegEnd, atMs: number): void {
    if (this.#closed !== null || this.#ends[side] !== null) return;
    this.#ends[side] = end;
    const leg = this.#legs[side];
    leg.look(atMs);
    if (side === this.#options.shadow && isBroken(end)) this.#answeredTo = leg.sealedTo;
    // An arm that has closed by itself had nothing more to say; one that was left could not.
    if (end.by !== "arm") this.#open[side] = leg.openAt(atMs);
    leg.close();
    this.#advance();
  }

  /** Nothing that happened before is still to be told. */
  tick(nowMs: number): void {
    if (this.#closed !== null) return;
    for (const side of SIDES) this.#legs[side].look(nowMs);
    this.#advance();
    if (this.#isWindowOver(nowMs)) this.#cut(nowMs);
  }

  /** Nothing of what is left can be compared, such as when the send gate ends (shadow C4). */
  giveUp(reason: NotComparedReason): void {
    if (this.#closed !== null) return;
    this.#judge.giveUp(reason);
    for (const side of SIDES) this.#legs[side].giveUp(reason);
    this.#advance();
  }

  /** Judges what is left; once. */
  end(): JudgedClose {
    if (this.#closed !== null) return this.#closed;
    for (const side of SIDES) {
      const leg = this.#legs[side];
      // Who is still connected may still answer.
      if (this.#ends[side] === null) this.#open[side] = leg.openAt(leg.knownMs);
      leg.close();
    }
    this.#advance();
    const behind = this.#behind;
    while (this.#judge.reason === null && this.#fold.held > 0) {
      const found = this.#fold.next(this.#legs);
      if (found === null) break;
      behind.push(this.#release(found));
    }
    const ends: Ends = { ...this.#ends, ignoredCodes: this.#options.ignoredCodes };
    const { whole, nowMs } = this.#options.comparer;
    this.#closed = this.#judge.close(ends, behind, { whole, nowMs, hasFailed: this.#answeredTo !== null });
    return this.#closed;
  }

  /** Both at one moment: what of it is said later on one side only finds its partner in the next window (shadow C6). */
  #cut(nowMs: number): void {
    this.#windowMs = null;
    for (const side of SIDES) this.#legs[side].cut(nowMs);
    this.#windows.add(this.#legs.control.turns);
    this.#advance();
  }

  #isWindowOver(nowMs: number): boolean {
    if (this.isBusy || this.#ends.control !== null || this.#ends.candidate !== null) {
      this.#windowMs = null;
      return false;
    }
    const isIdle = this.#askedMs === null || nowMs - this.#askedMs >= IDLE_MS;
    return isIdle && this.#windowMs !== null && nowMs - this.#windowMs >= WINDOW_MS;
  }

  /** What was said before the end, and behind the last turn; to be asked behind `end`. */
  aroundEnd(): Trail {
    const [one] = this.#behind;
    const findings = this.#behind.flatMap((found) => found.findings);
    return this.#trail.around(one === undefined ? null : { ...one, findings }, this.#judged, []);
  }

  #advance(): void {
    for (const side of SIDES) {
      const { notCompared } = this.#legs[side];
      if (notCompared !== null) this.#judge.giveUp(notCompared);
      const messages = this.#legs[side].take();
      const [first] = messages;
      if (first !== undefined) this.#windowMs = Math.min(this.#windowMs ?? first.atMs, first.atMs);
      if (this.#judge.reason === null) this.#fold.add(side, messages);
      else this.#legs[side].release(messages);
    }
    while (this.#judgeNext()) {
      /* one more */
    }
  }

  #judgeNext(): boolean {
    const turn = this.#judged;
    const { control, candidate } = this.#legs;
    if (turn > Math.max(control.turns, candidate.turns)) return false;
    const changesState = this.#changesState.get(turn) === true;
    if (this.#judge.reason !== null) {
      this.#forget();
      return this.#emit(this.#judge.skip(turn, changesState), null);
    }
    const found = this.#fold.next(this.#legs);
    if (found === null) return false;
    if (this.#windows.delete(turn) && isSilent(found)) {
      this.#judged += 1;
      this.#trail.pass(found, turn);
      return true;
    }
    this.#release(found);
    if (this.#answeredTo !== null && turn > this.#answeredTo) {
      return this.#emit(this.#judge.judge(found, changesState, "shadow_failed"), found);
    }
    return this.#emit(
      this.#judge.judge(found, changesState, wasCut(found, this.#open) ? "served_aborted" : null),
      found,
    );
  }

  #emit(judged: JudgedTurn, found: TurnFindings | null): true {
    this.#changesState.delete(judged.turn);
    this.#judged += 1;
    this.#options.onTurn(judged, () => this.#trail.around(found, judged.turn, this.#fold.waiting));
    if (this.#judge.reason === null) this.#trail.pass(found, judged.turn);
    else this.#trail.clear();
    return true;
  }

  #release(found: TurnFindings): TurnFindings {
    for (const side of SIDES) this.#legs[side].release(found.done[side]);
    return found;
  }

  #forget(): void {
    const dropped = this.#fold.clear();
    for (const side of SIDES) this.#legs[side].release(dropped[side]);
  }
}

const isSilent = ({ findings, own }: TurnFindings): boolean => findings.length === 0 && own.length === 0;
