// Gathers what there is to say, and posts it as one message: a message each would cost more than what it carries, on both sides.

export interface Patience {
  /** So long an item may wait for others; 0: for the end of this turn of the loop. */
  readonly waitMs: number;
  /** As many go at the end of the turn, however short they have waited. */
  readonly itemsMax: number;
}

const NONE: Patience = { waitMs: 0, itemsMax: 1 };
/** For what nobody waits for: well below what a credit, a checkpoint or a person would notice. */
export const LEISURELY: Patience = { waitMs: 25, itemsMax: 48 };

/** For copies of reads: they leave a moment later, a few at a time, and each costs the thread a third less. */
export const BRISK: Patience = { waitMs: 4, itemsMax: 32 };

export class Batch<Item> {
  readonly #post: (items: readonly Item[], transfer: readonly ArrayBuffer[]) => void;
  readonly #patience: Patience;
  #items: Item[] = [];
  #transfer = new Set<ArrayBuffer>();
  #isDue = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(post: (items: readonly Item[], transfer: readonly ArrayBuffer[]) => void, patience: Patience = NONE) {
    this.#post = post;
    this.#patience = patience;
  }

  /** @param bytes memory that goes along, and is not here any more afterwards */
  add(item: Item, bytes: Uint8Array<ArrayBuffer> | null = null): void {
    this.addAll(item, bytes === null ? [] : [bytes]);
  }

  /** What shares its memory with others is copied instead. */
  addAll(item: Item, parts: readonly Uint8Array[]): void {
    this.append(item);
    for (const { buffer, byteLength } of parts) {
      const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0;
      if (isWhole) this.#transfer.add(buffer);
    }
    if (this.#items.length >= this.#patience.itemsMax) this.hurry();
    else this.#timer ??= setTimeout(() => this.flush(), this.#patience.waitMs).unref();
  }

  /** Goes in its place, along with whatever comes next. */
  append(item: Item): void {
    this.#items.push(item);
  }

  /** Somebody waits for what was added: it goes at the end of this turn of the loop. */
  hurry(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#isDue = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#items.length === 0) return;
    const [items, transfer] = [this.#items, this.#transfer];
    this.#items = [];
    this.#transfer = new Set();
    this.#post(items, [...transfer]);
  }
}
