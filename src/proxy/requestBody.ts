import type { IncomingMessage } from "node:http";
import type { LimitsConfig } from "../config/index.ts";
import { type Clock, SwitchyardError } from "../kernel/index.ts";
import type { CallTap } from "./ports.ts";

export interface BodyLimits {
  readonly bytesMax: number;
  readonly totalMs: number;
  readonly rateMinBytesPerSecond: number;
  readonly rateGraceMs: number;
}

export const bodyLimits = (limits: LimitsConfig, kind: "json" | "upload"): BodyLimits => ({
  bytesMax: kind === "upload" ? limits.uploadBodyBytesMax : limits.jsonBodyBytesMax,
  totalMs: kind === "upload" ? limits.uploadBodyMs : limits.jsonBodyMs,
  rateMinBytesPerSecond: limits.bodyRateMinBytesPerSecond,
  rateGraceMs: limits.bodyRateGraceMs,
});

const CHECK_MS = 1_000;

interface Watch {
  /** Settles with the read, or rejects when the body is too slow. */
  within<T>(read: Promise<T>): Promise<T>;
  stop(): void;
}

/**
 * A client's body on its way to an arm: chunk by chunk, counted, and cut off when it is too large or too slow
 * (security §11). An iterable rather than a stream, so that nobody destroys the client's connection before the
 * refusal is written.
 */
export class MeteredBody implements AsyncIterable<Uint8Array> {
  /** Whether anything was read; until then another instance may still be tried. */
  isStarted = false;
  /** Whether the client is the one who is waited for; the arm's clock must not run then. */
  isWaitingForClient = false;
  /** Told of what the served leg has taken (shadow I3). */
  tap: Pick<CallTap, "requestChunk" | "requestEnd"> | null = null;
  #bytes = 0;
  readonly #req: IncomingMessage;
  readonly #limits: BodyLimits;
  readonly #clock: Clock;

  constructor(req: IncomingMessage, limits: BodyLimits, clock: Clock) {
    this.#req = req;
    this.#limits = limits;
    this.#clock = clock;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.isStarted = true;
    const startedMs = this.#clock.monotonic();
    const chunks = this.#req.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
    const watch = this.#watch(() => this.#bytes, startedMs);
    try {
      for (;;) {
        this.isWaitingForClient = true;
        const read = await watch.within(chunks.next() as Promise<IteratorResult<Buffer>>);
        this.isWaitingForClient = false;
        if (read.done) {
          this.tap?.requestEnd();
          return;
        }
        this.#bytes += read.value.length;
        if (this.#bytes > this.#limits.bytesMax) throw tooLarge(this.#limits.bytesMax);
        yield read.value;
        this.tap?.requestChunk(read.value);
      }
    } finally {
      this.isWaitingForClient = false;
      watch.stop();
      chunks.return?.().catch(() => {}); // lets go of the request, so that what is left can be discarded
    }
  }

  /**
   * The arm has answered and wants no more: what is still on its way is read and thrown away, so that the client gets
   * its answer and can go on using the connection (RFC 9112 §9.3). Within the body's own limits; beyond them it ends.
   */
  discardRest(): void {
    if (this.#req.complete) return;
    const { socket } = this.#req;
    this.#req.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#limits.bytesMax) socket.destroy();
    });
    this.#req.resume();
    const cancel = this.#clock.after(this.#limits.totalMs, () => socket.destroy());
    this.#req.once("end", cancel);
    this.#req.once("close", cancel);
  }

  /**
   * A body that trickles, or never ends, fails the read it waits in. The request itself is not destroyed: its
   * connection must live long enough to carry the 408.
   */
  #watch(bytesSoFar: () => number, startedMs: number): Watch {
    let isLate = false;
    /** Of the read that is under way. A promise that outlived the reads would hold each of them until the body ends. */
    let reject: (error: SwitchyardError) => void = () => {};
    let cancel = () => {};
    const check = (): void => {
      const elapsedMs = this.#clock.monotonic() - startedMs;
      const isTooLong = elapsedMs > this.#limits.totalMs;
      const isTooSlow =
        elapsedMs > this.#limits.rateGraceMs && (bytesSoFar() / elapsedMs) * 1_000 < this.#limits.rateMinBytesPerSecond;
      isLate = isTooLong || isTooSlow;
      if (isLate) reject(tooSlow());
      else cancel = this.#clock.after(CHECK_MS, check);
    };
    cancel = this.#clock.after(CHECK_MS, check);
    return {
      within: (read) =>
        new Promise((resolve, fail) => {
          reject = fail;
          read.then(resolve, fail);
          if (isLate) fail(tooSlow());
        }),
      stop: () => cancel(),
    };
  }
}

export const tooLarge = (bytesMax: number): SwitchyardError =>
  new SwitchyardError("SY_BODY_TOO_LARGE", `the body is larger than ${bytesMax} bytes`);

const tooSlow = (): SwitchyardError => new SwitchyardError("SY_HEAD_TIMEOUT", "the request body came too slowly");
