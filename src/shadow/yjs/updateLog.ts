// Updates in the order they came, merged in groups: the newest stay as they are, older ones are rewritten once for every
// thirty-two-fold of their age, so that n updates cost n · log n and are never more than a few hundred arrays.
import * as Y from "yjs";

/** Yjs merges k updates with k decoders, sorted again at each step. */
const GROUP = 32;
const NEWEST_MAX = GROUP * GROUP;
/** The update of an empty document. */
const NOTHING = new Uint8Array([0, 0]);

export class UpdateLog {
  #merged: Uint8Array[] = [];
  #newest: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get parts(): readonly Uint8Array[] {
    return [...this.#merged, ...this.#newest];
  }

  /** What is oldest: two logs of the same content may share it. */
  get base(): Uint8Array | null {
    return this.#merged[0] ?? null;
  }

  set base(bytes: Uint8Array) {
    this.#merged[0] = bytes;
  }

  /** Gives how many updates could not be merged and are gone. */
  append(bytes: Uint8Array): number {
    this.#newest.push(bytes);
    this.#bytes += bytes.length;
    if (this.#newest.length < NEWEST_MAX) return 0;
    let dropped = this.#fold(this.#newest);
    this.#newest = [];
    if (this.#merged.length > GROUP) dropped += this.#fold(this.#merged.splice(0));
    this.#bytes = this.#merged.reduce((sum, { length }) => sum + length, 0);
    return dropped;
  }

  #fold(updates: readonly Uint8Array[]): number {
    const { update, dropped } = mergeAll(updates);
    if (update !== null) this.#merged.push(update);
    return dropped;
  }

  /** Everything so far as one state. */
  replace(state: Uint8Array): void {
    this.#merged = [state];
    this.#newest = [];
    this.#bytes = state.length;
  }
}

/** All of them as one; null: there is none. Those that cannot be merged are left out. Never throws. */
export function mergeAll(updates: readonly Uint8Array[]): { update: Uint8Array | null; dropped: number } {
  let [level, dropped] = [updates, 0];
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += GROUP) {
      const group = mergeGroup(level.slice(at, at + GROUP));
      next.push(group.update);
      dropped += group.dropped;
    }
    level = next;
  }
  return { update: level[0] ?? null, dropped };
}

/** @param group at least one */
function mergeGroup(group: readonly Uint8Array[]): { update: Uint8Array; dropped: number } {
  try {
    return { update: Y.mergeUpdates([...group]), dropped: 0 };
  } catch {
    // One of them decodes and is nothing that Yjs can write again: found by taking them one at a time.
    let update: Uint8Array = NOTHING;
    let dropped = 0;
    for (const one of group) {
      try {
        update = Y.mergeUpdates([update, one]);
      } catch {
        dropped += 1;
      }
    }
    return { update, dropped };
  }
}
