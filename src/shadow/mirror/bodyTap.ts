// A copy of one body, made chunk by chunk after each was handed to the served leg (shadow I3, I4): it never holds anything up,
// and what is too large is given up whole.
import type { Credits } from "./credits.ts";

export const TAP_BYTES = { usual: 256 * 1_024, max: 16 * 1_048_576 } as const;

/** Why there is no copy. */
export type TapLoss = "body_too_large" | "tap_budget";

export class BodyTap {
  readonly #credits: Credits;
  readonly #bytesMax: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #loss: TapLoss | null = null;
  #isReleased = false;

  constructor(credits: Credits, bytesMax: number = TAP_BYTES.usual) {
    this.#credits = credits;
    this.#bytesMax = Math.min(bytesMax, TAP_BYTES.max);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get loss(): TapLoss | null {
    return this.#loss;
  }

  /** Its job has ended: what was tapped is gone, and nothing more is. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  add(chunk: Uint8Array): void {
    if (this.#loss !== null || this.#isReleased) return;
    if (this.#bytes + chunk.length > this.#bytesMax) this.#lose("body_too_large");
    else if (!this.#credits.takeBytes(chunk.length)) this.#lose("tap_budget");
    else {
      // The chunk belongs to the served leg, which may use its memory again.
      this.#chunks.push(new Uint8Array(chunk));
      this.#bytes += chunk.length;
    }
  }

  /** All of it in memory of its own, fit to be transferred; null after a loss or a release. Its bytes stay taken until `release`. */
  whole(): Uint8Array<ArrayBuffer> | null {
    if (this.#loss !== null || this.#isReleased) return null;
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [];
    return whole;
  }

  /** Gives the bytes back: the job has ended, or there will be none. */
  release(): void {
    this.#isReleased = true;
    this.#giveBack();
  }

  #lose(why: TapLoss): void {
    this.#giveBack();
    this.#loss = why;
  }

  #giveBack(): void {
    this.#credits.giveBytes(this.#bytes);
    this.#bytes = 0;
    this.#chunks = [];
  }
}
