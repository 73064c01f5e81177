// Changes of the other arm, sorted by whose turn they belong to and into what one transaction takes.
import { rejected, type Result } from "./results.ts";

/** Of one transaction, well below what a function may take and write. */
const BATCH_ROWS = 200;
const BATCH_CHARS = 4 * 1_048_576;
/** A document of the store holds 1 MiB. */
const ROW_BYTES_MAX = 1_000_000;
const BOARD = "yjs_snapshots";

export type Json = Readonly<Record<string, unknown>>;
export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export interface Item {
  readonly change: Json;
  readonly json: string;
  result: Result | null;
}

/** Of one session, or of one user's other rows. */
export interface Group {
  readonly session: string | null;
  /** The session before what belongs to it. */
  readonly rows: readonly Item[];
  readonly boards: readonly Item[];
}

/** The session a change belongs to; null where it names none. */
function sessionOf({ kind, key, data }: Json): string | null {
  if (kind === "sessions") return typeof key === "string" ? key : null;
  if (isObject(data) && typeof data["session_id"] === "string") return data["session_id"];
  if (typeof key !== "string") return null;
  const end = key.indexOf("/");
  return end < 0 ? null : key.slice(0, end);
}

const isBoard = ({ change }: Item): boolean =>
  change["kind"] === BOARD && change["op"] === "upsert" && isObject(change["data"]);

export function itemOf(given: unknown): Item {
  if (!isObject(given)) return { change: {}, json: "", result: rejected("a change is an object") };
  const item: Item = { change: given, json: "", result: null };
  if (isBoard(item)) return item;
  const json = JSON.stringify(given);
  const isTooLarge = json.length > ROW_BYTES_MAX / 3 && Buffer.byteLength(json) > ROW_BYTES_MAX;
  return { ...item, json, result: isTooLarge ? rejected("the row is larger than the store takes") : null };
}

export function groupsOf(items: readonly Item[]): Group[] {
  const found = new Map<string, { readonly session: string | null; readonly items: Item[] }>();
  for (const item of items) {
    if (item.result) continue;
    const session = sessionOf(item.change);
    const name = session === null ? `user ${String(item.change["user_id"])}` : `session ${session}`;
    const group = found.get(name) ?? { session, items: [] };
    found.set(name, group);
    group.items.push(item);
  }
  return [...found.values()].map(({ session, items: its }) => {
    const rows = its.filter((item) => !isBoard(item));
    const isSession = ({ change }: Item): boolean => change["kind"] === "sessions";
    const ordered = [...rows.filter(isSession), ...rows.filter((row) => !isSession(row))];
    return { session, rows: ordered, boards: its.filter(isBoard) };
  });
}

/** Rows of one group, each part for a transaction of its own. */
export const partsOf = (rows: readonly Item[]): Item[][] =>
  packed(rows, ({ json }) => ({ rows: 1, chars: json.length }));

/** Whole groups, as many as one transaction takes; one that is too large for that stands alone. */
export const packsOf = (groups: readonly Group[]): Group[][] =>
  packed(groups, ({ rows }) => ({ rows: rows.length, chars: charsOf(rows) }));

export const isForOneTransaction = ({ rows }: Group): boolean =>
  rows.length <= BATCH_ROWS && charsOf(rows) <= BATCH_CHARS;

const charsOf = (rows: readonly Item[]): number => rows.reduce((sum, { json }) => sum + json.length, 0);

function packed<T>(all: readonly T[], sizeOf: (one: T) => { readonly rows: number; readonly chars: number }): T[][] {
  const packs: T[][] = [];
  let pack: T[] = [];
  let [rows, chars] = [0, 0];
  for (const one of all) {
    const size = sizeOf(one);
    if (pack.length > 0 && (rows + size.rows > BATCH_ROWS || chars + size.chars > BATCH_CHARS)) {
      packs.push(pack);
      [pack, rows, chars] = [[], 0, 0];
    }
    pack.push(one);
    rows += size.rows;
    chars += size.chars;
  }
  if (pack.length > 0) packs.push(pack);
  return packs;
}
