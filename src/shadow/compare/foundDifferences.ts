import { type Difference, isWorse } from "../words.ts";

export interface FoundDifference extends Difference {
  /** Places of the body with this template, kind and classes; `path` is the first. */
  readonly count: number;
  /** Id of the rule that foresees it; null: it counts. */
  readonly acceptedBy: string | null;
}

/** So many of one pair of bodies; further ones are the same cause. */
const DIFFERENCES_MAX = 100;

type Counted = { -readonly [Key in keyof FoundDifference]: FoundDifference[Key] };

/** How often each difference had been found at some moment. */
export type Mark = readonly number[];

const isOneFamily = (one: Difference, other: Difference): boolean =>
  one.template === other.template &&
  one.kind === other.kind &&
  one.control === other.control &&
  one.candidate === other.candidate;

/** The differences of one pair of bodies; those of one family are counted together. */
export class FoundDifferences {
  #all: Counted[] = [];

  get all(): readonly FoundDifference[] {
    return this.#all;
  }

  add(found: Omit<FoundDifference, "count">): void {
    const known = this.#all.find((one) => isOneFamily(one, found) && one.acceptedBy === found.acceptedBy);
    if (known !== undefined) known.count += 1;
    else if (this.#all.length < DIFFERENCES_MAX) this.#all.push({ ...found, count: 1 });
    else if (this.#isWorst(found)) this.#all[DIFFERENCES_MAX] = { ...found, count: 1 };
  }

  /** However many there are, the worst that counts must not be missing: the verdict is made of it. */
  #isWorst({ acceptedBy, severity }: Omit<FoundDifference, "count">): boolean {
    const counting = this.#all.filter((one) => one.acceptedBy === null);
    return acceptedBy === null && counting.every((one) => isWorse(severity, one.severity));
  }

  mark(): Mark {
    return this.#all.map(({ count }) => count);
  }

  since(mark: Mark): readonly FoundDifference[] {
    return this.#all.filter(({ count }, at) => count > (mark[at] ?? 0));
  }

  backTo(mark: Mark): void {
    this.#all = this.#all.slice(0, mark.length);
    for (const [at, count] of mark.entries()) (this.#all[at] as Counted).count = count;
  }
}
