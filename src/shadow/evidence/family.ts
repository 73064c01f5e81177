// One family (shadow §4). What a run has counted itself is its own row in the store; what earlier runs and other processes have
// stored it only knows: rows are added up on read, so that no checkpoint can take away from what another has saved.
import type { Recheck } from "../noise/recheckTally.ts";
import { type DifferenceKind, type Difference, isWorse, type Severity } from "../words.ts";
import { Distinct } from "./distinct.ts";
import type { FamilyPart, SampleSeat } from "./model.ts";
import { addRechecks, isConfirmedBy, NO_RECHECKS, type Rechecks, rechecksOf } from "./rechecks.ts";
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

export interface Proof {
  readonly state: FamilyState;
  readonly severity: Severity;
  readonly isByTest: boolean;
  readonly rechecks: Rechecks;
}

/** Breaking ones count from their first exchange, others when noise is ruled out; accepted ones never. */
export function confirmationOf({ state, severity, isByTest, rechecks }: Proof): Confirmation | null {
  if (state === "accepted") return null;
  if (severity === "breaking") return "breaking";
  if (isByTest) return "family-test";
  return isConfirmedBy(rechecks) ? "re-checks" : null;
}

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

export interface FamilyFacts extends FamilyKey {
  readonly severity: Severity;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly firstBuild: string;
  readonly lastBuild: string;
}

/** shadow §4: a newer build, and nothing in so many comparisons of the route. */
const FIXED_COMPARISONS = 1_000;

export class Family<T> {
  readonly key: FamilyKey;
  readonly name: string;
  /** Whose samples are kept; the samples themselves are in the store only. */
  readonly samples: Reservoir<null>;
  severity: Severity;
  state: FamilyState = "open";
  /** In this run. */
  differing = 0;
  firstSeenMs: number;
  firstBuild: string;
  lastSeenMs: number;
  lastBuild: string;
  #version = 0;
  #isByTest = false;
  #cleanBuild = "";
  #cleanSince = 0;
  #offeredBefore = 0;
  #rechecks = NO_RECHECKS;
  #rechecksBefore = NO_RECHECKS;
  readonly #groups = new Distinct();

  constructor(facts: FamilyFacts, random: () => number) {
    const { route, template, kind, control, candidate } = facts;
    this.key = { route, template, kind, control, candidate };
    this.name = familyName(this.key);
    this.severity = facts.severity;
    this.samples = new Reservoir(random);
    this.firstSeenMs = facts.firstSeenMs;
    this.firstBuild = facts.firstBuild;
    this.lastSeenMs = facts.lastSeenMs;
    this.lastBuild = facts.lastBuild;
  }

  /** Grows whenever its row changes; 0: there is nothing of this run to be stored. */
  get version(): number {
    return this.#version;
  }

  /** HMACs of this run: exact while there are few, else estimated (`Distinct`). */
  get groups(): number {
    return this.#groups.count;
  }

  get confirmedBy(): Confirmation | null {
    const { state, severity } = this;
    const rechecks = addRechecks(this.#rechecksBefore, this.#rechecks);
    return confirmationOf({ state, severity, isByTest: this.#isByTest, rechecks });
  }

  /** As it is stored: what this run has counted, and what it knows. */
  get row(): FamilyPart {
    const { name, key, severity, state, differing, groups, confirmedBy } = this;
    const { firstSeenMs, lastSeenMs, firstBuild, lastBuild } = this;
    const memory = {
      offered: this.samples.seen - this.#offeredBefore,
      groups: this.#groups.text,
      rechecks: this.#rechecks,
      isByTest: this.#isByTest,
    };
    const seen = { firstSeenMs, lastSeenMs, firstBuild, lastBuild };
    return { name, ...key, severity, state, differing, groups, confirmedBy, ...seen, memory };
  }

  see({ difference, acceptedBy, group, build, atMs }: Omit<FamilySeen, "route">): void {
    this.#version += 1;
    this.differing += 1;
    this.lastSeenMs = atMs;
    this.lastBuild = build;
    this.#cleanSince = 0;
    this.#cleanBuild = build;
    if (isWorse(difference.severity, this.severity)) this.severity = difference.severity;
    this.#groups.add(group);
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
    if (this.#cleanSince < FIXED_COMPARISONS) return;
    this.state = "fixed";
    this.#version += 1;
  }

  recheck(result: Recheck, group: string): void {
    const sum = addRechecks(this.#rechecks, rechecksOf(result, group));
    const { agreed, groups, isNoisy } = this.#rechecks;
    if (sum.agreed !== agreed || sum.isNoisy !== isNoisy || sum.groups.join() !== groups.join()) this.#version += 1;
    this.#rechecks = sum;
  }

  /** Layer 4 has found it in a window. */
  confirmByTest(): void {
    if (!this.#isByTest) this.#version += 1;
    this.#isByTest = true;
  }

  /** Keeps a sample if it is one of the few; `make` is called only then. */
  offerSample(group: string, make: () => T): (Sample<T> & { readonly place: number }) | null {
    const place = this.samples.placeFor(group);
    if (place === null) return null;
    this.samples.put(place, { group, value: null });
    return { group, value: make(), place };
  }

  /** What the store knew when this run began; it may come after the run has seen the family itself. Told once. */
  restore(stored: FamilyPart, seats: readonly SampleSeat[]): void {
    const isNew = this.#version === 0;
    if (stored.firstSeenMs < this.firstSeenMs)
      [this.firstSeenMs, this.firstBuild] = [stored.firstSeenMs, stored.firstBuild];
    if (isWorse(stored.severity, this.severity)) this.severity = stored.severity;
    if (isNew) this.state = stored.state;
    else if (stored.state === "fixed" || stored.state === "regressed") {
      if (this.state === "open") this.state = "regressed";
    }
    const { memory } = stored;
    this.#isByTest ||= memory.isByTest;
    this.#rechecksBefore = memory.rechecks;
    this.#offeredBefore = memory.offered;
    this.samples.restore(
      seats.map(({ group }) => ({ group, value: null })),
      this.#offeredBefore,
    );
  }
}
