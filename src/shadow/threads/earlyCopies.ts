// The two lines of the compare thread have no order between them: what the mirror thread says of a socket may be here before the
// serving thread's word that there is one.
import type { Clock } from "../../kernel/index.ts";

/** The other word is under way already. */
const WAIT_MS = 10_000;
const ITEMS_MAX = 2_000;

interface Waiting {
  readonly sinceMs: number;
  readonly runs: (() => void)[];
  /** Something of it is gone: of the rest nothing can be said. */
  isCut: boolean;
}

export class EarlyCopies {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #items = 0;
  /** Ids only grow: what is said of an older socket comes too late, not too early. */
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(id: number, run: () => void): void {
    if (id <= this.#lastId) return;
    const known = this.#waiting.get(id) ?? { sinceMs: this.#clock.monotonic(), runs: [], isCut: false };
    known.isCut ||= this.#items >= ITEMS_MAX;
    if (!known.isCut) {
      known.runs.push(run);
      this.#items += 1;
    }
    this.#waiting.set(id, known);
  }

  /** What has waited for it; null: not all of it is there any more. */
  opened(id: number): readonly (() => void)[] | null {
    this.#lastId = Math.max(this.#lastId, id);
    const known = this.#waiting.get(id);
    this.#forget(id);
    return known?.isCut === true ? null : (known?.runs ?? []);
  }

  /** Of sockets that an earlier thread knew nobody will say anything. */
  tick(): void {
    const endMs = this.#clock.monotonic() - WAIT_MS;
    for (const [id, { sinceMs }] of this.#waiting) if (sinceMs < endMs) this.#forget(id);
  }

  #forget(id: number): void {
    this.#items -= this.#waiting.get(id)?.runs.length ?? 0;
    this.#waiting.delete(id);
  }
}
