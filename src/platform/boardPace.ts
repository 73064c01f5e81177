// Large boards on their way by the relay. Somebody who draws on one changes it every second, and every change brings all of
// it: that the other arm gets it every few seconds is enough, as long as nobody else's rows wait for it.
import type { rest } from "../contract/index.ts";
import type { Cursor, Refusal } from "../continuity/ports.ts";

const BOARD = "yjs_snapshots";
/** Of a state as base64: smaller boards go at once (handoff §7.2 Y5). */
const LARGE_CHARS = 1_048_576;
/** Less than what a forced move of the board still holds of it (handoff §7.2). */
const PAUSE_MS = 3_000;
/** Of all boards that wait; what is more goes at once. */
const WAITING_CHARS_MAX = 96 * 1_048_576;
/** Boards that are remembered. */
const BROUGHT_MAX = 1_000;

interface Brought {
  readonly atMs: number;
  readonly write: string;
}

/** What a step of the relay brings, and where the next one goes on. */
export interface PacedStep {
  readonly changes: readonly rest.Change[];
  /** Left out, because the other arm has taken that write before. */
  readonly known: number;
  /**
   * To be called once the changes are brought: gives the cursor. It stays before a board that waits, so that nothing is
   * forgotten when the process ends; `readFrom` knows better meanwhile. `untaken`: what must be read and brought again.
   */
  done(untaken: readonly rest.Change[], refused: readonly Refusal[]): Cursor;
}

const charsOf = ({ kind, op, data }: rest.Change): number =>
  kind === BOARD && op === "upsert" && typeof data?.["state"] === "string" ? data["state"].length : 0;

/** A write of a row by its own arm; one that took in an older write of the other arm has another place in the feed only. */
const writeOf = ({ version, at, seq }: rest.Change): string => `${version} ${at} ${seq}`;

const nameOf = ({ kind, key }: Pick<rest.Change, "kind" | "key">): string => `${kind} ${key}`;

type Changes = readonly rest.Change[];
type Waiting = Map<string, rest.Change>;

/** For one direction. Times are of a clock that only goes forward, ms. */
export class BoardPace {
  readonly #now: () => number;
  readonly #brought = new Map<string, Brought>();
  #waiting: Waiting = new Map();
  /** Everything up to `read` is brought or waits, while the cursor is still `cursor`. */
  #ahead: { readonly cursor: Cursor; readonly read: Cursor } | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Where to read on for a relay whose cursor this is. */
  readFrom(cursor: Cursor): Cursor {
    if (this.#ahead?.cursor === cursor) return this.#ahead.read;
    // A cursor of before, or of another process: what waits is read again from there.
    this.#waiting.clear();
    this.#ahead = null;
    return cursor;
  }

  /** `after` is the relay's cursor, `page` what was read from `readFrom`; what is not `isOwn` is not brought. */
  step(after: Cursor, page: rest.ChangesPage, isOwn: (change: rest.Change) => boolean): PacedStep {
    const own = page.changes.filter(isOwn);
    const waiting = new Map(this.#waiting);
    // What stands in a row now takes the place of what was read of it before.
    for (const { kind, key } of page.changes) if (kind === BOARD) waiting.delete(key);
    const large = own.filter((change) => charsOf(change) > LARGE_CHARS);
    const unknown = large.filter((change) => this.#brought.get(change.key)?.write !== writeOf(change));
    const due: rest.Change[] = [];
    let chars = 0;
    for (const change of [...waiting.values(), ...unknown]) {
      chars += charsOf(change);
      const isDue = this.#isDue(change) || chars > WAITING_CHARS_MAX;
      if (isDue) due.push(change);
      waiting.delete(change.key);
      if (!isDue) waiting.set(change.key, change);
    }
    return {
      changes: [...own.filter((change) => !large.includes(change)), ...due],
      known: large.length - unknown.length,
      done: (untaken, refused) => {
        const failed = new Set(
          [...untaken, ...refused.map(({ section, key }) => ({ kind: section, key }))].map(nameOf),
        );
        for (const change of due) if (!failed.has(nameOf(change))) this.#note(change);
        return this.#goOn({ after, read: page.cursor, waiting, untaken });
      },
    };
  }

  #isDue({ key }: rest.Change): boolean {
    const last = this.#brought.get(key);
    return last === undefined || this.#now() - last.atMs >= PAUSE_MS;
  }

  #note(change: rest.Change): void {
    this.#brought.delete(change.key);
    this.#brought.set(change.key, { atMs: this.#now(), write: writeOf(change) });
    const [oldest] = this.#brought.keys();
    if (this.#brought.size > BROUGHT_MAX && oldest !== undefined) this.#brought.delete(oldest);
  }

  #goOn({
    after,
    read,
    waiting,
    untaken,
  }: {
    after: Cursor;
    read: Cursor;
    waiting: Waiting;
    untaken: Changes;
  }): Cursor {
    const places = [...waiting.values(), ...untaken].map(({ seq }) => seq - 1);
    const cursor = Math.max(after, Math.min(read, ...places));
    // With something untaken everything behind the cursor is read again, also what waits.
    const isAhead = untaken.length === 0 && waiting.size > 0;
    this.#waiting = isAhead ? waiting : new Map();
    this.#ahead = isAhead ? { cursor, read } : null;
    return cursor;
  }
}
