// One served socket's copy at the shadow target (shadow §10): opened in the order of its group, sent what the client sends, told apart
// from the served one only by its mark. Runs in the mirror thread.
import { WebSocket } from "ws";
import type { Clock } from "../../kernel/index.ts";
import type { ShadowCodec, SocketFrame } from "../conversation/codec.ts";
import { SendGate } from "../conversation/sendGate.ts";
import type { HeaderPairs } from "../mirror/copyHeaders.ts";
import type { NotComparedReason } from "../words.ts";
import type { ClientFrame, CopyItem, Handshake, ServedClose } from "./messages.ts";

/** shadow I7. */
const CONNECT_MS = 3_000;
const REFUSAL_BYTES_MAX = 64 * 1_024;
const FRAME_BYTES_MAX = 16 * 1_048_576;
/** A turn that no frame ends holds its group up no longer. */
const TURN_MS = 30_000;
/** The shadow's arm gets so long to close after the served one has. */
const CLOSE_MS = 5_000;
const HALF_OPEN_MS = 2_000;

export interface SocketCopyOptions {
  readonly id: number;
  readonly clock: Clock;
  readonly url: string;
  readonly headers: HeaderPairs;
  /** null: every frame of the client may leave at once. */
  readonly codec: ShadowCodec | null;
  rewrite(frame: SocketFrame): SocketFrame | null;
  post(item: CopyItem, bytes: readonly Uint8Array[]): void;
  /** Asks for the turn's place among the copies of its group; `run` is called when it comes. */
  turn(run: () => Promise<void>): { readonly isLast: boolean };
  onEnd(isFailed: boolean): void;
}

export class SocketCopy {
  readonly #options: SocketCopyOptions;
  readonly #gate: SendGate;
  readonly #waiting: ClientFrame[] = [];
  #waitingBytes = 0;
  #state: unknown;
  #socket: WebSocket | null = null;
  #isOpen = false;
  #isOver = false;
  #isTurnAsked = false;
  #place: { readonly isLast: boolean } | null = null;
  #isLeft = false;
  #openTurns = 0;
  #endTurn: (() => void) | null = null;
  #served: ServedClose | null = null;
  #lastMs = 0;
  #isReadStateNew = true;

