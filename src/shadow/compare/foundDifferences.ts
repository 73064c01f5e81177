import { type Difference, isWorse } from "../words.ts";

export interface FoundDifference extends Difference {
  /** Places of the body with this template, kind and classes; `path` is the first. */
  readonly count: number;
  /** Id of the rule that foresees it; null: it counts. */
  readonly acceptedBy: string | null;
  /** It rests on two ids of which no call has shown yet that they name one thing (shadow M4). */
  readonly isTentative?: true;
}

/** So many of one pair of bodies; further ones are the same cause. */
const DIFFERENCES_MAX = 100;

type Counted = { -readonly [Key in keyof FoundDifference]: FoundDifference[Key] };

/** How often each difference had been found at some moment. */
export interface Mark {
  readonly counts: readonly number[];
  readonly counting: number;
}

const isOneFamily = (one: Difference, other: Difference): boolean =>
  one.template === other.template &&
  one.kind === other.kind &&
  one.control === other.control &&
  one.candidate === other.candidate;

/** The differences of one pair of bodies; those of one family are counted together. */
export class FoundDifferences {
  #all: Counted[] = [];
  /** Places that differ and that no rule foresees. */
  #counting = 0;

  get all(): readonly FoundDifference[] {
    return this.#all;
  }

  get counting(): number {
    return this.#counting;
  }

  add(found: Omit<FoundDifference, "count">): void {
    if (found.acceptedBy === null) this.#counting += 1;
    const known = this.#all.find(
      (one) => isOneFamily(one, found) && one.acceptedBy === found.acceptedBy && one.isTentative === found.isTentative,
    );
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
    return { counts: this.#all.map(({ count }) => count), counting: this.#counting };
  }

  since({ counts }: Mark): readonly FoundDifference[] {
    return this.#all.filter(({ count }, at) => count > (counts[at] ?? 0));
  }

  backTo({ counts, counting }: Mark): void {
    this.#all = this.#all.slice(0, counts.length);
    for (const [at, count] of counts.entries()) (this.#all[at] as Counted).count = count;
    this.#counting = counting;
  }
}
