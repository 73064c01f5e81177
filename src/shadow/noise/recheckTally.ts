// What re-checks say of a family (shadow §8, layer 3).

/** The call again, on both arms. */
export interface Recheck {
  readonly isArmsApart: boolean;
  readonly isControlStable: boolean;
  readonly isCandidateStable: boolean;
}

const CONFIRMED_MIN = 3;
const GROUPS_MIN = 2;

export class RecheckTally {
  #confirmed = 0;
  #isNoisy = false;
  readonly #groups = new Set<string>();

  add({ isArmsApart, isControlStable, isCandidateStable }: Recheck, group: string): void {
    if (!isControlStable) this.#isNoisy = true;
    if (!isArmsApart || !isControlStable || !isCandidateStable) return;
    this.#confirmed += 1;
    if (this.#groups.size < GROUPS_MIN) this.#groups.add(group);
  }

  /** Control has differed from itself here: three agreements by chance would prove nothing, so that layer 4 decides. */
  get isConfirmed(): boolean {
    return !this.#isNoisy && this.#confirmed >= CONFIRMED_MIN && this.#groups.size >= GROUPS_MIN;
  }
}
