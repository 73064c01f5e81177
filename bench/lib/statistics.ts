/** Figures of a shared machine jump: the middle one is reported and the extremes beside it. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

export interface Ratio {
  readonly ratio: number;
  readonly spread: readonly [min: number, max: number];
}

/**
 * `ours[i] / peer[i]` round by round, then the median: what disturbed a round disturbed both sides of its ratio, which
 * a ratio of two medians would not see.
 */
export function ratioByRound(ours: readonly number[], peer: readonly number[]): Ratio {
  if (ours.length !== peer.length) throw new RangeError("a ratio needs both sides of every round");
  const ratios = ours.map((value, round) => value / (peer[round] as number));
  return { ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)] };
}

/** The value below which `share` of the sorted values lie (nearest rank). */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) throw new RangeError("a quantile of nothing");
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}
