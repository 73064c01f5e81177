// Gathers what one turn of the loop has to say, and posts it as one message: a message each would cost more than what it carries.

export interface Postable {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
}

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
    this.#items.push(item);
    if (bytes !== null && bytes.byteLength > 0) this.#transfer.push(bytes.buffer);
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
