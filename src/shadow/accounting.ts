// Every offered exchange is accounted for (shadow A1): `offered = unsafe_write + not_sampled + sampled`, and
// `sampled = Σ verdicts + open`. What does not add up is a defect of ours, so it is a gauge that must be 0.

export class Accounting {
  #offered = 0;
  #unsafe = 0;
  #notSampled = 0;
  #sampled = 0;
  #judged = 0;
  #open = 0;

  /** `unsafe`: decided before sampling (shadow A1). */
  offer(outcome: "unsafe" | "not_sampled" | "sampled"): void {
    this.#offered += 1;
    if (outcome === "unsafe") this.#unsafe += 1;
    else if (outcome === "not_sampled") this.#notSampled += 1;
    else {
      this.#sampled += 1;
      this.#open += 1;
    }
  }

  /** Every sampled exchange gets exactly one verdict, `not_compared` too. */
  judge(): void {
    this.#judged += 1;
    this.#open -= 1;
  }

  get open(): number {
    return this.#open;
  }

  get sampled(): number {
    return this.#sampled;
  }

  /** 0, or something was lost or counted twice. */
  get gap(): number {
    const unaccounted = this.#offered - this.#unsafe - this.#notSampled - this.#sampled;
    return Math.abs(unaccounted) + Math.abs(this.#sampled - this.#judged - this.#open) + Math.max(0, -this.#open);
  }
}
