// One family (shadow §4). What a run has counted itself is its own row in the store; what earlier runs and other processes have
// stored it only knows: rows are added up on read, so that no checkpoint can take away from what another has saved.
import type { Recheck } from "../noise/recheckTally.ts";
import { type DifferenceKind, type Difference, isWorse, type Severity } from "../words.ts";
import { Distinct } from "./distinct.ts";
import { FIXED_COMPARISONS } from "./carried.ts";
import type { FamilyPart, FamilyRow, FixedIn, SampleSeat } from "./model.ts";
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

/** Of what no rule accepts: gone, and then seen. */
export const stateOfSeen = (sinceMs: number | null, goneMs: number | null): "open" | "regressed" =>
  sinceMs !== null && goneMs !== null && goneMs <= sinceMs ? "regressed" : "open";

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
  fixed: FixedIn | null = null;
  #version = 0;
  #isByTest = false;
  /** Comparisons of its route since it was last seen. */
  #clean = 0;
  /** Epoch ms, of this run. */
  #sinceMs: number | null = null;
  #isSeenBefore = false;
  #goneMs: number | null = null;
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

  /** No run of this campaign has seen it. */
  get isCarried(): boolean {
    return this.#sinceMs === null && !this.#isSeenBefore;
  }

  get confirmedBy(): Confirmation | null {
    const { state, severity } = this;
    if (this.isCarried) return null;
    const rechecks = addRechecks(this.#rechecksBefore, this.#rechecks);
    return confirmationOf({ state, severity, isByTest: this.#isByTest, rechecks });
  }

  /** As it is stored: what this run has counted, and what it knows. */
  get row(): FamilyPart {
    const { name, key, severity, state, differing, groups, confirmedBy } = this;
    const { firstSeenMs, lastSeenMs, firstBuild, lastBuild, isCarried, fixed } = this;
    const memory = {
      offered: this.samples.seen - this.#offeredBefore,
      sinceMs: this.#sinceMs,
      goneMs: this.#goneMs,
      groups: this.#groups.text,
      rechecks: this.#rechecks,
      isByTest: this.#isByTest,
    };
    const seen = { firstSeenMs, lastSeenMs, firstBuild, lastBuild, isCarried, fixed };
    return { name, ...key, severity, state, differing, groups, confirmedBy, ...seen, memory };
  }

  see({ difference, acceptedBy, group, build, atMs }: Omit<FamilySeen, "route">): void {
    // Rules may have changed since the campaign before: how bad it was there says nothing.
    if (this.isCarried || isWorse(difference.severity, this.severity)) this.severity = difference.severity;
    this.#version += 1;
    this.#sinceMs ??= atMs;
    this.differing += 1;
    this.lastSeenMs = atMs;
    this.lastBuild = build;
    this.#clean = 0;
    this.#groups.add(group);
    if (acceptedBy !== null) this.state = "accepted";
    else if (this.state === "fixed") this.state = "regressed";
    else if (this.state === "accepted") this.state = this.#goneMs === null ? "open" : "regressed"; // its rule has ended
  }

  /** A comparison of its route in which it was not seen. */
  missed(build: string, atMs: number): void {
    if (this.state === "fixed" || build === this.lastBuild) return;
    this.#clean += 1;
    if (this.#clean < FIXED_COMPARISONS) return;
    this.state = "fixed";
    this.fixed = { atMs, build };
    this.#goneMs ??= atMs;
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

  /**
   * What the store knew when this run began; it may come after the run has seen the family itself. Told once.
   * @param compared of its route, by all runs before
   */
  restore(stored: FamilyPart, seats: readonly SampleSeat[], compared: number): void {
    const { memory } = stored;
    this.#isSeenBefore = memory.sinceMs !== null;
    this.#know(stored, memory.goneMs);
    if (this.#isSeenBefore && isWorse(stored.severity, this.severity)) this.severity = stored.severity;
    if (this.isCarried) this.#clean += compared;
    this.#isByTest ||= memory.isByTest;
    this.#rechecksBefore = memory.rechecks;
    this.#offeredBefore = memory.offered;
    this.samples.restore(
      seats.map(({ group }) => ({ group, value: null })),
      this.#offeredBefore,
    );
  }

  /** Of the campaign before: what was counted there is not of this one. Told once. */
  carry(stored: FamilyRow): void {
    this.#know(stored, stored.fixed?.atMs ?? null);
    this.#version += 1;
  }

  #know(stored: FamilyRow, goneMs: number | null): void {
    if (stored.firstSeenMs < this.firstSeenMs)
      [this.firstSeenMs, this.firstBuild] = [stored.firstSeenMs, stored.firstBuild];
    this.fixed = stored.fixed;
    this.#goneMs = goneMs;
    if (this.#version === 0) this.state = stored.state;
    // Seen here before it was known that it had been gone.
    else if (this.state === "open") this.state = stateOfSeen(this.#sinceMs, goneMs);
  }
}
