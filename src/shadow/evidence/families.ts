// Families (shadow §4): all differences with one route, path template, kind and value classes. The thing a person decides about.
import { Family, type FamilyFacts, familyName, type FamilySeen } from "./family.ts";
import type { FamilyPart, Resumed } from "./model.ts";

export * from "./family.ts";

export interface FamiliesOptions {
  readonly random: () => number;
  /** Further ones are counted and not kept: something is wrong with the rules. */
  readonly familiesMax?: number;
  /** In all their names: keys of bodies are part of them, and as long as an arm likes. */
  readonly nameCharsMax?: number;
  onDrop(): void;
}

const FAMILIES_MAX = 5_000;
const NAME_CHARS_MAX = 8 * 1024 ** 2;

/** Rows that the store lacks. */
export interface UnsavedFamilies {
  readonly rows: readonly FamilyPart[];
  /** The store has them. */
  saved(): void;
}

export class Families<T> {
  readonly #options: FamiliesOptions;
  readonly #all = new Map<string, Family<T>>();
  readonly #byRoute = new Map<string, Family<T>[]>();
  /** Versions that the store has. */
  readonly #saved = new Map<string, number>();
  #nameChars = 0;

  constructor(options: FamiliesOptions) {
    this.#options = options;
  }

  get all(): Iterable<Family<T>> {
    return this.#all.values();
  }

  /** The families of one comparison's differences; null for one too many. Those of the route that it lacks are told. */
  see(route: string, seen: readonly FamilySeen[], build: string, atMs: number): readonly (Family<T> | null)[] {
    // What counts has the last word on a family that one exchange shows both ways.
    const ordered = [...seen].sort((one, other) => Number(one.acceptedBy === null) - Number(other.acceptedBy === null));
    const found = ordered.map((one) => {
      const { difference } = one;
      const times = { firstSeenMs: one.atMs, lastSeenMs: one.atMs, firstBuild: one.build, lastBuild: one.build };
      const family = this.#family({ ...difference, route: one.route, ...times });
      family?.see(one);
      return family;
    });
    for (const family of this.#byRoute.get(route) ?? []) if (!found.includes(family)) family.missed(build, atMs);
    return found;
  }

  /** What `EvidenceStore.resume` gave, once for a campaign, at any time: what was seen before it came is kept. */
  restore({ families, seats, compared, carried }: Omit<Resumed, "campaign">): void {
    for (const row of families) {
      this.#family(row)?.restore(row, seats.get(row.name) ?? [], compared.get(row.route) ?? 0);
    }
    for (const row of carried.families) this.#family(row)?.carry(row);
    for (let at = 0; at < carried.leftOut; at++) this.#options.onDrop();
  }

  unsaved(): UnsavedFamilies {
    const changed = [...this.#all.values()].filter(({ name, version }) => version !== (this.#saved.get(name) ?? 0));
    const versions = changed.map(({ name, version }) => [name, version] as const);
    return {
      rows: changed.map(({ row }) => row),
      saved: () => {
        for (const [name, version] of versions) this.#saved.set(name, version);
      },
    };
  }

  #family(facts: FamilyFacts): Family<T> | null {
    const name = familyName(facts);
    const known = this.#all.get(name);
    if (known !== undefined) return known;
    const { familiesMax = FAMILIES_MAX, nameCharsMax = NAME_CHARS_MAX, random, onDrop } = this.#options;
    if (this.#all.size >= familiesMax || this.#nameChars + name.length > nameCharsMax) {
      onDrop();
      return null;
    }
    const family = new Family<T>(facts, random);
    this.#nameChars += name.length;
    this.#all.set(family.name, family); // one text, not two: names are long
    const ofRoute = this.#byRoute.get(facts.route);
    if (ofRoute === undefined) this.#byRoute.set(facts.route, [family]);
    else ofRoute.push(family);
    return family;
  }
}
