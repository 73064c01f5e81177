// All rows of one user as of one moment. Read from the user's part of the feed: a row that is written meanwhile moves to its
// end and is met again there, so that what is known when the end is reached is the state of that moment.
import { api } from "../../../convex/_generated/api.js";
import { compareByCodePoint } from "../../contract/index.ts";
import { HttpError } from "../http/errors.ts";
import { AS_SERVICE } from "../ports.ts";
import type { Services } from "../services.ts";
import { loadBoard, shownBoard } from "./boardContent.ts";
import { type RowTexts, rowTexts } from "./digest.ts";
import { type FedRow, lineOf, type WithRow, withRows, withState } from "./feed.ts";
import type { Spool, Spooled } from "./spool.ts";

const PAGE_ROWS = 1_000;
/** A user who writes faster than is read has no moment to show. */
const UNSETTLED_MAX = 20;

export interface UserRow {
  readonly kind: string;
  readonly key: string;
  readonly keptUntil: number | null;
  /** Its change as JSON text. */
  readonly line: Spooled;
  readonly full: Spooled;
  readonly bare: Spooled;
}

export interface UserRows {
  /** By kind, then key. */
  readonly rows: readonly UserRow[];
  readonly kinds: readonly string[];
  readonly cursor: number;
}

/** The columns that a digest counts. */
function shown(row: FedRow): Record<string, unknown> {
  const columns = JSON.parse(row.data) as Record<string, unknown>;
  for (const secret of row.secrets) delete columns[secret];
  return columns;
}

class Gathering {
  readonly #services: Services;
  readonly #spool: Spool;
  readonly #keepsLines: boolean;
  readonly rows = new Map<string, UserRow>();
  isSettled = false;

  constructor(services: Services, spool: Spool, keepsLines: boolean) {
    this.#services = services;
    this.#spool = spool;
    this.#keepsLines = keepsLines;
  }

  async take(each: WithRow): Promise<void> {
    const { change, row } = each;
    const name = `${change.kind} ${change.key}`;
    if (!row) return void this.rows.delete(name);
    const made = await this.#textsOf(each, row);
    if (!made) {
      this.isSettled = false;
      return void this.rows.delete(name);
    }
    const { kind, key } = change;
    const { full, bare } = made.texts;
    this.rows.set(name, {
      kind,
      key,
      keptUntil: row.keptUntil,
      line: this.#keepsLines ? await this.#spool.put(lineOf(change, made.data)) : "",
      full: await this.#spool.put(full),
      bare: full === bare ? "" : await this.#spool.put(bare),
    });
  }

  async #textsOf({ change }: WithRow, row: FedRow): Promise<{ data: string; texts: RowTexts } | null> {
    if (!row.board) return { data: row.data, texts: rowTexts(shown(row)) };
    const loaded = await loadBoard(this.#services, change.userId, row.board);
    if (!loaded) return null;
    if (!loaded.isExact) this.isSettled = false;
    const { state, texts } = await shownBoard(loaded, shown(row), this.#keepsLines);
    return { data: this.#keepsLines ? withState(row.data, state) : "", texts };
  }
}

/** @throws HttpError 503 when the user's rows do not come to rest */
export async function userRows(
  services: Services,
  userId: string,
  spool: Spool,
  keepsLines: boolean,
): Promise<UserRows> {
  const gathering = new Gathering(services, spool, keepsLines);
  let after = 0;
  for (let unsettled = 0; unsettled < UNSETTLED_MAX; ) {
    const page = await services.store.query(api.changes.page, { after, limit: PAGE_ROWS, userId }, AS_SERVICE);
    gathering.isSettled = true;
    let taken = 0;
    for await (const each of withRows(services, page.changes)) {
      await gathering.take(each);
      taken += 1;
    }
    after = page.cursor;
    if (page.more) continue;
    // Fewer than the page named: some have moved on while it was read.
    if (gathering.isSettled && taken === page.changes.length) {
      return { rows: sorted(gathering.rows.values()), kinds: page.kinds, cursor: page.cursor };
    }
    unsettled += 1;
  }
  throw new HttpError(503, "SESSION_BUSY", "The rows of the user do not come to rest.");
}

const sorted = (rows: Iterable<UserRow>): UserRow[] =>
  [...rows].sort((a, b) => compareByCodePoint(a.kind, b.kind) || compareByCodePoint(a.key, b.key));
