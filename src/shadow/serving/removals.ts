// Removals of a subject's samples that the compare thread was asked for (shadow P5).
import type { Clock, Subject } from "../../kernel/index.ts";
import type { RemovedHere } from "../evidence/saver.ts";

/** A store that is held by another for half a second is busy; several campaigns take as many times a millisecond. */
const REMOVE_MS = 4_000;

export interface RemovalsOptions {
  readonly clock: Pick<Clock, "after">;
  ask(id: number, subject: Subject): void;
}

type Removed = Omit<RemovedHere, "failure"> & { readonly failure: string | null };

/** In the thread that has died there is nothing more, but its store may have some. */
const LOST: Removed = { samples: 0, campaigns: [], failure: "lost" };
const SILENT: Removed = { samples: 0, campaigns: [], failure: "silent" };

export class Removals {
  readonly #options: RemovalsOptions;
  readonly #waiting = new Map<number, (removed: Removed) => void>();
  #last = 0;

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** Never rejects, and never takes long. */
  remove(subject: Subject): Promise<Removed> {
    const { clock, ask } = this.#options;
    const id = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<Removed>();
    const cancel = clock.after(REMOVE_MS, () => this.answered(id, SILENT));
    this.#waiting.set(id, (removed) => {
      cancel();
      resolve(removed);
    });
    ask(id, subject);
    return promise;
  }

  answered(id: number, removed: Removed): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.(removed);
  }

  /** The thread has died. */
  lost(): void {
    for (const id of this.#waiting.keys()) this.answered(id, LOST);
  }
}
