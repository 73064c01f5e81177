import { type Difference, isWorse, type Severity, worstOf } from "../words.ts";

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

/** What is told of a place; its path is asked for only where it is the first of its family. */
export type Told = Omit<FoundDifference, "count" | "path">;

const nameOf = ({ template, kind, control, candidate, acceptedBy, isTentative }: Told): string =>
  `${kind} ${control} ${candidate} ${acceptedBy} ${isTentative === true} ${template}`;

const NOTHING: Mark = { counts: [], counting: 0 };

/** The differences of one pair of bodies; those of one family are counted together. */
export class FoundDifferences {
  #all: Counted[] = [];
  readonly #byName = new Map<string, Counted>();
  /** Of those that count; null: nobody has asked since there are others. */
  #worst: Severity | "none" | null = null;
  /** Places that differ and that no rule foresees. */
  #counting = 0;

  get all(): readonly FoundDifference[] {
    return this.#all;
  }

  get counting(): number {
    return this.#counting;
  }

  add(found: Told, pathOf: () => string): void {
    if (found.acceptedBy === null) this.#counting += 1;
    const name = nameOf(found);
    const known = this.#byName.get(name);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const isFull = this.#all.length >= DIFFERENCES_MAX;
    if (isFull && !this.#isWorst(found)) return;
    const added = { ...found, path: pathOf(), count: 1 };
    const place = isFull ? DIFFERENCES_MAX : this.#all.length;
    this.#drop(place);
    this.#all[place] = added;
    this.#byName.set(name, added);
  }

  #drop(place: number): void {
    this.#worst = null;
    const dropped = this.#all[place];
    if (dropped !== undefined) this.#byName.delete(nameOf(dropped));
  }

  /** However many there are, the worst that counts must not be missing: the verdict is made of it. */
  #isWorst({ acceptedBy, severity }: Told): boolean {
    if (acceptedBy !== null) return false;
    this.#worst ??= worstOf(this.#all.flatMap((one) => (one.acceptedBy === null ? [one.severity] : []))) ?? "none";
    return this.#worst === "none" || isWorse(severity, this.#worst);
  }

  mark(): Mark {
    if (this.#all.length === 0 && this.#counting === 0) return NOTHING;
    return { counts: this.#all.map(({ count }) => count), counting: this.#counting };
  }

  since({ counts }: Mark): readonly FoundDifference[] {
    return this.#all.filter(({ count }, at) => count > (counts[at] ?? 0));
  }

  backTo({ counts, counting }: Mark): void {
    for (let place = counts.length; place < this.#all.length; place++) this.#drop(place);
    this.#all = this.#all.slice(0, counts.length);
    for (const [at, count] of counts.entries()) (this.#all[at] as Counted).count = count;
    this.#counting = counting;
  }
}
