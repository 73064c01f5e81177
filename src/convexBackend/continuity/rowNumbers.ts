// Numbers of rows whose ids derive from them (contract G4): not in `data`, so they are found by trying.
import { did } from "../../contract/index.ts";

/** Kinds of such rows, and what their ids are derived as. */
export const NUMBERED = { interaction_logs: "log", concept_events: "concept_event" } as const;
export type NumberedKind = keyof typeof NUMBERED;

export const isNumbered = (kind: unknown): kind is NumberedKind =>
  typeof kind === "string" && Object.hasOwn(NUMBERED, kind);

/** Tried above the highest number that is known, in any case; rows of a long session come in any order. */
const TRIES_LEAST = 1_000;
const TRIES_MOST = 10_000;
/** Of one body, beyond the least: an id that derives from nothing must not keep the process busy. */
const TRIES_OF_BODY = 30_000;

export interface RowNumbers {
  /** The number of each id that derives from one, looked for upwards from the highest known and then downwards. */
  of(kind: NumberedKind, sessionId: string, ids: ReadonlySet<string>, highest: number): ReadonlyMap<string, number>;
}

/** For one body of changes. */
export function createRowNumbers(): RowNumbers {
  let left = TRIES_OF_BODY;
  return {
    of(kind, sessionId, ids, highest) {
      const found = new Map<string, number>();
      const attempt = (row: number): void => {
        const id = did(NUMBERED[kind], sessionId, row);
        if (ids.has(id)) found.set(id, row);
      };
      const triesAbove = Math.min(TRIES_MOST, Math.max(TRIES_LEAST, left));
      let row = highest + 1;
      for (; row <= highest + triesAbove && found.size < ids.size; row += 1) attempt(row);
      if (found.size < ids.size) left -= triesAbove;
      const bottom = Math.max(1, highest - TRIES_MOST);
      for (row = highest; row >= bottom && found.size < ids.size; row -= 1) attempt(row);
      return found;
    },
  };
}
