// Alignment of two sequences by least cost inside a band around the diagonal (Needleman and Wunsch 1970; shadow C6).

/** Positions of both sequences; null: nothing there. In order. */
export type Aligned = readonly (readonly [one: number | null, other: number | null])[];

export interface AlignOptions {
  readonly lengths: readonly [one: number, other: number];
  /** Of pairing two positions; infinite: never. */
  cost(one: number, other: number): number;
  readonly gapCost: number;
  /** How far from the diagonal partners are looked for, beside the difference of the lengths. */
  readonly band: number;
}

const [PAIR, SKIP_ONE, SKIP_OTHER] = [1, 2, 3];

export function align({ lengths: [n, m], cost, gapCost, band }: AlignOptions): Aligned {
  const reach = band + Math.abs(n - m);
  const width = 2 * reach + 1;
  // Column of position `other` in row `one`: other − one + reach.
  const ways = new Uint8Array((n + 1) * width);
  let before = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
  for (let one = 0; one <= n; one++) {
    const row = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
    for (let at = Math.max(0, reach - one); at < width; at++) {
      const other = one + at - reach;
      if (other > m) break;
      const [best, way] = cheapest(one, other, at, before, row);
      row[at] = best;
      ways[one * width + at] = way;
    }
    before = row;
  }
  return walkBack();

  function cheapest(one: number, other: number, at: number, above: Float64Array, row: Float64Array): [number, number] {
    if (one === 0 && other === 0) return [0, 0];
    let [best, way] = [Number.POSITIVE_INFINITY, 0];
    const offer = (price: number, by: number): void => {
      if (price < best) [best, way] = [price, by];
    };
    const left = above[at];
    if (one > 0 && other > 0 && left !== undefined && left < Number.POSITIVE_INFINITY) {
      offer(left + cost(one - 1, other - 1), PAIR);
    }
    if (one > 0) offer((above[at + 1] ?? Number.POSITIVE_INFINITY) + gapCost, SKIP_ONE);
    if (other > 0) offer((row[at - 1] ?? Number.POSITIVE_INFINITY) + gapCost, SKIP_OTHER);
    return [best, way];
  }

  function walkBack(): Aligned {
    const found: [number | null, number | null][] = [];
    for (let [one, other] = [n, m]; one > 0 || other > 0; ) {
      const way = ways[one * width + (other - one + reach)];
      if (way === PAIR) found.push([--one, --other]);
      else if (way === SKIP_ONE) found.push([--one, null]);
      else found.push([null, --other]);
    }
    return found.reverse();
  }
}
