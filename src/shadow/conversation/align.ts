// Alignment of two sequences by least cost inside a band around the slanted diagonal (Needleman and Wunsch 1970; Sakoe and Chiba
// 1978; shadow C6).

/** Positions of both sequences; null: nothing there. In order. */
export type Aligned = readonly (readonly [one: number | null, other: number | null])[];

export interface AlignOptions {
  readonly lengths: readonly [one: number, other: number];
  /** Of pairing two positions; 0: nothing pairs better, infinite: never. */
  cost(one: number, other: number): number;
  /** Of leaving a position out. */
  gapCost(side: "one" | "other", at: number): number;
  /** How far from the diagonal partners are looked for. */
  readonly band: number;
  /** So many pairs are tried; what is behind is paired by its position. */
  readonly pairsMax?: number;
}

export interface Alignment {
  readonly pairs: Aligned;
  /** Positions of both sequences that were only paired by position: too many to try. */
  readonly unaligned: number;
}

const PAIRS_MAX = 2_000_000;
const [PAIR, SKIP_ROW, SKIP_COLUMN] = [1, 2, 3];

export function align(options: AlignOptions): Alignment {
  const { lengths, cost } = options;
  const [n, m] = lengths;
  let [head, tail] = [0, 0];
  while (head < Math.min(n, m) && cost(head, head) === 0) head += 1;
  while (tail < Math.min(n, m) - head && cost(n - 1 - tail, m - 1 - tail) === 0) tail += 1;
  const middle = alignMiddle(options, head, n - tail, m - tail);
  const same = (count: number, one: number, other: number): Aligned =>
    Array.from({ length: count }, (_, at) => [one + at, other + at] as const);
  return {
    pairs: [...same(head, 0, 0), ...middle.pairs, ...same(tail, n - tail, m - tail)],
    unaligned: middle.unaligned,
  };
}

/** Rows are the longer sequence: the diagonal never rises by more than one, so neighbouring bands always touch. */
function alignMiddle(options: AlignOptions, head: number, endOne: number, endOther: number): Alignment {
  const isTurned = endOther > endOne;
  const { gapCost } = options;
  const rows = Math.max(endOne, endOther) - head;
  const columns = Math.min(endOne, endOther) - head;
  const sides = isTurned ? (["other", "one"] as const) : (["one", "other"] as const);
  const found = new Band({
    rows,
    columns,
    band: options.band,
    pairsMax: options.pairsMax ?? PAIRS_MAX,
    cost: (row, column) =>
      isTurned ? options.cost(head + column, head + row) : options.cost(head + row, head + column),
    rowGap: (row) => gapCost(sides[0], head + row),
    columnGap: (column) => gapCost(sides[1], head + column),
  }).align();
  const place = (at: number | null): number | null => (at === null ? null : head + at);
  return {
    pairs: found.pairs.map(([row, column]) => (isTurned ? [place(column), place(row)] : [place(row), place(column)])),
    unaligned: found.unaligned,
  };
}

interface BandOptions {
  readonly rows: number;
  readonly columns: number;
  readonly band: number;
  readonly pairsMax: number;
  cost(row: number, column: number): number;
  rowGap(row: number): number;
  columnGap(column: number): number;
}

class Band {
  readonly #options: BandOptions;
  readonly #width: number;
  /** Of each cell, by which way it is reached at least cost. */
  readonly #ways: Uint8Array;
  readonly #lastRow: number;

  constructor(options: BandOptions) {
    this.#options = options;
    const { rows, columns, band, pairsMax } = options;
    this.#width = Math.min(2 * band, columns) + 1;
    this.#lastRow = Math.min(rows, Math.max(0, Math.floor(pairsMax / this.#width)));
    this.#ways = new Uint8Array((this.#lastRow + 1) * this.#width);
  }

  align(): Alignment {
    const { rows, columns, rowGap, columnGap, cost } = this.#options;
    let before = new Float64Array(this.#width).fill(Number.POSITIVE_INFINITY);
    for (let row = 0; row <= this.#lastRow; row++) {
      const costs = new Float64Array(this.#width).fill(Number.POSITIVE_INFINITY);
      const [first, above] = [this.#first(row), this.#first(row - 1)];
      for (let at = 0; at < this.#width; at++) {
        const column = first + at;
        if (column > columns) break;
        let [best, way] = row === 0 && column === 0 ? [0, 0] : [Number.POSITIVE_INFINITY, 0];
        const slant = row > 0 && column > 0 ? (before[column - 1 - above] ?? Number.POSITIVE_INFINITY) : Infinity;
        if (slant < best) {
          const price = slant + cost(row - 1, column - 1);
          if (price < best) [best, way] = [price, PAIR];
        }
        const up = row > 0 ? (before[column - above] ?? Number.POSITIVE_INFINITY) + rowGap(row - 1) : Infinity;
        if (up < best) [best, way] = [up, SKIP_ROW];
        const left = at > 0 && column > 0 ? (costs[at - 1] as number) + columnGap(column - 1) : Infinity;
        if (left < best) [best, way] = [left, SKIP_COLUMN];
        costs[at] = best;
        this.#ways[row * this.#width + at] = way;
      }
      before = costs;
    }
    if (this.#lastRow === rows) return { pairs: this.#walkBack(rows, columns), unaligned: 0 };
    const column = this.#cheapest(before);
    return {
      pairs: [...this.#walkBack(this.#lastRow, column), ...this.#byPosition(this.#lastRow, column)],
      unaligned: rows - this.#lastRow + columns - column,
    };
  }

  /** The first column of a row's band. */
  #first(row: number): number {
    const { rows, columns, band } = this.#options;
    const middle = rows === 0 ? 0 : Math.round((row * columns) / rows);
    return Math.min(Math.max(0, middle - band), columns + 1 - this.#width);
  }

  #cheapest(costs: Float64Array): number {
    let least = 0;
    for (const [at, cost] of costs.entries()) if (cost < (costs[least] as number)) least = at;
    return Math.min(this.#options.columns, this.#first(this.#lastRow) + least);
  }

  #byPosition(fromRow: number, fromColumn: number): Aligned {
    const { rows, columns, cost } = this.#options;
    const found: [number | null, number | null][] = [];
    for (let [row, column] = [fromRow, fromColumn]; row < rows || column < columns; row++, column++) {
      if (row < rows && column < columns && cost(row, column) < Number.POSITIVE_INFINITY) found.push([row, column]);
      else {
        if (row < rows) found.push([row, null]);
        if (column < columns) found.push([null, column]);
      }
    }
    return found;
  }

  #walkBack(toRow: number, toColumn: number): Aligned {
    const found: [number | null, number | null][] = [];
    for (let [row, column] = [toRow, toColumn]; row > 0 || column > 0; ) {
      const way = this.#ways[row * this.#width + column - this.#first(row)];
      if (way === PAIR) found.push([--row, --column]);
      else if (way === SKIP_ROW) found.push([--row, null]);
      else if (way === SKIP_COLUMN) found.push([null, --column]);
      else throw new Error("an alignment without a way back");
    }
    return found.reverse();
  }
}
