// The newest chat rows of a session, kept with its queue so that a turn need not read them again. The store has them all.

/** Chat rows of the executor's prompt (services.md §2). */
export const PROMPT_ROWS = 20;

export interface ChatRow {
  readonly turnNo: number;
  readonly role: "user" | "assistant";
  readonly text: string | null;
}

const UNKNOWN = -1;

export interface RecentRows {
  /** The rows are complete up to this turn. */
  readonly knownThrough: number;
  /** Of the session's revision, which grows when rows come from the other arm. */
  readonly knownRevision: number;
  /** Rows below a turn, oldest first. */
  below(turnNo: number): readonly ChatRow[];
  replace(rows: readonly ChatRow[], knownThrough: number, knownRevision: number): void;
  add(row: ChatRow): void;
}

export function createRecentRows(initial: readonly ChatRow[], through: number, revision: number): RecentRows {
  let rows = initial.slice(-PROMPT_ROWS);
  let knownThrough = through;
  let knownRevision = revision;
  return {
    get knownThrough() {
      return knownThrough;
    },
    get knownRevision() {
      return knownRevision;
    },
    below: (turnNo) => rows.filter((row) => row.turnNo < turnNo),
    replace(next, upTo, ofRevision) {
      rows = next.slice(-PROMPT_ROWS);
      knownThrough = upTo;
      knownRevision = ofRevision;
    },
    add(row) {
      if (row.turnNo !== knownThrough + 1) {
        // A row in between is not known: the next turn reads them all again.
        rows = [];
        knownThrough = UNKNOWN;
        return;
      }
      // One more than the prompt shows: the newest may be the turn's own input.
      rows = [...rows, row].slice(-PROMPT_ROWS - 1);
      knownThrough = row.turnNo;
    },
  };
}
