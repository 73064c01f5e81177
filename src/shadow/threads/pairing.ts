// Brings both halves of an exchange together (shadow I5): what was served comes from the serving thread, its copy from the mirror
// thread, in any order.
import type { CompareItem, CopyItem } from "./messages.ts";

export type CopyHalf = Extract<CopyItem, { kind: "copied" | "uncopied" }>;

export type Served = Extract<CompareItem, { kind: "served" }>;

export interface Halves {
  readonly served: Served;
  readonly copy: CopyHalf;
}

interface Waiting {
  readonly sinceMs: number;
  served: Served | null;
  copy: CopyHalf | null;
  /** Of the copy's reply, counted while it waits. */
  bytes: number;
}

/** A served stream may last; a copy without its served half for longer is lost. */
const WAIT_MS = 15 * 60_000;
/** Of copies' replies that wait: what was served has its own budget (shadow I6). */
const BYTES_MAX = 64 * 1_048_576;

export interface Expired {
  readonly id: number;
  /** null: nothing was heard of it. */
  readonly served: Served | null;
}

export class Pairing {
  readonly #waiting = new Map<number, Waiting>();
  readonly #now: () => number;
  /** Of jobs up to here no copy comes any more, but for those that are here. */
  #lostUpTo = 0;
  #bytes = 0;

  /** @param now monotonic ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Of replies that wait for their served half. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Gives both halves once the second is there. */
  add(half: { readonly served: Served } | { readonly copy: CopyHalf }): Halves | null {
    const id = "served" in half ? half.served.facts.id : half.copy.id;
    const known = this.#waiting.get(id) ?? { sinceMs: this.#now(), served: null, copy: null, bytes: 0 };
    if ("served" in half) known.served = half.served;
    else if (known.served !== null) known.copy = half.copy;
    else if (known.copy === null) this.#keep(known, half.copy);
    if (known.served !== null && known.copy === null && id <= this.#lostUpTo) known.copy = lostCopy(id);
    if (known.served === null || known.copy === null) {
      this.#waiting.set(id, known);
      return null;
    }
    this.remove(id);
    return { served: known.served, copy: known.copy };
  }

  /** The mirror thread is gone: of jobs up to this one no copy will come. Gives those that wait for theirs. */
  withoutCopy(lastId: number): readonly Served[] {
    this.#lostUpTo = Math.max(this.#lostUpTo, lastId);
    const lost = this.servedOnly();
    for (const { facts } of lost) this.remove(facts.id);
    return lost;
  }

  /** Those whose copy is not here yet. */
  servedOnly(): readonly Served[] {
    return [...this.#waiting.values()].flatMap(({ served }) => (served === null ? [] : [served]));
  }

  /** Those that have waited too long. */
  expire(): readonly Expired[] {
    const endMs = this.#now() - WAIT_MS;
    const late = [...this.#waiting].filter(([, { sinceMs }]) => sinceMs < endMs);
    for (const [id] of late) this.remove(id);
    return late.map(([id, { served }]) => ({ id, served }));
  }

  /** Nothing more is to be had of it. */
  remove(id: number): void {
    const known = this.#waiting.get(id);
    if (known === undefined) return;
    this.#waiting.delete(id);
    this.#bytes -= known.bytes;
  }

  /** Above the budget a reply is given up whole, as a tap is (shadow I4). */
  #keep(waiting: Waiting, copy: CopyHalf): void {
    const bytes = bytesOf(copy);
    const hasRoom = this.#bytes + bytes <= BYTES_MAX;
    waiting.copy = hasRoom ? copy : { kind: "uncopied", id: copy.id, reason: "tap_budget" };
    waiting.bytes = hasRoom ? bytes : 0;
    this.#bytes += waiting.bytes;
  }
}

const lostCopy = (id: number): CopyHalf => ({ kind: "uncopied", id, reason: "engine_lost" });

function bytesOf(copy: CopyHalf | null): number {
  if (copy?.kind !== "copied") return 0;
  const { result } = copy.observation;
  return "reply" in result ? result.reply.body.length : 0;
}
