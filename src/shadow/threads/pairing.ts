// Brings both halves of an exchange together (shadow I5): what was served comes from the serving thread, its copy from the mirror
// thread, in any order.
import type { CompareItem, CopyItem } from "./messages.ts";

export type CopyHalf = Extract<CopyItem, { kind: "copied" | "uncopied" }>;

export type Served = Extract<CompareItem, { kind: "served" }>;

export interface Halves {
  readonly served: Served;
  readonly copy: CopyHalf;
}

interface Waiting {
  readonly sinceMs: number;
  served: Served | null;
  copy: CopyHalf | null;
}

/** A served stream may last; a copy without its served half for longer is lost. */
const WAIT_MS = 15 * 60_000;

export class Pairing {
  readonly #waiting = new Map<number, Waiting>();
  readonly #now: () => number;

  /** @param now monotonic ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Gives both halves once the second is there. */
  add(half: { readonly served: Served } | { readonly copy: CopyHalf }): Halves | null {
    const id = "served" in half ? half.served.facts.id : half.copy.id;
    const known = this.#waiting.get(id) ?? { sinceMs: this.#now(), served: null, copy: null };
    if ("served" in half) known.served = half.served;
    else known.copy = half.copy;
    if (known.served === null || known.copy === null) {
      this.#waiting.set(id, known);
      return null;
    }
    this.#waiting.delete(id);
    return { served: known.served, copy: known.copy };
  }

  /** Whatever waits for the mirror thread will not come. */
  withoutCopy(): readonly Served[] {
    const lost: Served[] = [];
    for (const { served, copy } of this.#waiting.values()) if (served !== null && copy === null) lost.push(served);
    for (const { facts } of lost) this.#waiting.delete(facts.id);
    return lost;
  }

  /** Ids of those that have waited too long. */
  expire(): readonly number[] {
    const endMs = this.#now() - WAIT_MS;
    const late = [...this.#waiting].filter(([, { sinceMs }]) => sinceMs < endMs).map(([id]) => id);
    for (const id of late) this.#waiting.delete(id);
    return late;
  }
}
