// Groups that nobody uses yet, and that are seeded all the same (shadow J1): a few at a time, and none while one that is in use waits
// for its own seed.

/** Asked for at once: one lane of the seeder is left to those that are in use. */
const AT_ONCE = 3;
/** One that does not work is left to its first call. */
const TRIES = 5;
/** Behind a failure none is tried for so long, twice as long each time: mostly it is the target, not the group. */
const REST_MS = 2_000;
const REST_MS_MAX = 60_000;

export class Foreseen<Group extends object> {
  /** With how often it was tried. */
  readonly #waiting = new Map<Group, number>();
  readonly #seeding = new Set<Group>();
  #restMs = REST_MS;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  /** Not asked for yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  add(group: Group): void {
    this.#waiting.set(group, 0);
  }

  /** It waits, or is asked for. */
  has(group: Group): boolean {
    return this.#waiting.has(group) || this.#seeding.has(group);
  }

  /** It is in use now. */
  remove(group: Group): void {
    this.#waiting.delete(group);
  }

  /** Nobody will be told how its seed went. */
  forget(group: Group): void {
    this.#waiting.delete(group);
    this.#seeding.delete(group);
  }

  /** What was asked for is still under way, in use or not. */
  isSeeding(group: Group): boolean {
    return this.#seeding.has(group);
  }

  /** Who may be asked for now; each is answered by `seeded` or `failed`. */
  take(nowMs: number, whenOf: (group: Group) => "now" | "later" | "never"): readonly Group[] {
    const taken: Group[] = [];
    if (nowMs < this.#restsUntilMs) return taken;
    for (const group of this.#waiting.keys()) {
      if (this.#seeding.size >= AT_ONCE) break;
      if (this.#seeding.has(group)) continue;
      const when = whenOf(group);
      if (when === "never") this.#waiting.delete(group);
      if (when !== "now") continue;
      this.#seeding.add(group);
      taken.push(group);
    }
    return taken;
  }

  seeded(group: Group): void {
    if (!this.#seeding.delete(group)) return;
    this.#waiting.delete(group);
    this.#restMs = REST_MS;
  }

  failed(group: Group, nowMs: number): void {
    if (!this.#seeding.delete(group)) return;
    this.#restsUntilMs = nowMs + this.#restMs;
    this.#restMs = Math.min(REST_MS_MAX, this.#restMs * 2);
    const tries = this.#waiting.get(group);
    if (tries === undefined) return;
    this.#waiting.delete(group);
    if (tries + 1 < TRIES) this.#waiting.set(group, tries + 1); // behind all others
  }

  /** Whoever was to answer is gone. */
  loseSeeding(): void {
    this.#seeding.clear();
  }
}
