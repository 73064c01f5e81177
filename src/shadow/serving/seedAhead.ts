// Whom the arms know, page by page, when a campaign starts or the rate rises (shadow J1): who is sampled is foreseen, so that its
// first call can be mirrored already.
import type { Arm, Clock, Subject, UnitId } from "../../kernel/index.ts";
import { isSampled } from "../sampling.ts";
import type { Groups } from "./groups.ts";

/** The next page is asked for once less than these wait: what waits for long is outdated when it comes. */
const WAITING_MAX = 100;
const AGAIN_MS = 5_000;
const AGAIN_MS_MAX = 60_000;

/** The subjects behind `after` that an arm knows, as the compare thread is to read them. */
export interface ListWish {
  /** Answers to an older one are of no use. */
  readonly nr: number;
  readonly arm: Arm;
  readonly after: Subject | null;
}

export interface SeedAheadSettings {
  /** What a campaign is made of, and the targets; null: no evidence is kept yet. */
  readonly campaign: string | null;
  /** Of units whose groups are seeded, 0 … 100. */
  readonly samplePercent: ReadonlyMap<UnitId, number>;
  /** Which may be served while the other one's target is filled. */
  readonly arms: readonly Arm[];
}

export interface SeedAheadOptions {
  readonly clock: Clock;
  readonly groups: Pick<Groups, "ahead" | "foresee" | "forgetIdle">;
  /** null: nobody can say where its next call goes. */
  armOf(unit: UnitId, subject: Subject): Arm | null;
  list(wish: ListWish): void;
}

export class SeedAhead {
  readonly #options: SeedAheadOptions;
  #settings: SeedAheadSettings = { campaign: null, samplePercent: new Map(), arms: [] };
  /** Where the run is; null: it is through, or none was begun. */
  #next: { at: number; after: Subject | null } | null = null;
  #nr = 0;
  #isAsked = false;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #restMs = AGAIN_MS;

  constructor(options: SeedAheadOptions) {
    this.#options = options;
  }

  /** Begins anew where this makes somebody sampled who was not, or makes seeds worth something. */
  configure(settings: SeedAheadSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    const isMore = [...settings.samplePercent].some(
      ([unit, percent]) => percent > (before.samplePercent.get(unit) ?? 0),
    );
    if (settings.campaign === null) this.#next = null;
    else if (isMore || settings.campaign !== before.campaign) this.#begin();
  }

  /** Called a few times a second. */
  tick(): void {
    const { groups, clock, list } = this.#options;
    const next = this.#next;
    if (next === null || this.#isAsked || groups.ahead >= WAITING_MAX) return;
    if (clock.monotonic() < this.#restsUntilMs) return;
    const arm = this.#settings.arms[next.at];
    if (arm === undefined) {
      this.#next = null;
      return;
    }
    this.#isAsked = true;
    list({ nr: ++this.#nr, arm, after: next.after });
  }

  /** @param subjects null: it could not be read; none: that was all */
  listed({ nr, arm }: ListWish, subjects: readonly Subject[] | null): void {
    const next = this.#next;
    if (nr !== this.#nr || next === null) return;
    this.#isAsked = false;
    if (subjects === null) {
      this.#restsUntilMs = this.#options.clock.monotonic() + this.#restMs;
      this.#restMs = Math.min(AGAIN_MS_MAX, this.#restMs * 2);
      return;
    }
    this.#restMs = AGAIN_MS;
    const last = subjects.at(-1);
    if (last === undefined) this.#next = { at: next.at + 1, after: null };
    else if (this.#foresee(arm, subjects)) next.after = last;
    else this.#next = null; // there is no room for more
  }

  /** Whoever was to answer is gone. */
  lost(): void {
    this.#nr += 1;
    this.#isAsked = false;
  }

  #begin(): void {
    this.lost();
    this.#options.groups.forgetIdle();
    this.#next = { at: 0, after: null };
  }

  #foresee(arm: Arm, subjects: readonly Subject[]): boolean {
    const { groups, armOf } = this.#options;
    for (const subject of subjects) {
      for (const [unit, percent] of this.#settings.samplePercent) {
        if (!isSampled(unit, subject, percent) || armOf(unit, subject) !== arm) continue;
        if (!groups.foresee(unit, subject, arm)) return false;
      }
    }
    return true;
  }
}
