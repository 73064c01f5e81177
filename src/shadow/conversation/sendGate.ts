// When a client's frame leaves for the shadow (shadow C3, C4): behind those before it, with the gaps the client made, once its ids
// are known there, and where the surface wants it, once the turn before has ended there.
import type { Clock } from "../../kernel/index.ts";
import type { NotComparedReason } from "../words.ts";
import type { SocketFrame } from "./codec.ts";

/** C3, C4. */
const GAP_MS_MAX = 2_000;
const BEHIND_MS_MAX = 5_000;
const BYTES_MAX = 256 * 1_024;
const GRAIN_MS = 50;
/** Empty frames are no bytes and still held. */
const FRAMES_MAX = 4_096;

export interface SendGateOptions {
  readonly clock: Clock;
  /** The surface answers one turn at a time. */
  readonly waitsForTurns: boolean;
  /** With the other arm's ids; null while one of them is awaited (shadow M3). */
  rewrite(frame: SocketFrame): SocketFrame | null;
  send(frame: SocketFrame): void;
  /** Once: nothing of the conversation is sent any more, and all of it is not compared. */
  giveUp(reason: NotComparedReason): void;
}

interface Waiting {
  readonly frame: SocketFrame;
  readonly isTurn: boolean;
  /** When the client sent it. */
  readonly atMs: number;
  /** Behind the one before it. */
  readonly gapMs: number;
}

export class SendGate {
  readonly #options: SendGateOptions;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #openTurns = 0;
  #lastOfferedMs: number;
  #lastSentMs: number;
  #isOver = false;
  #cancel = (): void => {};

  constructor(options: SendGateOptions) {
    this.#options = options;
    this.#lastOfferedMs = options.clock.monotonic();
    this.#lastSentMs = this.#lastOfferedMs;
  }

  /** Of frames that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A client's frame has left for the served arm. */
  offer(frame: SocketFrame, isTurn: boolean): void {
    if (this.#isOver) return;
    const atMs = this.#options.clock.monotonic();
    const gapMs = Math.min(GAP_MS_MAX, atMs - this.#lastOfferedMs);
    this.#lastOfferedMs = atMs;
    this.#bytes += frame.data.length;
    this.#waiting.push({ frame, isTurn, atMs, gapMs });
    if (this.#bytes > BYTES_MAX || this.#waiting.length > FRAMES_MAX) this.#end("queue_full");
    else this.#advance();
  }

  /** The shadow has answered a turn. */
  turnEnded(): void {
    this.#openTurns = Math.max(0, this.#openTurns - 1);
    this.#advance();
  }

  /** An id has become known. */
  idLearnt(): void {
    this.#advance();
  }

  /** The conversation is over, one way or another. */
  close(): void {
    this.#isOver = true;
    this.#cancel();
    this.#waiting.length = 0;
    this.#bytes = 0;
  }

  #advance(): void {
    const { clock, rewrite, send } = this.#options;
    this.#cancel();
    for (let next = this.#waiting[0]; next !== undefined && !this.#isOver; next = this.#waiting[0]) {
      const nowMs = clock.monotonic();
      const lateMs = next.atMs + BEHIND_MS_MAX - nowMs;
      const earlyMs = this.#lastSentMs + next.gapMs - nowMs;
      const isBlocked = this.#options.waitsForTurns && next.isTurn && this.#openTurns > 0;
      // A timer may come late: what could leave now may still be too far behind.
      const isHeld = earlyMs > 0 || isBlocked || lateMs < 0;
      const frame = isHeld ? null : rewrite(next.frame);
      if (frame === null) {
        if (lateMs <= 0) this.#end(isHeld ? "queue_full" : "identity");
        else this.#look(Math.min(lateMs, earlyMs > 0 ? earlyMs : lateMs));
        return;
      }
      this.#waiting.shift();
      this.#bytes -= next.frame.data.length;
      // Late by a timer's grain it counts as sent in time: the grains of many frames would add up to seconds.
      this.#lastSentMs = nowMs + earlyMs >= nowMs - GRAIN_MS ? nowMs + earlyMs : nowMs;
      if (next.isTurn) this.#openTurns += 1;
      send(frame);
    }
  }

  #look(afterMs: number): void {
    this.#cancel = this.#options.clock.after(afterMs, () => this.#advance());
  }

  #end(reason: NotComparedReason): void {
    if (this.#isOver) return;
    this.close();
    this.#options.giveUp(reason);
  }
}
