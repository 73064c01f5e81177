// Exchanges that the arms are asked about again before they are judged (shadow §8, layer 3), and how often that may be.
import type { PendingRecheck } from "../judgement.ts";
import type { RoutePlan } from "../plans.ts";
import type { EndedItem } from "./messages.ts";
import type { Served } from "./pairing.ts";
import type { UnitEvidence } from "./unitEvidence.ts";

/** shadow §8, layer 3: of control's calls, and so many to begin with. */
const ASKED_SHARE = 0.01;
const ASKED_FREE = 20;
const OPEN_MAX = 500;
/** Two calls of at most thirty seconds, and some more: who asks may be gone. */
const OPEN_MS_MAX = 90_000;

export interface Recheck {
  readonly pending: PendingRecheck;
  readonly served: Served;
  readonly plan: RoutePlan;
  readonly unit: UnitEvidence;
  readonly latencyMs: EndedItem["latencyMs"];
}

export class Rechecks {
  readonly #monotonic: () => number;
  readonly #open = new Map<number, { readonly recheck: Recheck; readonly sinceMs: number }>();
  #compared = 0;
  #asked = 0;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  get isFull(): boolean {
    return this.#open.size >= OPEN_MAX;
  }

  /** Of what is compared control may be asked again for a share. */
  countCompared(): void {
    this.#compared += 1;
  }

  /** Beyond its share control is not asked again, and what was seen stands. */
  mayAsk(times: number): boolean {
    if (this.#asked + times > this.#compared * ASKED_SHARE + ASKED_FREE) return false;
    this.#asked += times;
    return true;
  }

  open(id: number, recheck: Recheck): void {
    this.#open.set(id, { recheck, sinceMs: this.#monotonic() });
  }

  /** It is over; null: it was before. */
  end(id: number): Recheck | null {
    const known = this.#open.get(id);
    this.#open.delete(id);
    return known?.recheck ?? null;
  }

  get ids(): readonly number[] {
    return [...this.#open.keys()];
  }

  /** Those that nobody will answer any more. */
  get lateIds(): readonly number[] {
    const endMs = this.#monotonic() - OPEN_MS_MAX;
    return [...this.#open].flatMap(([id, { sinceMs }]) => (sinceMs < endMs ? [id] : []));
  }
}
