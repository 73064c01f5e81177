// What the serving thread has open in the shadow (shadow I6): each job holds its credit and the bytes of its taps until it has
// ended, whatever becomes of the threads.
import type { RouteId, UnitId } from "../../kernel/index.ts";
import type { BodyTap } from "../mirror/bodyTap.ts";
import type { Credits } from "../mirror/credits.ts";

export interface JobStart {
  readonly route: RouteId;
  readonly unit: UnitId;
  readonly group: string;
  /** When it is lost nobody knows what it did at the target. */
  readonly isWrite: boolean;
  /** It is open for as long as the client likes. */
  readonly isSocket: boolean;
}

export interface OpenJob extends JobStart {
  readonly id: number;
  /** Given back with the job. */
  readonly taps: BodyTap[];
}

export class OpenJobs {
  readonly #credits: Credits;
  readonly #jobs = new Map<number, OpenJob>();
  /** How many of its calls are open, by unit and group. */
  readonly #calls = new Map<string, number>();
  #lastId = 0;

  constructor(credits: Credits) {
    this.#credits = credits;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** Of the newest; ids only grow. */
  get lastId(): number {
    return this.#lastId;
  }

  /** null: there are as many as there may be. */
  open(start: JobStart): OpenJob | null {
    if (!this.#credits.takeJob()) return null;
    this.#lastId += 1;
    const job = { ...start, id: this.#lastId, taps: [] };
    this.#jobs.set(job.id, job);
    this.#count(job, 1);
    return job;
  }

  /** null: it was not open. */
  end(id: number): OpenJob | null {
    const job = this.#jobs.get(id);
    if (job === undefined) return null;
    this.#jobs.delete(id);
    this.#count(job, -1);
    for (const tap of job.taps) tap.release();
    this.#credits.giveJob();
    return job;
  }

  hasCalls(unit: UnitId, group: string): boolean {
    return this.#calls.has(nameOf(unit, group));
  }

  #count({ unit, group, isSocket }: JobStart, change: 1 | -1): void {
    if (isSocket) return;
    const name = nameOf(unit, group);
    const count = (this.#calls.get(name) ?? 0) + change;
    if (count === 0) this.#calls.delete(name);
    else this.#calls.set(name, count);
  }

  /** The thread that would have ended them is gone. */
  endAll(): readonly OpenJob[] {
    const all = [...this.#jobs.values()];
    for (const { id } of all) this.end(id);
    return all;
  }
}

const nameOf = (unit: UnitId, group: string): string => `${unit}\n${group}`;
