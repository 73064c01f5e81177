/** Lists by name whose items leave from the front, mostly; positions count from the first that ever came while the list lives. */
export class Rows<T> {
  readonly #rows = new Map<string, { first: number; readonly items: (T | null)[] }>();

  get size(): number {
    return this.#rows.size;
  }

  push(name: string, item: T): void {
    const row = this.#rows.get(name);
    if (row === undefined) this.#rows.set(name, { first: 0, items: [item] });
    else row.items.push(item);
  }

  remove(name: string, item: T): void {
    const row = this.#rows.get(name);
    const at = row?.items.indexOf(item) ?? -1;
    if (row === undefined || at < 0) return;
    row.items[at] = null;
    while (row.items.length > 0 && row.items[0] === null) {
      row.items.shift();
      row.first += 1;
    }
    if (row.items.length === 0) this.#rows.delete(name);
  }

  /** @param n from 1 on */
  nth(name: string, n: number): T | null {
    const row = this.#rows.get(name);
    return row?.items[n - 1 - row.first] ?? null;
  }

  /** The last that is wanted. */
  last(name: string, isWanted: (item: T) => boolean = () => true): T | null {
    return this.#rows.get(name)?.items.findLast((item) => item !== null && isWanted(item)) ?? null;
  }

  /** The newest first. */
  newest(name: string, most: number): readonly T[] {
    const items = this.#rows.get(name)?.items.slice(-most) ?? [];
    return items.filter((item) => item !== null).reverse();
  }
}
