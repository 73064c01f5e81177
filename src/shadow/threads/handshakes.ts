// Both handshakes of one conversation, and what waits until both are known.
import type { Handshake } from "./messages.ts";

/** The served leg, or its copy. */
export type Leg = "served" | "copy";

const WAITING_MAX = 2_000;
const WAITING_BYTES_MAX = 4 * 1_048_576;

export class Handshakes {
  readonly #known: Partial<Record<Leg, Handshake>> = {};
  #waiting: (() => void)[] = [];
  #bytes = 0;

  /** null: the other one is not known yet. */
  add(leg: Leg, result: Handshake): Readonly<Record<Leg, Handshake>> | null {
    this.#known[leg] = result;
    const { served, copy } = this.#known;
    return served === undefined || copy === undefined ? null : { served, copy };
  }

  /** Gives whether there was room. @param bytes that it holds */
  hold(bytes: number, run: () => void): boolean {
    this.#waiting.push(run);
    this.#bytes += bytes;
    return this.#waiting.length <= WAITING_MAX && this.#bytes <= WAITING_BYTES_MAX;
  }

  /** What waited, in its order. */
  release(): readonly (() => void)[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    return waiting;
  }
}
