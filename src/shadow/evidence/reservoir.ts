// A fair few of many samples (shadow §4): every sample that came had the same chance to be kept, and no group more than its share.
// The first ones would all come from one minute, and from whoever was loudest in it.

export interface ReservoirLimits {
  readonly samples: number;
  readonly perGroup: number;
}

/** shadow §4. */
export const SAMPLES: ReservoirLimits = { samples: 12, perGroup: 2 };

export interface Sample<T> {
  /** HMAC of the group. */
  readonly group: string;
  readonly value: T;
}

/** Vitter's algorithm R (1985), with a cap for each group. */
export class Reservoir<T> {
  readonly #limits: ReservoirLimits;
  readonly #random: () => number;
  /** By place; null where one was removed on request, for the others keep the places under which they are stored. */
  readonly #kept: (Sample<T> | null)[] = [];
  #seen = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number, limits: ReservoirLimits = SAMPLES) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Of earlier runs, behind what is here already: as many as find a place. Every later one is as seldom as if all had come here. */
  restore(kept: readonly Sample<T>[], seen: number): void {
    this.#seen += seen;
    for (const one of kept) {
      const own = this.#kept.filter((other) => other?.group === one.group);
      if (this.#kept.length < this.#limits.samples && own.length < this.#limits.perGroup) this.#kept.push(one);
    }
  }

  get samples(): readonly Sample<T>[] {
    return this.#kept.filter((one) => one !== null);
  }

  get seen(): number {
    return this.#seen;
  }

  /**
   * Where the sample goes: its place, or null. Asked before the sample is made, for making one costs more than most are worth.
   */
  placeFor(group: string): number | null {
    this.#seen += 1;
    const own = this.#kept.flatMap((one, at) => (one?.group === group ? [at] : []));
    const hole = this.#kept.indexOf(null);
    const isFull = hole < 0 && this.#kept.length >= this.#limits.samples;
    const free = hole < 0 ? this.#kept.length : hole;
    const place = isFull ? Math.floor(this.#random() * this.#seen) : free;
    if (own.length < this.#limits.perGroup) return place < this.#limits.samples ? place : null;
    // A group that has its share may only renew one of its own, as seldom as any other is renewed.
    return place < this.#limits.samples ? (own[Math.floor(this.#random() * own.length)] ?? null) : null;
  }

  put(place: number, sample: Sample<T>): void {
    this.#kept[place] = sample;
  }

  /** On request of whom they are of (shadow P5). Gives how many there were. */
  removeGroup(group: string): number {
    let removed = 0;
    for (const [at, one] of this.#kept.entries()) {
      if (one?.group !== group) continue;
      this.#kept[at] = null;
      removed += 1;
    }
    return removed;
  }
}
