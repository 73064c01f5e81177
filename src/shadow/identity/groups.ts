// What is remembered of each group while its exchanges are judged (shadow J4, §8): whether it has gone apart, how late its copies
// are, and when it wrote.

export interface Group {
  isDiverged: boolean;
  /** Of all its copies so far, at most. */
  delayMs: number;
  /** Epoch ms. */
  lastWriteMs: number;
}

const GROUPS_MAX = 100_000;
/** Looked at to make room for one. */
const DROP_TRIES = 64;
/** shadow §8, race rule. */
const RACE_MS = 2_000;

/** The group has written a moment before this, or at the same time. */
export const isRacing = ({ lastWriteMs }: Group, atMs: number): boolean => Math.abs(atMs - lastWriteMs) <= RACE_MS;

/** What the call was answered with may not be the answer any more. */
export const mayHaveChanged = ({ lastWriteMs }: Group, atMs: number): boolean => atMs - lastWriteMs <= RACE_MS;

export class Groups {
  readonly #all = new Map<string, Group>();
  readonly #max: number;
  #dropped = 0;

  constructor(max: number = GROUPS_MAX) {
    this.#max = max;
  }

  /** Groups that were forgotten for others. */
  get dropped(): number {
    return this.#dropped;
  }

  get diverged(): number {
    let count = 0;
    for (const { isDiverged } of this.#all.values()) count += isDiverged ? 1 : 0;
    return count;
  }

  *divergedNames(): Generator<string> {
    for (const [name, { isDiverged }] of this.#all) if (isDiverged) yield name;
  }

  find(name: string): Group | undefined {
    return this.#all.get(name);
  }

  of(name: string): Group {
    let group = this.#all.get(name);
    if (group === undefined) {
      group = { isDiverged: false, delayMs: 0, lastWriteMs: Number.NEGATIVE_INFINITY };
      this.#all.set(name, group);
      if (this.#all.size > this.#max) this.#dropOldest(name);
    }
    return group;
  }

  forget(name: string): void {
    this.#all.delete(name);
  }

  /** The oldest that is not diverged, among a few: a diverged one would be compared again. */
  #dropOldest(kept: string): void {
    let oldest: string | null = null;
    let looked = 0;
    for (const [name, { isDiverged }] of this.#all) {
      if (name === kept) continue;
      oldest ??= name;
      if (!isDiverged) {
        oldest = name;
        break;
      }
      if (++looked === DROP_TRIES) break;
    }
    if (oldest === null) return;
    this.#all.delete(oldest);
    this.#dropped += 1;
  }
}
