/** A first-in-first-out queue with a limit; what does not fit goes to `onDrop` (house.md §4: what a limit drops is counted). */
export class BoundedQueue<T> {
  readonly capacity: number;
  readonly #onDrop: (item: T) => void;
  #items: T[] = [];
  #head = 0;

  constructor(options: { capacity: number; onDrop: (item: T) => void }) {
    if (!Number.isInteger(options.capacity) || options.capacity < 1) {
      throw new RangeError(`capacity must be a whole number of at least 1, got ${options.capacity}`);
    }
    this.capacity = options.capacity;
    this.#onDrop = options.onDrop;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Returns whether the item was taken. The newest is the one dropped: what waits longest has the oldest promise. */
  offer(item: T): boolean {
    if (this.size >= this.capacity) {
      this.#onDrop(item);
      return false;
    }
    this.#items.push(item);
    return true;
  }

  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head++] as T;
    // Amortised O(1): the consumed part is cut off only once it is the larger half.
    if (this.#head > 32 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
