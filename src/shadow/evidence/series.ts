// One run of one campaign, as far as it is stored (shadow §14). A campaign that comes back is another run of it.
import type { Families } from "./families.ts";
import type { MinuteCounters } from "./minuteCounters.ts";
import type { BodyRow, CampaignRow, Checkpoint, GroupCounts, Resumed, SampleRow } from "./model.ts";
import { PendingSamples } from "./pendingSamples.ts";

export interface SeriesParts<T> {
  /** Nobody has had it. */
  readonly process: string;
  readonly campaign: CampaignRow;
  readonly counters: MinuteCounters;
  readonly families: Families<T>;
}

export interface UnsavedSeries {
  readonly checkpoint: Checkpoint;
  /** Of its samples: stored behind it. */
  readonly bodies: readonly BodyRow[];
  /** The store has it. */
  saved(): void;
}

export class Series<T> {
  readonly campaign: CampaignRow;
  readonly families: Families<T>;
  readonly #parts: SeriesParts<T>;
  readonly #samples = new PendingSamples();
  #groups: GroupCounts | null = null;
  #isResumed = false;
  #isEnded = false;
  #isOver = false;

  constructor(parts: SeriesParts<T>) {
    this.#parts = parts;
    this.campaign = parts.campaign;
    this.families = parts.families;
  }

  /** Of samples that are not stored yet. */
  get bytes(): number {
    return this.#samples.bytes;
  }

  /** Knows what earlier runs have stored. */
  get isResumed(): boolean {
    return this.#isResumed;
  }

  /** Ended, and stored to its last row. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** @param bodies redacted; null: none @param bytesElsewhere that share its room. Gives whether all of it was kept. */
  keep(row: SampleRow, bodies: unknown, bytesElsewhere: number): boolean {
    if (this.#samples.add({ row, bodies }, bytesElsewhere)) return true;
    // Without its bodies it may still find room.
    if (bodies !== null) this.#samples.add({ row, bodies: null }, bytesElsewhere);
    return false;
  }

  /** On request of whom they are of (shadow P5), not while it is saved. Gives how many were not stored yet. @param print in this campaign */
  removeGroup(print: string): number {
    for (const { samples } of this.families.all) samples.removeGroup(print);
    return this.#samples.removeGroup(print);
  }

  restore(resumed: Resumed): void {
    if (this.#isResumed) return;
    this.#isResumed = true;
    this.families.restore(resumed);
  }

  /** As they are now (shadow J1). */
  setGroups(groups: GroupCounts | null): void {
    this.#groups = groups;
  }

  /** Another one has begun. */
  end(): void {
    this.#isEnded = true;
  }

  /** All that the store lacks. */
  unsaved(atMs: number): UnsavedSeries {
    const { process, campaign, counters } = this.#parts;
    const isEnded = this.#isEnded;
    const minutes = counters.rows();
    const families = this.families.unsaved();
    const pending = this.#samples.rows;
    const samples = pending.map(({ row }) => row);
    return {
      checkpoint: { campaign, process, atMs, minutes, families: families.rows, samples, groups: this.#groups, isEnded },
      bodies: pending.flatMap(({ row, bodies }) => {
        return bodies === null ? [] : [{ ...row, campaign: campaign.id, process, body: bodies }];
      }),
      saved: () => {
        counters.saved(atMs);
        families.saved();
        this.#samples.saved(pending.length);
        this.#isOver = isEnded; // one that ends while it is saved is saved once more
      },
    };
  }
}
