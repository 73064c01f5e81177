import type { CassetteMiss } from "./ports.ts";

export interface MissPage {
  /** Another one than before: the cassette was started anew and counts from 1 again. */
  readonly boot: string;
  readonly misses: readonly CassetteMiss[];
  /** What to ask for next. */
  readonly next: number;
  /** Further ones are there already. */
  readonly hasMore: boolean;
}

const PAGE_MAX = 200;

/** The last misses. When it is full the oldest goes: whoever reads sees the gap in the numbers. */
export class MissLog {
  readonly #misses: CassetteMiss[] = [];
  readonly #options: { readonly boot: string; readonly most: number; readonly onDrop: () => void };
  #last = 0;

  constructor(options: { readonly boot: string; readonly most: number; readonly onDrop: () => void }) {
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
    return { boot: this.#options.boot, misses, next, hasMore: next < this.#last };
  }
}
