// What is done with a whole board: decoding, merging, comparing, encoding. Takes seconds for a large one, so it also runs in
// a thread (boardThread.ts); nothing here waits.
import * as Y from "yjs";
import { type RowTexts, rowTexts } from "./digest.ts";
import { plainContent } from "./plainContent.ts";

export interface News {
  /** What the stored board lacks; null: nothing. */
  readonly update: Uint8Array | null;
  /** Whether the stored board has something that the incoming one lacks. */
  readonly isMixed: boolean;
}

export class BoardWork {
  readonly #stored = new Y.Doc();
  readonly #incoming = new Y.Doc();

  /** What the store holds, in parts and in any order. Throws when one cannot be applied. */
  add(updates: readonly Uint8Array[]): void {
    for (const update of updates) Y.applyUpdate(this.#stored, update);
  }

  /** The board of the other arm. False: it is none. */
  take(state: Uint8Array): boolean {
    try {
      // Decoded first as a whole: a broken update must not be applied in part.
      Y.decodeUpdate(state);
      Y.applyUpdate(this.#incoming, state);
      return true;
    } catch {
      return false;
    }
  }

  news(): News {
    const [stored, incoming] = [Y.snapshot(this.#stored), Y.snapshot(this.#incoming)];
    const isKnown = isWithin(incoming, stored);
    const update = isKnown ? null : Y.encodeStateAsUpdate(this.#incoming, Y.encodeStateVector(this.#stored));
    return { update, isMixed: !isWithin(stored, incoming) };
  }

  /** Both in one. From here on the stored board counts as merged. */
  merged(): Uint8Array {
    Y.applyUpdate(this.#stored, Y.encodeStateAsUpdate(this.#incoming, Y.encodeStateVector(this.#stored)));
    return this.state();
  }

  state(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#stored);
  }

  /** The row as a digest counts it, the board in it as it shows. */
  texts(columns: Readonly<Record<string, unknown>>): RowTexts {
    return rowTexts({ ...columns, state: plainContent(this.#stored) });
  }
}

type Ranges = readonly { readonly clock: number; readonly len: number }[];

/** By parts and by deletions: a deletion alone moves no state vector (handoff §7.2 Y1). */
function isWithin(part: Y.Snapshot, whole: Y.Snapshot): boolean {
  for (const [client, clock] of part.sv) if (clock > (whole.sv.get(client) ?? 0)) return false;
  for (const [client, ranges] of part.ds.clients) {
    if (!isCovered(ranges, whole.ds.clients.get(client) ?? [])) return false;
  }
  return true;
}

/** Ranges of a document's snapshot are in order and never touch: what covers one is one. */
function isCovered(ranges: Ranges, by: Ranges): boolean {
  let at = 0;
  return ranges.every(({ clock, len }) => {
    while ((by[at]?.clock ?? Number.POSITIVE_INFINITY) + (by[at]?.len ?? 0) < clock + len) at += 1;
    const whole = by[at];
    return whole !== undefined && whole.clock <= clock;
  });
}
