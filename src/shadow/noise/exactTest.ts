// Statistics of the noise model (shadow §8): exact tests, for the counts are small where it matters.

const logFactorials: number[] = [0, 0];

/** ln n!, by table as far as it was asked for. */
function logFactorial(n: number): number {
  for (let at = logFactorials.length; at <= n; at++) {
    logFactorials.push((logFactorials[at - 1] as number) + Math.log(at));
  }
  return logFactorials[n] as number;
}

/**
 * Exact one-sided test of McNemar (1947): of pairs that disagree, `here` in favour of what is asked and `there` against it; the
 * probability of at least `here` were both as likely.
 */
export function mcnemarExact(here: number, there: number): number {
  const pairs = here + there;
  if (here === 0) return 1;
  let sum = 0;
  // From the largest term down, so that far tails end soon.
  for (let k = Math.max(here, Math.ceil(pairs / 2)); k <= pairs; k++) sum += binomialHalf(pairs, k);
  for (let k = here; k < Math.ceil(pairs / 2); k++) sum += binomialHalf(pairs, k);
  return Math.min(1, sum);
}

const binomialHalf = (n: number, k: number): number =>
  Math.exp(logFactorial(n) - logFactorial(k) - logFactorial(n - k) - n * Math.LN2);

/**
 * Which hypotheses hold, with a false discovery rate of at most `alpha` among them (Benjamini and Hochberg 1995).
 * @param pValues in any order; the answer is in theirs
 */
export function benjaminiHochberg(pValues: readonly number[], alpha: number): readonly boolean[] {
  const order = pValues.map((p, at) => ({ p, at })).sort((one, other) => one.p - other.p);
  const last = order.findLastIndex(({ p }, rank) => p <= (alpha * (rank + 1)) / pValues.length);
  const held = new Set(order.slice(0, last + 1).map(({ at }) => at));
  return pValues.map((_, at) => held.has(at));
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

const Z95 = 1.959963984540054;

/** 95 % interval of a share (Wilson 1927); where nothing was found the upper end is the exact one, 1 − 0.05^(1/n). */
export function shareInterval(found: number, of: number): Interval {
  if (of === 0) return { low: 0, high: 1 };
  if (found === 0) return { low: 0, high: 1 - 0.05 ** (1 / of) };
  const share = found / of;
  const z2 = Z95 ** 2;
  const middle = (share + z2 / (2 * of)) / (1 + z2 / of);
  const half = (Z95 / (1 + z2 / of)) * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of ** 2));
  return { low: Math.max(0, middle - half), high: found === of ? 1 : Math.min(1, middle + half) };
}
