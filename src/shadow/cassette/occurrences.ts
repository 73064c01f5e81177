import type { Clock } from "../../kernel/index.ts";

/** The how many-th call with a key a request makes at the replay side (shadow K2). The least recently used is forgotten. */
export class Occurrences {
  readonly #counts = new Map<string, { readonly count: number; readonly at: number }>();
  readonly #clock: Clock;
  readonly #options: { readonly most: number; readonly ageMs: number; readonly onDrop: () => void };

  constructor(clock: Clock, options: { readonly most: number; readonly ageMs: number; readonly onDrop: () => void }) {
    this.#clock = clock;
    this.#options = options;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** From 1 on; 1 for a call without a request id, which belongs to no request. */
  next(hash: string, requestId: string | null): number {
    if (requestId === null) return 1;
    const name = `${hash} ${requestId}`;
    const count = (this.#counts.get(name)?.count ?? 0) + 1;
    const at = this.#clock.monotonic();
    this.#counts.delete(name);
    this.#counts.set(name, { count, at });
    for (const [oldest, { at: usedAt }] of this.#counts) {
      const isOld = usedAt + this.#options.ageMs < at;
      if (!isOld && this.#counts.size <= this.#options.most) break;
      this.#counts.delete(oldest);
      // Its recordings are as old: only the limit takes something from anybody.
      if (!isOld) this.#options.onDrop();
    }
    return count;
  }
}
