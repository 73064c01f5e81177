// Gathers what one turn of the loop has to say, and posts it as one message: a message each would cost more than what it carries.

export class Batch<Item> {
  readonly #post: (items: readonly Item[], transfer: readonly ArrayBuffer[]) => void;
  #items: Item[] = [];
  #transfer: ArrayBuffer[] = [];
  #isDue = false;

  constructor(post: (items: readonly Item[], transfer: readonly ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** @param bytes memory that goes along, and is not here any more afterwards */
  add(item: Item, bytes: Uint8Array<ArrayBuffer> | null = null): void {
    this.addAll(item, bytes === null ? [] : [bytes]);
  }

  /** What shares its memory with others is copied instead. */
  addAll(item: Item, parts: readonly Uint8Array[]): void {
    this.#items.push(item);
    for (const { buffer, byteLength } of parts) {
      const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0;
      if (isWhole && !this.#transfer.includes(buffer)) this.#transfer.push(buffer);
    }
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#isDue = false;
    if (this.#items.length === 0) return;
    const [items, transfer] = [this.#items, this.#transfer];
    this.#items = [];
    this.#transfer = [];
    this.#post(items, transfer);
  }
}
