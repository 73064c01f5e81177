// Exact intervals of shares (Clopper and Pearson 1934). Written here: the packages that have it bring whole statistics libraries, and
// it is two functions of forty years' standing.

const TAIL = 0.025;
/** Where only one side can be bounded. */
const ONE_SIDED = 0.05;
const HALVINGS = 64;
const TERMS_MAX = 1_000_000;
const TINY = 1e-300;
/** Further than anybody waits. */
const COMPARISONS_MAX = 1e12;

/** ln Γ(x), x > 0: Stirling's series (DLMF 5.11.1), from 16 up exact to the last digits. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 16; at++) shift += Math.log(at);
  const inverse = 1 / (at * at);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / at;
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - shift;
}

/** Continued fraction of the incomplete beta function (DLMF 8.17.22), evaluated from the front (Lentz 1976). */
function fraction(x: number, a: number, b: number): number {
  const away = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let product = d;
  for (let m = 1; m < TERMS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    product *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    product *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return product;
}

/** Regularised incomplete beta function I_x(a, b): the probability of at least `a` in `a + b - 1` trials of chance `x`. */
export function betaShare(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // On either side of its middle the other fraction ends sooner.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

/** Where a growing function passes `target`. */
function solve(grows: (x: number) => number, target: number, from: number, to: number): number {
  let [low, high] = [from, to];
  for (let at = 0; at < HALVINGS; at++) {
    const middle = (low + high) / 2;
    if (grows(middle) < target) low = middle;
    else high = middle;
  }
  return high;
}

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** 95 % interval of a share; where nothing was found, or everything, the one bound that there is takes all of the 5 %. */
export function exactBounds(found: number, of: number): Bounds {
  if (of <= 0) return { low: 0, high: 1 };
  if (found <= 0) return { low: 0, high: -Math.expm1(Math.log(ONE_SIDED) / of) };
  if (found >= of) return { low: ONE_SIDED ** (1 / of), high: 1 };
  const share = found / of;
  return {
    low: solve((p) => betaShare(p, found, of - found + 1), TAIL, 0, share),
    high: solve((p) => betaShare(p, found + 1, of - found), 1 - TAIL, share, 1),
  };
}

/** The fewest comparisons of which `found` would have an upper bound of `limit`; as it is met by `exactBounds`. */
export function comparisonsFor(found: number, limit: number): number {
  if (limit >= 1) return found;
  if (limit <= 0) return COMPARISONS_MAX;
  if (found <= 0) return Math.min(COMPARISONS_MAX, Math.ceil(Math.log(ONE_SIDED) / Math.log1p(-limit)));
  const isEnough = (of: number): boolean => of > found && betaShare(limit, found + 1, of - found) >= 1 - TAIL;
  let enough = found + 1;
  while (!isEnough(enough) && enough < COMPARISONS_MAX) enough *= 2;
  let short = Math.floor(enough / 2);
  while (enough - short > 1) {
    const middle = Math.floor((short + enough) / 2);
    if (isEnough(middle)) enough = middle;
    else short = middle;
  }
  return Math.min(enough, COMPARISONS_MAX);
}
