// What the serving thread has open in the shadow (shadow I6): each job holds its credit and the bytes of its taps until it has
// ended, whatever becomes of the threads.
import type { RouteId, UnitId } from "../../kernel/index.ts";
import type { BodyTap } from "../mirror/bodyTap.ts";
import type { Credits } from "../mirror/credits.ts";

export interface OpenJob {
  readonly id: number;
  readonly route: RouteId;
  readonly unit: UnitId;
  /** Given back with the job. */
  readonly taps: BodyTap[];
}

export class OpenJobs {
  readonly #credits: Credits;
  readonly #jobs = new Map<number, OpenJob>();
  #lastId = 0;

  constructor(credits: Credits) {
    this.#credits = credits;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** null: there are as many as there may be. */
  open(route: RouteId, unit: UnitId): OpenJob | null {
    if (!this.#credits.takeJob()) return null;
    this.#lastId += 1;
    const job = { id: this.#lastId, route, unit, taps: [] };
    this.#jobs.set(job.id, job);
    return job;
  }

  /** Gives whether it was open. */
  end(id: number): boolean {
    const job = this.#jobs.get(id);
    if (job === undefined) return false;
    this.#jobs.delete(id);
    for (const tap of job.taps) tap.release();
    this.#credits.giveJob();
    return true;
  }

  /** The thread that would have ended them is gone. */
  endAll(): readonly OpenJob[] {
    const all = [...this.#jobs.values()];
    for (const { id } of all) this.end(id);
    return all;
  }
}
