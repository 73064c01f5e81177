// What the shadow may hold at once (shadow I4, I6): jobs, and one budget of bytes for taps and jobs together.

export interface CreditLimits {
  readonly jobs: number;
  readonly bytes: number;
}

/** shadow I4, I6. */
export const CREDITS: CreditLimits = { jobs: 1_000, bytes: 64 * 1_048_576 };

export class Credits {
  readonly #limits: CreditLimits;
  #jobs = 0;
  #bytes = 0;

  constructor(limits: CreditLimits = CREDITS) {
    this.#limits = limits;
  }

  get jobs(): number {
    return this.#jobs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  takeJob(): boolean {
    if (this.#jobs >= this.#limits.jobs) return false;
    this.#jobs += 1;
    return true;
  }

  takeBytes(count: number): boolean {
    if (this.#bytes + count > this.#limits.bytes) return false;
    this.#bytes += count;
    return true;
  }

  giveJob(): void {
    this.#jobs -= 1;
  }

  giveBytes(count: number): void {
    this.#bytes -= count;
  }
}
