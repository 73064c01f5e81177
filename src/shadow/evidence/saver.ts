// When evidence is stored (shadow §14): every second, one save at a time. A store that fails costs evidence, never the comparing.
import type { Clock } from "../../kernel/index.ts";
import { EvidenceError, type EvidenceErrorCode } from "./evidenceError.ts";
import type { BodyRow, EvidenceStore, RemovedSamples } from "./model.ts";
import { sumRemoved } from "./removeSamples.ts";
import type { Series } from "./series.ts";
import type { Siblings } from "./siblings.ts";

/** A store that fails is told of once a minute, and one that cannot be opened is tried as often. */
const QUIET_MS = 60_000;

export interface SaverOptions {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  openStore(onMovedAside: (file: string) => void): EvidenceStore;
  readonly siblings: Pick<Siblings, "expire" | "stop">;
  /** Of all units; those of one campaign in the order in which they began. */
  series(): readonly Series<unknown>[];
  onLost(): void;
  /** The oldest body has gone, for there was no room. */
  onFull(): void;
  /** A run of this process may not go on: all must begin anew, under other names. */
  onOver(error: unknown): void;
  tell(event: string, fields: Readonly<Record<string, string>>): void;
}

export interface Removal {
  fromMemory(): RemovedSamples;
  /** The group in one campaign. */
  printOf(campaign: string): string;
}

export interface RemovedHere extends RemovedSamples {
  /** Null: none are left. */
  readonly failure: EvidenceErrorCode | null;
}

export class Saver {
  readonly #options: SaverOptions;
  #store: EvidenceStore | null = null;
  #triedMs = Number.NEGATIVE_INFINITY;
  #toldMs = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> | null = null;
  #expiring: Promise<void> | null = null;
  #isStopping = false;
  #bytes = 0;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#open();
  }

  /** Of the store, when it was last asked. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Never rejects. While one is under way there is no second one. */
  save(): Promise<void> {
    this.#saving ??= this.#save().finally(() => (this.#saving = null));
    return this.#saving;
  }

  /**
   * A subject's samples, on request (shadow P5): first those in memory, so that no checkpoint brings them back, then the stored ones.
   * Never rejects: what is gone is gone, and asking again does the rest.
   */
  async remove({ fromMemory, printOf }: Removal): Promise<RemovedHere> {
    while (this.#saving !== null) await this.#saving;
    const removing = this.#remove(fromMemory, printOf);
    this.#saving = removing.then(() => {}).finally(() => (this.#saving = null));
    return removing;
  }

  async #remove(fromMemory: Removal["fromMemory"], printOf: Removal["printOf"]): Promise<RemovedHere> {
    const held = fromMemory();
    try {
      const store = this.#open();
      if (store === null) return { ...held, failure: "lost" };
      return { ...sumRemoved([held, await store.removeGroup(printOf)]), failure: null };
    } catch (error) {
      return { ...held, failure: error instanceof EvidenceError ? error.code : "failed" };
    }
  }

  /** Never rejects. */
  expire(): Promise<void> {
    this.#expiring ??= this.#expire().finally(() => (this.#expiring = null));
    return this.#expiring;
  }

  /** Saves what is left, and says the end of all runs. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#options.siblings.stop();
    // Removals that wait come first: what was asked for joins them, and would not be a save.
    while (this.#saving !== null) await this.#saving;
    await this.save();
    try {
      await this.#store?.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #save(): Promise<void> {
    const store = this.#open();
    if (store === null) return;
    const failing = new Set<string>();
    for (const series of this.#options.series()) {
      const { id, unit } = series.campaign;
      // Later runs of a campaign begin with what the earlier ones have stored, and so do later campaigns of a unit.
      if (failing.has(id) || (!series.isResumed && failing.has(unit))) continue;
      try {
        if (!series.isResumed) series.restore(await store.resume(series.campaign));
        const { checkpoint, bodies, saved } = series.unsaved(this.#options.clock.now());
        await store.save(checkpoint);
        saved();
        await this.#saveBodies(store, bodies);
      } catch (error) {
        failing.add(id).add(unit);
        this.#failed(error);
        if (error instanceof EvidenceError && error.code === "over") this.#options.onOver(error);
      }
    }
    this.#bytes = await store.bytes().catch(() => this.#bytes);
  }

  /** What fails is not tried again: another sample may have its place by then. */
  async #saveBodies(store: EvidenceStore, rows: readonly BodyRow[]): Promise<void> {
    for (const [at, row] of rows.entries()) {
      try {
        if (store.bodies === null) throw new EvidenceError("key");
        const gone = await store.bodies.save(row);
        for (let one = 0; one < gone; one++) this.#options.onFull();
      } catch (error) {
        this.#failed(error);
        for (const _ of rows.slice(at + 1)) this.#options.onLost();
        return;
      }
    }
  }

  async #expire(): Promise<void> {
    const { clock, siblings } = this.#options;
    for (const one of [this.#store, siblings]) {
      try {
        await one?.expire(clock.now());
      } catch (error) {
        if (!this.#isStopping) this.#failed(error);
      }
    }
  }

  #open(): EvidenceStore | null {
    const { clock, openStore, tell } = this.#options;
    if (this.#store !== null || clock.monotonic() - this.#triedMs < QUIET_MS) return this.#store;
    this.#triedMs = clock.monotonic();
    try {
      this.#store = openStore((file) => tell("shadow.evidence.moved_aside", { file }));
    } catch (error) {
      this.#failed(error);
    }
    return this.#store;
  }

  #failed(error: unknown): void {
    const { clock, onLost, tell } = this.#options;
    onLost();
    if (clock.monotonic() - this.#toldMs < QUIET_MS) return;
    this.#toldMs = clock.monotonic();
    tell("shadow.evidence.failed", { code: error instanceof EvidenceError ? error.code : "failed" });
  }
}
