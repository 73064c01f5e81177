// Rows of the other arm (contract rest.md §7): sorted by session and user, put in the order of the session's turns, stored
// in few transactions.
import { api } from "../../../convex/_generated/api.js";
import { HttpError } from "../http/errors.ts";
import { AS_SERVICE } from "../ports.ts";
import type { Services } from "../services.ts";
import { addedObjectIds, type WhiteboardAction } from "../tutor/replay.ts";
import { mergeBoard } from "./mergeBoards.ts";
import { BUSY, rejected, type Result } from "./results.ts";
import { createRowNumbers, isNumbered, type NumberedKind, type RowNumbers } from "./rowNumbers.ts";

/** How long the changes of a body wait for running turns, all together. */
const BUSY_MS = 5_000;
const GROUPS_AT_ONCE = 8;
/** Of one transaction, well below what a function may take and write. */
const BATCH_ROWS = 200;
const BATCH_CHARS = 4 * 1_048_576;
/** A document of the store holds 1 MiB. */
const ROW_BYTES_MAX = 1_000_000;
const BOARD = "yjs_snapshots";

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface Item {
  readonly change: Json;
  readonly json: string;
  result: Result | null;
}

/** Of one session, or of one user's other rows. */
interface Group {
  readonly session: string | null;
  readonly items: Item[];
}

/** What the groups of one body share. */
interface Body {
  readonly services: Services;
  readonly rowNumbers: RowNumbers;
  readonly deadline: number;
  readonly patience: AbortSignal;
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

function itemOf(given: unknown): Item {
  if (!isObject(given)) return { change: {}, json: "", result: rejected("a change is an object") };
  const item: Item = { change: given, json: "", result: null };
  if (isBoard(item)) return item;
  const json = JSON.stringify(given);
  const isTooLarge = json.length > ROW_BYTES_MAX / 3 && Buffer.byteLength(json) > ROW_BYTES_MAX;
  return { ...item, json, result: isTooLarge ? rejected("the row is larger than the store takes") : null };
}

function groupsOf(items: readonly Item[]): Group[] {
  const groups = new Map<string, Group>();
  for (const item of items) {
    if (item.result) continue;
    const session = sessionOf(item.change);
    const name = session === null ? `user ${String(item.change["user_id"])}` : `session ${session}`;
    const group = groups.get(name) ?? { session, items: [] };
    groups.set(name, group);
    group.items.push(item);
  }
  return [...groups.values()];
}

/** The session before its rows. */
const inOrder = (items: readonly Item[]): Item[] => {
  const isSession = ({ change }: Item): boolean => change["kind"] === "sessions";
  return [...items.filter(isSession), ...items.filter((item) => !isSession(item))];
};

function* batchesOf(items: readonly Item[]): Generator<Item[]> {
  let batch: Item[] = [];
  let chars = 0;
  for (const item of items) {
    if (batch.length >= BATCH_ROWS || (batch.length > 0 && chars + item.json.length > BATCH_CHARS)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(item);
    chars += item.json.length;
  }
  if (batch.length > 0) yield batch;
}

/** Row numbers by id, for the kinds that have them. */
async function numbersOf({ services, rowNumbers }: Body, { session, items }: Group) {
  const ids = new Map<NumberedKind, Set<string>>();
  for (const { change } of items) {
    const { kind, op, key } = change;
    if (!isNumbered(kind) || op !== "upsert" || typeof key !== "string") continue;
    ids.set(kind, (ids.get(kind) ?? new Set()).add(key));
  }
  if (session === null || ids.size === 0) return new Map<string, number>();
  const highest = await services.store.query(api.changes.rowNumbers, { session }, AS_SERVICE);
  return new Map([...ids].flatMap(([kind, keys]) => [...rowNumbers.of(kind, session, keys, highest[kind])]));
}

async function storeBatch(body: Body, group: Group, batch: readonly Item[], numbers: ReadonlyMap<string, number>) {
  const { store, clock, leases } = body.services;
  const changes = batch.map(({ json, change }) => {
    const row = numbers.get(change["key"] as string);
    return { json, ...(row !== undefined && { row }) };
  });
  const { session } = group;
  const args = { instance: leases.instance, now: clock.now(), changes, ...(session !== null && { session }) };
  for (;;) {
    const done = await store.mutation(api.changes.apply, args, AS_SERVICE);
    if (done.status === "done") return done.results;
    // Another instance runs a turn of the session.
    try {
      await leases.untilFree(session ?? "", body.patience);
    } catch {
      return null;
    }
  }
}

/** What the tutor drew on the other arm keeps its source on a board that is open here. */
function noteDrawn({ boards }: Services, session: string | null, { change, result }: Item): void {
  if (change["kind"] !== "whiteboard_snapshots" || result?.outcome !== "applied" || session === null) return;
  const { actions_json: actions } = (change["data"] ?? {}) as { readonly actions_json?: unknown };
  if (Array.isArray(actions)) boards.noteTutorObjects(session, addedObjectIds(actions as WhiteboardAction[]));
}

async function storeGroup(body: Body, group: Group): Promise<void> {
  const { services } = body;
  const rows = inOrder(group.items.filter((item) => !isBoard(item)));
  const numbers = await numbersOf(body, group);
  for (const batch of batchesOf(rows)) {
    const results = await storeBatch(body, group, batch, numbers);
    for (const [i, item] of batch.entries()) item.result = results?.[i] ?? BUSY;
  }
  const { session } = group;
  const isRemoved = ({ change, result }: Item): boolean =>
    change["kind"] === "sessions" && change["op"] === "delete" && result?.outcome === "applied";
  if (session !== null && rows.some(isRemoved)) services.closeSession(session);
  for (const item of rows) noteDrawn(services, session, item);
}

/** Not in the session's turn: boards change while turns run, and a large one takes long. */
async function mergeBoards({ services }: Body, group: Group): Promise<void> {
  for (const item of group.items.filter(isBoard)) item.result = await mergeBoard(services, item.change);
}

const isBusy = (error: unknown): boolean => error instanceof HttpError && error.code === "SESSION_BUSY";

/** Behind the turn that runs now, if one does: its session must not change under it. */
async function inTurn(body: Body, group: Group): Promise<void> {
  if (group.items.every(isBoard)) return;
  if (group.session === null) return storeGroup(body, group);
  const patienceMs = Math.max(0, body.deadline - performance.now());
  try {
    await body.services.queues.run(group.session, () => storeGroup(body, group), patienceMs);
  } catch (error) {
    if (!isBusy(error)) throw error;
    for (const item of group.items) if (!isBoard(item)) item.result ??= BUSY;
  }
}

async function someAtOnce(groups: readonly Group[], work: (group: Group) => Promise<void>): Promise<void> {
  const waiting = groups.values();
  const worker = async (): Promise<void> => {
    for (const group of waiting) await work(group);
  };
  await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, worker));
}

