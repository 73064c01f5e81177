// Model calls of the shadow targets that had no recording (shadow K3), as far as they are known here, and to whom they belong: to the
// exchange or the socket whose request id they carry (contract G11), while it was at the shadow's arm.
import type { CassetteMiss } from "../cassette/ports.ts";

/** A time at the shadow's arm; epoch ms, both ends included. */
export interface AskedWithin {
  readonly requestId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Whoever reads them, as judges see it. */
export interface MissSource {
  /** A cassette is configured; otherwise there are none, and nobody waits. */
  readonly isOn: boolean;
  /** In the order in which they were missed. */
  within(asked: AskedWithin): readonly CassetteMiss[];
  /** Calls when the cassette has been asked anew, or cannot be asked; once, perhaps at once, never later than 1.5 s. */
  look(run: () => void): void;
  /** Whoever waits goes on with what is known. */
  flush(): void;
}

/** How far the cassette's clock may be from ours; what the turn behind asks is answered 424 after a second at the earliest. */
export const ASKED_SLACK_MS = 250;
const MISSES_MAX = 1_000;
/** As long as the cassette itself keeps a recording: nothing that is asked now is older. */
const AGE_MS = 600_000;

export class KnownMisses {
  readonly #onDrop: (count: number) => void;
  readonly #all: CassetteMiss[] = [];
  readonly #byRequest = new Map<string, CassetteMiss[]>();

  /** @param onDrop so many were forgotten before their time */
  constructor(onDrop: (count: number) => void) {
    this.#onDrop = onDrop;
  }

  get size(): number {
    return this.#all.length;
  }

  add(misses: readonly CassetteMiss[], nowMs: number): void {
    for (const miss of misses) {
      // Without an id it belongs to nobody.
      if (miss.requestId === null) continue;
      this.#all.push(miss);
      const known = this.#byRequest.get(miss.requestId);
      if (known === undefined) this.#byRequest.set(miss.requestId, [miss]);
      else known.push(miss);
    }
    for (let first = this.#all[0]; first !== undefined; first = this.#all[0]) {
      const isOld = first.atMs + AGE_MS < nowMs;
      if (!isOld && this.#all.length <= MISSES_MAX) break;
      this.#forget(first);
      if (!isOld) this.#onDrop(1);
    }
  }

  within({ requestId, fromMs, toMs }: AskedWithin): readonly CassetteMiss[] {
    const known = this.#byRequest.get(requestId) ?? [];
    return known.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  }

  #forget(oldest: CassetteMiss): void {
    this.#all.shift();
    const id = oldest.requestId ?? "";
    const left = (this.#byRequest.get(id) ?? []).filter((one) => one !== oldest);
    if (left.length > 0) this.#byRequest.set(id, left);
    else this.#byRequest.delete(id);
  }
}
