import { LRUCache } from "lru-cache";
import type { rest } from "../contract/index.ts";

/** What of it is remembered: a page of the feed and a carry are far below. */
const WRITES_MAX = 20_000;

/**
 * Writes that an arm has taken lately. A carry runs ahead of the relay: what it has brought comes once more in the relay's
 * next page, and an arm that looks at it again waits for the turn of its session first.
 */
export class TakenWrites {
  readonly #taken = new LRUCache<string, string>({ max: WRITES_MAX });

  note(change: rest.Change): void {
    this.#taken.set(nameOf(change), writeOf(change));
  }

  has(change: rest.Change): boolean {
    return this.#taken.get(nameOf(change)) === writeOf(change);
  }
}

const nameOf = ({ kind, key }: rest.Change): string => `${kind}\n${key}`;

/** An arm gives each write of a row a version, and a version of an arm is one write. */
const writeOf = ({ version, origin }: rest.Change): string => `${version} ${origin}`;
