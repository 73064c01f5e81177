// When a client's frame leaves for the shadow (shadow C3, C4): behind those before it, with the gaps the client made, once its ids
// are known there, and where the surface wants it, once the turn before has ended there, or its arm has said as much as the served
// one had.
import type { Clock } from "../../kernel/index.ts";
import type { NotComparedReason } from "../words.ts";
import type { SocketFrame } from "./codec.ts";

/** C3, C4. */
const GAP_MS_MAX = 2_000;
const BEHIND_MS_MAX = 5_000;
const BYTES_MAX = 256 * 1_024;
const GRAIN_MS = 50;
/** For what the shadow's arm has not said: a little slower it may be, and beyond that it may have lost it (shadow I7). */
const HEAR_MS = 2_000;
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
  /** Frames of the arm that the client had heard. */
  readonly heard: number;
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
  /** Frames of the shadow's arm. */
  #said = 0;
  /** Those that were not waited for any longer. */
  #unsaid = 0;
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

  /**
   * A client's frame has left for the served arm.
   * @param heard frames of that arm that the client had got before: an answer that it may have waited for, the copy waits for too
   */
  offer(frame: SocketFrame, isTurn: boolean, heard = 0): void {
    if (this.#isOver) return;
    const atMs = this.#options.clock.monotonic();
    const gapMs = Math.min(GAP_MS_MAX, atMs - this.#lastOfferedMs);
    this.#lastOfferedMs = atMs;
    this.#bytes += frame.data.length;
    this.#waiting.push({ frame, isTurn, heard, atMs, gapMs });
    if (this.#bytes > BYTES_MAX || this.#waiting.length > FRAMES_MAX) this.#end("queue_full");
    else this.#advance();
  }

  /** The shadow has answered a turn. */
  turnEnded(): void {
    this.#openTurns = Math.max(0, this.#openTurns - 1);
    this.#advance();
  }

  /** The shadow's arm has said something. */
  armSaid(): void {
    this.#said += 1;
    this.#advance();
  }

  /** It has said as much, but for what was given up. */
  hasHeard(frames: number): boolean {
    return frames <= this.#said + this.#unsaid;
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
      const unheardMs = this.hasHeard(next.heard) ? 0 : Math.max(next.atMs, this.#lastSentMs) + HEAR_MS - nowMs;
      const waitMs = Math.max(earlyMs, unheardMs);
      // A timer may come late: what could leave now may still be too far behind.
      const isHeld = waitMs > 0 || isBlocked || lateMs < 0;
      const frame = isHeld ? null : rewrite(next.frame);
      if (frame === null) {
        if (lateMs <= 0) this.#end(isHeld ? "queue_full" : "identity");
        else this.#look(Math.min(lateMs, waitMs > 0 ? waitMs : lateMs));
        return;
      }
      // All of it may have come late, and then nothing was lost.
      if (!this.hasHeard(next.heard) || next.heard <= this.#said) this.#unsaid = Math.max(0, next.heard - this.#said);
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
