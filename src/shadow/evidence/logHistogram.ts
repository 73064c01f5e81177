// Durations in buckets that grow by a fourth root of two: any quantile within 9 %, and any two can be added (shadow §14).

const PER_DOUBLING = 4;
/** Of 0.01 ms and below. */
const LEAST_MS = 0.01;
const BUCKET_MAX = 4 * 30;

/** Counts by bucket, as they are stored: only those that are not 0. */
export type BucketCounts = Readonly<Record<string, number>>;

export class LogHistogram {
  readonly #counts = new Map<number, number>();

  constructor(counts: BucketCounts = {}) {
    this.add(counts);
  }

  /** @param ms as it was measured */
  observe(ms: number): void {
    const bucket = ms <= LEAST_MS ? 0 : Math.min(BUCKET_MAX, Math.ceil(PER_DOUBLING * Math.log2(ms / LEAST_MS)));
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
  }

  add(counts: BucketCounts): void {
    for (const [bucket, count] of Object.entries(counts)) {
      this.#counts.set(Number(bucket), (this.#counts.get(Number(bucket)) ?? 0) + count);
    }
  }

  get counts(): BucketCounts {
    return Object.fromEntries([...this.#counts].sort(([one], [other]) => one - other));
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The upper end of the bucket that holds it, ms; null for none observed. */
  quantile(share: number): number | null {
    let left = Math.max(1, Math.ceil(share * this.total));
    for (const [bucket, count] of [...this.#counts].sort(([one], [other]) => one - other)) {
      left -= count;
      if (left <= 0) return LEAST_MS * 2 ** (bucket / PER_DOUBLING);
    }
    return null;
  }
}
