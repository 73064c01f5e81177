// One served socket's copy at the shadow target (shadow §10): opened in the order of its group, sent what the client sends, told apart
// from the served one only by its mark. Runs in the mirror thread.
import type { WebSocket } from "ws";
import type { Clock } from "../../kernel/index.ts";
import type { ShadowCodec, SocketFrame } from "../conversation/codec.ts";
import { SendGate } from "../conversation/sendGate.ts";
import type { HeaderList } from "../headerList.ts";
import type { NotComparedReason } from "../words.ts";
import { dialCopy } from "./dialCopy.ts";
import type { ClientFrame, CopyItem, Handshake, Heard, ServedClose } from "./messages.ts";
import { HALF_OPEN_MS, Pulse } from "./pulse.ts";

/** A turn that no frame ends holds its group up no longer. */
const TURN_MS = 30_000;
/** The shadow's arm gets so long to close after the served one has. */
const CLOSE_MS = 5_000;
const CLOSE_LOOK_MS = 50;
const QUIET_MS = 500;
/** There was no close (RFC 6455 §7.1.5). */
const ABNORMAL = 1006;
/** shadow C4; also of what the target does not take. */
const WAITING_BYTES_MAX = 256 * 1_024;
const WAITING_MAX = 4_096;
const BEHIND_MS_MAX = 5_000;
/** An arm that never stops talking (shadow I7). */
const ARM_BYTES_PER_S = 32 * 1_048_576;
const SECOND_MS = 1_000;

export interface SocketCopyOptions {
  readonly id: number;
  readonly clock: Clock;
  readonly url: string;
  readonly headers: HeaderList;
  /** null: every frame of the client may leave at once. */
  readonly codec: ShadowCodec | null;
  rewrite(frame: SocketFrame): SocketFrame | null;
  post(item: CopyItem, bytes: readonly Uint8Array[]): void;
  /** Asks for the turn's place among the copies of its group; `run` is called when it comes. */
  turn(run: () => Promise<void>): { readonly isLast: boolean };
  /** Once, if it came so far. */
  onHandshake(isFailed: boolean): void;
  onEnd(): void;
}

export class SocketCopy {
  readonly #options: SocketCopyOptions;
  readonly #gate: SendGate;
  readonly #waiting: (ClientFrame & Heard)[] = [];
  #waitingBytes = 0;
  #state: unknown;
  #socket: WebSocket | null = null;
  #isOpen = false;
  #isOver = false;
  #isTurnAsked = false;
  #place: { readonly isLast: boolean } | null = null;
  #isLeft = false;
  /** Given to the gate, and not yet sent. */
  #held = 0;
  #openTurns = 0;
  /** A turn was sent of which no frame says what answers it. */
  #hasPlainTurns = false;
  #endTurn: (() => void) | null = null;
  #served: (ServedClose & Heard) | null = null;
  #isWaitingForArm = false;
  #isLooking = false;
  #lastMs = 0;
  #armBytes = 0;
  #armSinceMs = 0;
  readonly #pulse: Pulse;

