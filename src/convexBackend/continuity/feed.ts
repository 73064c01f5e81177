// Pages of the change feed with their rows (contract rest.md §7).
import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api.js";
import type { rest } from "../../contract/index.ts";
import { HttpError } from "../http/errors.ts";
import { AS_SERVICE } from "../ports.ts";
import type { Services } from "../services.ts";
import { loadBoard, stateOf } from "./boardContent.ts";

/** Of one answer: no further change once it is so long. A board alone may be longer. */
const PAGE_CHARS_MAX = 16 * 1_048_576;
/** Rows asked for at once where a page had no room for them. */
const ROWS_AT_ONCE = 200;

type Page = FunctionReturnType<typeof api.changes.page>;
export type FedChange = Page["changes"][number];
export type FedRow = NonNullable<FedChange["row"]>;

/** A change with its row; null with `delete`. */
export interface WithRow {
  readonly change: FedChange;
  readonly row: FedRow | null;
}

/** Gives the rows that a page left out; without those whose change has given way to a later one. */
export async function* withRows(services: Services, changes: readonly FedChange[]): AsyncGenerator<WithRow> {
  const late = new Map<FedChange, FedRow | null>();
  for (const [i, change] of changes.entries()) {
    if (change.op === "delete" || change.row) yield { change, row: change.row };
    else {
      if (!late.has(change)) await readLate(services, changes.slice(i), late);
      const row = late.get(change) ?? null;
      late.delete(change);
      if (row) yield { change, row };
    }
  }
}

async function readLate({ store }: Services, changes: readonly FedChange[], late: Map<FedChange, FedRow | null>) {
  const wanted = changes.filter(({ op, row }) => op === "upsert" && !row).slice(0, ROWS_AT_ONCE);
  const args = { wanted: wanted.map(({ id, seq }) => ({ id, seq })) };
  const rows = await store.query(api.changes.rows, args, AS_SERVICE);
  for (const [i, row] of rows.entries()) {
    const change = wanted[i];
    if (change) late.set(change, row);
  }
}

/** The change as it is sent; `data` is JSON text already. */
export function lineOf(change: FedChange, data: string | null): string {
  const { seq, kind, op, key, userId, version, origin, at } = change;
  const seen = origin === "candidate" && { seen: change.seen ?? 0 };
  const head = JSON.stringify({ seq, kind, op, key, user_id: userId, version, origin, at, ...seen });
  return data === null ? head : `${head.slice(0, -1)},"data":${data}}`;
}

/** `state` is base64, which JSON has nothing to escape in: looking for it would take long. */
export const withState = (data: string, state: string): string => {
  const { session_id, updated_at } = JSON.parse(data) as { session_id: string; updated_at: number };
  return `{"session_id":${JSON.stringify(session_id)},"state":"${state}","updated_at":${JSON.stringify(updated_at)}}`;
};

async function dataOf(services: Services, { change, row }: WithRow): Promise<string | null> {
  if (!row?.board) return row?.data ?? null;
  const loaded = await loadBoard(services, change.userId, row.board);
  return loaded && withState(row.data, await stateOf(loaded));
}

export interface FeedRequest {
  readonly after: number;
  readonly limit: number;
  readonly userId?: string;
  /** Only changes that this arm made. */
  readonly origin?: rest.Origin;
}

/** One page as JSON text. @throws HttpError 410 when changes behind `after` may be gone */
export async function feedPage(services: Services, request: FeedRequest): Promise<string> {
  const page = await services.store.query(api.changes.page, { ...request }, AS_SERVICE);
  if (request.after < page.horizon) {
    throw new HttpError(410, "CURSOR_EXPIRED", "The feed no longer holds all changes behind this cursor.");
  }
  const lines: string[] = [];
  let chars = 0;
  let lastSeq = request.after;
  for await (const each of withRows(services, page.changes)) {
    const { seq } = each.change;
    if (chars > PAGE_CHARS_MAX && seq !== lastSeq) return pageText(lines, lastSeq, true);
    lastSeq = seq;
    const data = await dataOf(services, each);
    // A board whose session went meanwhile: its tombstone comes further on.
    if (data === null && each.change.op === "upsert") continue;
    const line = lineOf(each.change, data);
    lines.push(line);
    chars += line.length;
  }
  return pageText(lines, page.cursor, page.more);
}

const pageText = (lines: readonly string[], cursor: number, more: boolean): string =>
  `{"changes":[${lines.join(",")}],"cursor":${cursor},"more":${more}}`;