  constructor(options: SocketCopyOptions) {
    const { codec, clock, rewrite } = options;
    this.#options = options;
    this.#state = codec?.start() ?? null;
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
    const { origin, pathname, search } = new URL(url);
    const socket = new WebSocket(`${origin}/`, {
      agent: false,
      headers: Object.fromEntries(headers),
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES_MAX,
      followRedirects: false,
      finishRequest: (request: { path: string; end(): void }) => {
        request.path = pathname + search;
        request.end();
      },
    } as unknown as ConstructorParameters<typeof WebSocket>[2]);
    this.#socket = socket;
    const cancel = clock.after(CONNECT_MS, () => settle({ error: "timeout" }));
    let isSettled = false;
    const settle = (result: Handshake): void => {
      if (isSettled) return;
      isSettled = true;
      cancel();
      this.#handshake(result);
      resolve();
    };
    socket.on("open", () => settle({ status: 101, contentType: "", body: new Uint8Array(0) }));
    socket.on("unexpected-response", (request, reply) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const end = (): void => {
        request.destroy();
        const contentType = reply.headers["content-type"] ?? "";
        settle({ status: reply.statusCode ?? 502, contentType, body: Uint8Array.from(Buffer.concat(chunks)) });
      };
      reply.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > REFUSAL_BYTES_MAX) end();
        else chunks.push(chunk);
      });
      reply.on("end", end);
      reply.on("error", end);
    });
    socket.on("error", (error: Error & { readonly code?: string }) =>
      settle({ error: error.code === "ECONNREFUSED" ? "refused" : "reset" }),
    );
    socket.on("message", (data: Buffer, isBinary) => this.#onMessage(data, isBinary));
    socket.on("close", (code) => this.#onClose(code));
    await promise;
  }

  /** A client's frame has left for the served arm. */
  client(frame: ClientFrame): void {
    if (this.#isOver) return;
    this.#waiting.push(frame);
    this.#waitingBytes += frame.data.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX || this.#waiting.length > WAITING_MAX) this.lose("queue_full");
    else this.#advance();
  }

  servedClosed(close: ServedClose): void {
    this.#served = close;
    if (this.#isOver) return;
    if (!this.#isOpen && this.#socket === null) this.#end(false);
    this.#advance();
    this.#follow();
  }

  lose(reason: NotComparedReason): void {
    if (this.#isOver) return;
    this.#options.post({ kind: "copy-lost", id: this.#options.id, reason }, []);
    this.#end(false);
  }

  /** The shadow stops, or the conversation was given up. */
  cut(): void {
    this.#end(false);
  }

  #handshake(result: Handshake): void {
    this.#isOpen = "status" in result && result.status === 101;
    this.#options.post({ kind: "copy-handshake", id: this.#options.id, result, atMs: this.#atMs() }, []);
    if (!this.#isOpen) {
      this.#end("error" in result);
      return;
    }
    this.#advance();
    this.#follow();
  }

  /** Frames leave in their order; one that opens a turn waits for the copies of its group before it (shadow S4). */
  #advance(): void {
    while (this.#isOpen && !this.#isOver) {
      const frame = this.#waiting[0];
      if (frame === undefined) return;
      if (frame.atMs + BEHIND_MS_MAX < this.#options.clock.now()) return this.lose("queue_full");
      const kind = this.#kindOf(frame);
      // Turns in a row are one place: the arm answers them one after the other.
      if (kind === "turn" && (this.#openTurns === 0 || this.#place?.isLast !== true)) {
        if (!this.#isTurnAsked) this.#askTurn();
        return;
      }
      this.#take(frame, kind === "turn");
    }
  }

  #kindOf(frame: SocketFrame): string {
    const { codec } = this.#options;
    return codec === null ? "message" : codec.fromClient(this.#state, frame)[1].kind;
  }

  #take(frame: ClientFrame, isTurn: boolean): void {
    this.#waiting.shift();
    this.#waitingBytes -= frame.data.length;
    const { codec } = this.#options;
    if (codec !== null) [this.#state] = codec.fromClient(this.#state, frame);
    if (isTurn) this.#openTurns += 1;
    this.#gate.offer(frame, isTurn);
  }

  #askTurn(): void {
    this.#isTurnAsked = true;
    this.#place = this.#options.turn(async () => {
      this.#isTurnAsked = false;
      const frame = this.#waiting[0];
      if (this.#isOver || frame === undefined) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.#options.clock.after(TURN_MS, () => this.#turnEnded(Number.POSITIVE_INFINITY));
      this.#endTurn = () => {
        cancel();
        this.#endTurn = null;
        resolve();
      };
      this.#take(frame, true);
      this.#advance();
      // Without final frames a turn is over when it has left.
      if (this.#options.codec?.endsTurns !== true) this.#turnEnded(Number.POSITIVE_INFINITY);
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
    const socket = this.#socket;
    if (socket === null || socket.readyState !== socket.OPEN) return;
    socket.send(data, { binary: isBinary, compress: false });
    const copy = Uint8Array.from(data);
    this.#options.post({ kind: "copy-client", id: this.#options.id, isBinary, data: copy, atMs: this.#atMs() }, [copy]);
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#isOver) return;
    const copy = Uint8Array.from(data);
    const { codec, id, post } = this.#options;
    let isFinal = false;
    if (codec !== null) {
      const [state, seen] = codec.fromArm(this.#state, { isBinary, data: copy });
      this.#state = state;
      isFinal = seen.kind === "content" && seen.isFinal === true;
    }
    post({ kind: "copy-arm", id, isBinary, data: copy, atMs: this.#atMs() }, [copy]);
    if (isFinal) {
      this.#gate.turnEnded();
      this.#turnEnded(1);
    }
  }

  #onClose(code: number): void {
    if (this.#isOver) return;
    const by = this.#isLeft ? (this.#served?.by === "proxy" ? "proxy" : "client") : "arm";
    this.#closed(by, code, false);
  }

  /** The served side has closed: the copy closes in the same way, once it was sent all. */
  #follow(): void {
    const close = this.#served;
    if (close === null || this.#isOver || !this.#isOpen || this.#isLeft || !this.#isReadStateNew) return;
    if (close.by === "arm") {
      // Its own arm is expected to close too.
      this.#isReadStateNew = false;
      this.#options.clock.after(CLOSE_MS, () => this.#leave(1000, false));
      return;
    }
    const isBusy = this.#waiting.length > 0 || this.#openTurns > 0;
    if (isBusy && this.#options.clock.now() - close.atMs < CLOSE_MS) {
      this.#options.clock.after(CLOSE_LOOK_MS, () => this.#follow());
      return;
    }
    this.#leave(close.code, true);
  }

  /** @param isTold otherwise the arm did not close, and that is told by nothing */
  #leave(code: number, isTold: boolean): void {
    if (this.#isOver) return;
    this.#isLeft = true;
    const isSendable = code === 1000 || (code >= 3000 && code <= 4999);
    if (isSendable) this.#socket?.close(code);
    else this.#socket?.close();
    if (isTold) this.#closed(this.#served?.by === "proxy" ? "proxy" : "client", code, false);
    else this.#end(false);
  }

  #closed(by: "client" | "arm" | "proxy", code: number, isHalfOpen: boolean): void {
    const { id, post } = this.#options;
    post({ kind: "copy-closed", id, by, code, isHalfOpen, atMs: this.#atMs() }, []);
    this.#end(false);
  }

  #end(isFailed: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gate.close();
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#endTurn?.();
    const socket = this.#socket;
    if (socket !== null) this.#options.clock.after(HALF_OPEN_MS, () => socket.terminate());
    if (socket !== null && !this.#isLeft) socket.close();
    this.#options.onEnd(isFailed);
  }

  #atMs(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#options.clock.now());
    return this.#lastMs;
  }
}

/** shadow C4. */
const WAITING_BYTES_MAX = 256 * 1_024;
const WAITING_MAX = 4_096;
const BEHIND_MS_MAX = 5_000;
const CLOSE_LOOK_MS = 50;
