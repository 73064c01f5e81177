import type { CassetteMiss } from "./ports.ts";

export interface MissPage {
  /** Another one than before: the cassette was started anew and counts from 1 again. */
  readonly boot: string;
  readonly misses: readonly CassetteMiss[];
  /** What to ask for next. */
  readonly next: number;
  /** Further ones are there already. */
  readonly hasMore: boolean;
  /** Shadow targets ask the models themselves here (shadow K6). */
  readonly live: boolean;
}

export interface MissLogOptions {
  readonly boot: string;
  readonly most: number;
  readonly live: boolean;
  readonly onDrop: () => void;
}

const PAGE_MAX = 200;

/** The last misses. When it is full the oldest goes: whoever reads sees the gap in the numbers. */
export class MissLog {
  readonly #misses: CassetteMiss[] = [];
  readonly #options: MissLogOptions;
  #last = 0;

  constructor(options: MissLogOptions) {
    this.#options = options;
  }

  add(miss: Omit<CassetteMiss, "n">): CassetteMiss {
    const numbered = { n: ++this.#last, ...miss };
    this.#misses.push(numbered);
    if (this.#misses.length > this.#options.most) {
      this.#misses.shift();
      this.#options.onDrop();
    }
    return numbered;
  }

  /** Those after number `n`, a page of them. */
  since(n: number): MissPage {
    const first = this.#last - this.#misses.length;
    const from = Math.max(0, n - first);
    const misses = this.#misses.slice(from, from + PAGE_MAX);
    const next = misses.at(-1)?.n ?? Math.min(n, this.#last);
    const { boot, live } = this.#options;
    return { boot, live, misses, next, hasMore: next < this.#last };
  }
}