  constructor(options: SocketCopyOptions) {
    const { codec, clock, rewrite } = options;
    this.#options = options;
    this.#state = codec?.start() ?? null;
    this.#pulse = new Pulse({
      clock,
      ping: () => this.#ping(),
      onSilent: () => {
        if (!this.#isOver) this.#closed("arm", ABNORMAL, true);
      },
    });
    this.#gate = new SendGate({
      clock,
      waitsForTurns: false,
      rewrite,
      send: (frame) => this.#send(frame),
      giveUp: (reason) => this.lose(reason),
    });
  }

  /** Resolves once the handshake is over, one way or another. */
  async open(): Promise<void> {
    if (this.#isOver) return;
    const { clock, url, headers } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket = dialCopy({
      clock,
      url,
      headers,
      onHandshake: (result) => {
        this.#handshake(result);
        resolve();
      },
      onMessage: (data, isBinary) => this.#safely(() => this.#onMessage(data, isBinary)),
      onPong: () => this.#heard(),
      onClose: (code) => this.#onClose(code),
    });
    await promise;
  }

  /** A client's frame has left for the served arm. */
  client(frame: ClientFrame & Heard): void {
    if (this.#isOver) return;
    this.#waiting.push(frame);
    this.#waitingBytes += frame.data.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX || this.#waiting.length > WAITING_MAX) this.lose("queue_full");
    else this.#advance();
  }

  /** What was sent before is still to be sent: it may not even be open yet. */
  servedClosed(close: ServedClose & Heard): void {
    this.#served = close;
    this.#advance();
    this.#follow();
  }

  lose(reason: NotComparedReason): void {
    if (this.#isOver) return;
    this.#options.post({ kind: "copy-lost", id: this.#options.id, reason }, []);
    this.#end();
  }

  /** The shadow stops, or the conversation was given up. */
  cut(): void {
    this.#end();
  }

  /** Words of the application may throw: that costs the conversation, not the thread. */
  #safely(run: () => void): void {
    try {
      run();
    } catch {
      this.lose("engine_lost");
    }
  }

  #handshake(result: Handshake): void {
    if (this.#isOver) return;
    this.#isOpen = "status" in result && result.status === 101;
    const body = "body" in result ? [result.body] : [];
    this.#options.post({ kind: "copy-handshake", id: this.#options.id, result, atMs: this.#atMs() }, body);
    this.#options.onHandshake("error" in result);
    if (!this.#isOpen) {
      this.#end();
      return;
    }
    this.#advance();
    this.#follow();
  }

  /** Frames leave in their order; one that opens a turn waits for the copies of its group before it (shadow S4). */
  #advance(): void {
    this.#safely(() => {
      while (this.#isOpen && !this.#isOver && this.#advanceOne()) {
        /* one more */
      }
    });
  }

  #advanceOne(): boolean {
    const frame = this.#waiting[0];
    if (frame === undefined) return false;
    if (this.#isBehind(frame)) return false;
    const isTurn = this.#isTurn(frame);
    // Turns in a row are one place: the arm answers them one after the other.
    if (isTurn && (this.#openTurns === 0 || this.#place?.isLast !== true)) {
      if (!this.#isTurnAsked) this.#askTurn();
      return false;
    }
    this.#take(frame, isTurn);
    return true;
  }

  #isBehind(frame: ClientFrame): boolean {
    if (frame.atMs + BEHIND_MS_MAX >= this.#options.clock.now()) return false;
    this.lose("queue_full");
    return true;
  }

  #isTurn(frame: SocketFrame): boolean {
    const { codec } = this.#options;
    return codec !== null && codec.fromClient(this.#state, frame)[1].kind === "turn";
  }

  #take(frame: ClientFrame & Heard, isTurn: boolean): void {
    this.#waiting.shift();
    this.#waitingBytes -= frame.data.length;
    const { codec } = this.#options;
    const seen = codec?.fromClient(this.#state, frame);
    if (seen !== undefined) [this.#state] = seen;
    if (isTurn) this.#openTurns += 1;
    this.#held += 1;
    // Its answer is known by nothing but when it comes: the copy must not run ahead of its arm.
    const isPlain = isTurn && codec?.endsTurns !== true && seen?.[1].id == null;
    this.#hasPlainTurns ||= isPlain;
    this.#gate.offer(frame, isTurn, isPlain ? frame.heard : 0);
  }

  #askTurn(): void {
    this.#isTurnAsked = true;
    this.#place = this.#options.turn(async () => {
      await Promise.resolve(); // `#place` is known then
      this.#isTurnAsked = false;
      const frame = this.#waiting[0];
      if (this.#isOver || frame === undefined || this.#isBehind(frame)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.#options.clock.after(TURN_MS, () => this.#turnEnded(Number.POSITIVE_INFINITY));
      this.#endTurn = () => {
        cancel();
        this.#endTurn = null;
        resolve();
      };
      this.#safely(() => this.#take(frame, true));
      this.#advance();
      await promise;
      this.#advance();
    });
  }

  #turnEnded(count: number): void {
    this.#openTurns = Math.max(0, this.#openTurns - count);
    if (this.#openTurns === 0) this.#endTurn?.();
    this.#follow();
  }

  #send({ isBinary, data }: SocketFrame): void {
    this.#held -= 1;
    const socket = this.#socket;
    if (socket === null || socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > WAITING_BYTES_MAX) {
      this.lose("queue_full");
      return;
    }
    socket.send(data, { binary: isBinary, compress: false });
    this.#pulse.watch();
    const copy = new Uint8Array(data);
    this.#options.post({ kind: "copy-client", id: this.#options.id, isBinary, data: copy, atMs: this.#atMs() }, [copy]);
    // Without final frames a turn is over when it has left.
    if (this.#options.codec?.endsTurns !== true && this.#held === 0) this.#turnEnded(Number.POSITIVE_INFINITY);
  }

  #ping(): boolean {
    const socket = this.#socket;
    if (socket === null || this.#isOver || socket.readyState !== socket.OPEN) return false;
    socket.ping();
    return true;
  }

  /** Whatever the target says. */
  #heard(): void {
    if (this.#pulse.heard() && this.#openTurns > 0) this.#pulse.watch();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#heard();
    if (this.#isOver || this.#isFlooded(data.length)) return;
    const copy = new Uint8Array(data);
    const { codec, id, post } = this.#options;
    let isFinal = false;
    if (codec !== null) {
      const [state, seen] = codec.fromArm(this.#state, { isBinary, data: copy });
      this.#state = state;
      isFinal = seen.kind === "content" && seen.isFinal === true;
    }
    post({ kind: "copy-arm", id, isBinary, data: copy, atMs: this.#atMs() }, [copy]);
    this.#gate.armSaid();
    if (isFinal) {
      this.#gate.turnEnded();
      this.#turnEnded(1);
    }
  }

  #isFlooded(bytes: number): boolean {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#armSinceMs >= SECOND_MS) {
      this.#armSinceMs = nowMs;
      this.#armBytes = 0;
    }
    this.#armBytes += bytes;
    if (this.#armBytes <= ARM_BYTES_PER_S) return false;
    this.lose("queue_full");
    return true;
  }

  #onClose(code: number): void {
    if (!this.#isOver) this.#closed("arm", code);
  }

  /** The served side has closed: the copy closes in the same way, once it was sent all. */
  #follow(): void {
    const close = this.#served;
    if (close === null || this.#isOver || !this.#isOpen || this.#isWaitingForArm) return;
    const { clock } = this.#options;
    if (close.by === "arm") {
      // Its own arm is expected to close too.
      this.#isWaitingForArm = true;
      clock.after(CLOSE_MS, () => this.#leave(1000, null));
      return;
    }
    // Where no frame says that a turn has ended, its answer may still be on its way: the served one had come when its client left.
    const hasHeard = !this.#hasPlainTurns || this.#gate.hasHeard(close.heard);
    const isQuiet = this.#options.codec?.endsTurns === true || (hasHeard && clock.now() - this.#lastMs >= QUIET_MS);
    const isBusy = this.#waiting.length > 0 || this.#held > 0 || this.#openTurns > 0 || !isQuiet;
    if (!isBusy || clock.now() - close.atMs >= CLOSE_MS) {
      this.#leave(close.code, close.by);
      return;
    }
    if (this.#isLooking) return;
    this.#isLooking = true;
    clock.after(CLOSE_LOOK_MS, () => {
      this.#isLooking = false;
      this.#follow();
    });
  }

  /** @param by null: the arm did not close, and that is told by nothing */
  #leave(code: number, by: "client" | "proxy" | null): void {
    if (this.#isOver) return;
    if (this.#pulse.isHalfOpen) {
      this.#closed("arm", ABNORMAL, true);
      return;
    }
    this.#isLeft = true;
    const isSendable = code === 1000 || (code >= 3000 && code <= 4999);
    if (isSendable) this.#socket?.close(code);
    else this.#socket?.close();
    if (by === null) this.#end();
    else this.#closed(by, code);
  }

  #closed(by: "client" | "arm" | "proxy", code: number, isHalfOpen = false): void {
    const { id, post } = this.#options;
    post({ kind: "copy-closed", id, by, code, isHalfOpen, atMs: this.#atMs() }, []);
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gate.close();
    this.#pulse.stop();
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#endTurn?.();
    const socket = this.#socket;
    if (socket !== null) this.#options.clock.after(HALF_OPEN_MS, () => socket.terminate());
    if (socket !== null && !this.#isLeft) socket.close();
    this.#options.onEnd();
  }

  #atMs(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#options.clock.now());
    return this.#lastMs;
  }
}
