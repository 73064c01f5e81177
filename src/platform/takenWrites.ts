import { LRUCache } from "lru-cache";
import type { rest } from "../contract/index.ts";

/** What of it is remembered: a page of the feed and a carry are far below. */
const WRITES_MAX = 20_000;

/**
 * Writes that an arm has taken lately, or is taking just now. A carry runs beside the relay: what one has brought or
 * brings comes once more in the other's next page, and an arm that looks at it again waits for the turn of its session
 * first.
 */
export class TakenWrites {
  readonly #taken = new LRUCache<string, string>({ max: WRITES_MAX });
  readonly #underWay = new Map<string, { readonly write: string; readonly end: Promise<unknown> }>();

  note(change: rest.Change): void {
    this.#taken.set(nameOf(change), writeOf(change));
  }

  has(change: rest.Change): boolean {
    return this.#taken.get(nameOf(change)) === writeOf(change);
  }

  /** While it brings them, nobody else needs to. */
  async during<T>(changes: readonly rest.Change[], bringing: Promise<T>): Promise<T> {
    for (const change of changes) this.#underWay.set(nameOf(change), { write: writeOf(change), end: bringing });
    try {
      return await bringing;
    } finally {
      for (const change of changes) {
        const name = nameOf(change);
        if (this.#underWay.get(name)?.end === bringing) this.#underWay.delete(name);
      }
    }
  }

  /** Resolves when those of them that somebody brings have been brought, or could not be; null when nobody does. */
  ended(changes: readonly rest.Change[]): Promise<unknown> | null {
    const ends = new Set<Promise<unknown>>();
    for (const change of changes) {
      const found = this.#underWay.get(nameOf(change));
      if (found?.write === writeOf(change)) ends.add(found.end);
    }
    return ends.size === 0 ? null : Promise.allSettled(ends);
  }
}

const nameOf = ({ kind, key }: rest.Change): string => `${kind}\n${key}`;

/**
 * An arm gives each write of a row a version; a board that takes in an older write of the other arm keeps the version it has,
 * and tells of it at a new place of its feed.
 */
const writeOf = ({ version, origin, seq }: rest.Change): string => `${version} ${origin} ${seq}`;
