// Which clocks of one Yjs client are known: sorted ranges that do not touch. Nearly always there is one, and it grows at its end.

export interface ClockRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export class ClockRanges {
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  get size(): number {
    return this.#from.length;
  }

  /** How far it goes from 0 on without a gap. */
  get whole(): number {
    return this.#from[0] === 0 ? (this.#to[0] ?? 0) : 0;
  }

  get end(): number {
    return this.#to.at(-1) ?? 0;
  }

  /** @param to exclusive, above `from` */
  add(from: number, to: number): "new" | "partly" | "known" {
    const last = this.#from.length - 1;
    const lastTo = this.#to[last];
    if (lastTo === undefined || from > lastTo) {
      this.#from.push(from);
      this.#to.push(to);
      return "new";
    }
    if (from === lastTo) {
      this.#to[last] = to;
      return "new";
    }
    return this.#insert(from, to);
  }

  #insert(from: number, to: number): "new" | "partly" | "known" {
    const first = this.#firstEndingAt(from);
    let next = first;
    let known = 0;
    while (next < this.#from.length && (this.#from[next] as number) <= to) {
      const overlap = Math.min(to, this.#to[next] as number) - Math.max(from, this.#from[next] as number);
      known += Math.max(0, overlap);
      next += 1;
    }
    if (known === to - from) return "known";
    const start = next > first ? Math.min(from, this.#from[first] as number) : from;
    const end = next > first ? Math.max(to, this.#to[next - 1] as number) : to;
    this.#from.splice(first, next - first, start);
    this.#to.splice(first, next - first, end);
    return known > 0 ? "partly" : "new";
  }

  /** The first range that ends at this clock or behind it. */
  #firstEndingAt(clock: number): number {
    let [low, high] = [0, this.#to.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#to[middle] as number) < clock) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  ranges(): readonly ClockRange[] {
    return this.#from.map((from, at) => ({ from, to: this.#to[at] as number }));
  }

  /** What is not known below a clock. */
  missing(until: number): readonly ClockRange[] {
    const gaps: ClockRange[] = [];
    let at = 0;
    for (const { from, to } of this.ranges()) {
      if (at >= until) break;
      if (from > at) gaps.push({ from: at, to: Math.min(from, until) });
      at = to;
    }
    if (at < until) gaps.push({ from: at, to: until });
    return gaps;
  }
}