/** The answer to a body of changes, in their order. */
export async function applyChanges(services: Services, given: readonly unknown[]) {
  const items = given.map(itemOf);
  const groups = groupsOf(items);
  const deadline = performance.now() + BUSY_MS;
  const body = { services, rowNumbers: createRowNumbers(), deadline, patience: AbortSignal.timeout(BUSY_MS) };
  const work = async (group: Group): Promise<void> => {
    await inTurn(body, group);
    await mergeBoards(body, group);
  };
  // Folders first: sessions count in them.
  await someAtOnce(
    groups.filter(({ session }) => session === null),
    work,
  );
  await someAtOnce(
    groups.filter(({ session }) => session !== null),
    work,
  );
  return answerOf(items);
}

function answerOf(items: readonly Item[]) {
  const seqOf = ({ change }: Item): number => (Number.isSafeInteger(change["seq"]) ? (change["seq"] as number) : 0);
  const count = (outcome: Result["outcome"]): number =>
    items.filter(({ result }) => result?.outcome === outcome).length;
  return {
    applied: count("applied"),
    skipped: count("skipped"),
    rejected: items
      .filter(({ result }) => result?.outcome === "rejected")
      .map((item) => ({ seq: seqOf(item), reason: item.result?.reason ?? "" })),
    conflicts: items
      .filter(({ result }) => result?.isConflict)
      .map((item) => ({ seq: seqOf(item), kind: item.change["kind"], key: item.change["key"] })),
  };
}
