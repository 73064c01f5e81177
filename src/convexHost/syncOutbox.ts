import type { Writable } from "node:stream";
import type { WebSocket } from "ws";

/** What may wait for a client behind the message that is being written to it (embedded-convex §3.10). */
const WAITING_BYTES_MAX = 16 * 1_024 * 1_024;

/**
 * The messages on their way to one client. The one that is being written does not count as waiting: a single transition may
 * be larger than the limit, and a reader that is merely busy with it is not slow.
 */
export class SyncOutbox {
  readonly #socket: WebSocket;
  readonly #wire: Pick<Writable, "cork" | "uncork">;
  readonly #bytesMax: number;
  /** Sizes in bytes; the first is being written. */
  readonly #sizes: number[] = [];
  #bytes = 0;
  #isHeld = false;

  /** `wire`: what the socket writes to. */
  constructor(socket: WebSocket, wire: Pick<Writable, "cork" | "uncork">, bytesMax: number = WAITING_BYTES_MAX) {
    this.#socket = socket;
    this.#wire = wire;
    this.#bytesMax = bytesMax;
  }

  get waitingBytes(): number {
    return this.#bytes - (this.#sizes[0] ?? 0);
  }

  /** What is sent from now on leaves with the next message after it, in one write, or at `release`. */
  hold(): void {
    if (!this.#isHeld) this.#wire.cork();
    this.#isHeld = true;
  }

  release(): void {
    if (this.#isHeld) this.#wire.uncork();
    this.#isHeld = false;
  }

  /** Hands over one message, all its frames in a row. false: now more waits than may, and the client has to go. */
  send(frames: readonly string[]): boolean {
    const buffers = frames.map((frame) => Buffer.from(frame));
    const size = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#sizes.push(size);
    this.#bytes += size;
    buffers.forEach((buffer, at) => {
      const isLast = at === buffers.length - 1;
      // Also called when the socket has failed; its "close" says so to the connection.
      this.#socket.send(buffer, { binary: false }, isLast ? () => this.#written() : undefined);
    });
    return this.waitingBytes <= this.#bytesMax;
  }

  #written(): void {
    this.#bytes -= this.#sizes.shift() ?? 0;
  }
}
