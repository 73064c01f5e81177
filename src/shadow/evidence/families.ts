// Families (shadow §4): all differences with one route, path template, kind and value classes. The thing a person decides about.
import { RecheckTally, type Recheck } from "../noise/recheckTally.ts";
import type { Difference, DifferenceKind, Severity } from "../words.ts";
import { isWorse } from "../words.ts";
import { Reservoir, type Sample } from "./reservoir.ts";

export const FAMILY_STATES = ["open", "accepted", "fixed", "regressed"] as const;
export type FamilyState = (typeof FAMILY_STATES)[number];

export interface FamilyKey {
  readonly route: string;
  readonly template: string;
  readonly kind: DifferenceKind;
  readonly control: string | null;
  readonly candidate: string | null;
}

export const familyName = ({ route, template, kind, control, candidate }: FamilyKey): string =>
  JSON.stringify([route, template, kind, control, candidate]);

/** What layer or rule made it count (shadow §8). */
export type Confirmation = "breaking" | "re-checks" | "family-test";

export interface FamilySeen {
  readonly route: string;
  readonly difference: Difference;
  /** Id of the rule that accepts it. */
  readonly acceptedBy: string | null;
  /** HMAC. */
  readonly group: string;
  readonly build: string;
  /** Epoch ms. */
  readonly atMs: number;
}

const GROUPS_COUNTED_MAX = 10_000;
/** shadow §4: a newer build, and nothing in so many comparisons of the route. */
const FIXED_COMPARISONS = 1_000;

export class Family<T> {
  readonly key: FamilyKey;
  readonly samples: Reservoir<T>;
  readonly firstSeenMs: number;
  readonly firstBuild: string;
  severity: Severity;
  state: FamilyState = "open";
  differing = 0;
  lastSeenMs: number;
  lastBuild: string;
  #isByTest = false;
  #cleanBuild = "";
  #cleanSince = 0;
  readonly #groups = new Set<string>();
  readonly #tally = new RecheckTally();

  constructor({ route, difference, atMs, build }: FamilySeen, random: () => number) {
    const { template, kind, control, candidate, severity } = difference;
    this.key = { route, template, kind, control, candidate };
    this.severity = severity;
    this.samples = new Reservoir(random);
    this.firstSeenMs = atMs;
    this.lastSeenMs = atMs;
    this.firstBuild = build;
    this.lastBuild = build;
  }

  get name(): string {
    return familyName(this.key);
  }

  /** HMACs; a lower bound once there are very many. */
  get groups(): number {
    return this.#groups.size;
  }

  /** Breaking ones count from their first exchange, others when noise is ruled out; accepted ones never. */
  get confirmedBy(): Confirmation | null {
    if (this.state === "accepted") return null;
    if (this.severity === "breaking") return "breaking";
    if (this.#isByTest) return "family-test";
    return this.#tally.isConfirmed ? "re-checks" : null;
  }

  see({ difference, acceptedBy, group, build, atMs }: FamilySeen): void {
    this.differing += 1;
    this.lastSeenMs = atMs;
    this.lastBuild = build;
    this.#cleanSince = 0;
    this.#cleanBuild = build;
    if (isWorse(difference.severity, this.severity)) this.severity = difference.severity;
    if (this.#groups.size < GROUPS_COUNTED_MAX) this.#groups.add(group);
    if (acceptedBy !== null) this.state = "accepted";
    else if (this.state === "fixed") this.state = "regressed";
    else if (this.state === "accepted") this.state = "open"; // its rule has ended
  }

  /** A comparison of its route in which it was not seen. */
  missed(build: string): void {
    if (this.state === "fixed" || build === this.lastBuild) return;
    if (this.#cleanBuild !== build) {
      this.#cleanBuild = build;
      this.#cleanSince = 0;
    }
    this.#cleanSince += 1;
    if (this.#cleanSince >= FIXED_COMPARISONS) this.state = "fixed";
  }

  recheck(result: Recheck, group: string): void {
    this.#tally.add(result, group);
  }

  /** Layer 4 has found it in a window. */
  confirmByTest(): void {
    this.#isByTest = true;
  }

  /** Keeps a sample if it is one of the few; `make` is called only then. */
  offerSample(group: string, make: () => T): (Sample<T> & { readonly place: number }) | null {
    const place = this.samples.placeFor(group);
    if (place === null) return null;
    const sample = { group, value: make() };
    this.samples.put(place, sample);
    return { ...sample, place };
  }
}

export interface FamiliesOptions {
  readonly random: () => number;
  /** Further ones are counted and not kept: something is wrong with the rules. */
  readonly familiesMax?: number;
  onDrop(): void;
}

export class Families<T> {
  readonly #options: FamiliesOptions;
  readonly #all = new Map<string, Family<T>>();
  readonly #byRoute = new Map<string, Family<T>[]>();

  constructor(options: FamiliesOptions) {
    this.#options = options;
  }

  get all(): Iterable<Family<T>> {
    return this.#all.values();
  }

  /** The families of one comparison's differences; null for one too many. Those of the route that it lacks are told. */
  see(route: string, seen: readonly FamilySeen[], build: string): readonly (Family<T> | null)[] {
    // What counts has the last word on a family that one exchange shows both ways.
    const ordered = [...seen].sort((one, other) => Number(one.acceptedBy === null) - Number(other.acceptedBy === null));
    const found = ordered.map((one) => this.#family(one));
    for (const family of this.#byRoute.get(route) ?? []) if (!found.includes(family)) family.missed(build);
    return found;
  }

  #family(seen: FamilySeen): Family<T> | null {
    const name = familyName({ route: seen.route, ...seen.difference });
    let family = this.#all.get(name);
    if (family === undefined) {
      if (this.#all.size >= (this.#options.familiesMax ?? 5_000)) {
        this.#options.onDrop();
        return null;
      }
      family = new Family<T>(seen, this.#options.random);
      this.#all.set(name, family);
      const ofRoute = this.#byRoute.get(seen.route);
      if (ofRoute === undefined) this.#byRoute.set(seen.route, [family]);
      else ofRoute.push(family);
    }
    family.see(seen);
    return family;
  }
}
