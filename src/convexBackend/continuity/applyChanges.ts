// Rows of the other arm (contract rest.md §7): stored in the order of their sessions' turns, those of many sessions in one
// transaction where nobody is in the middle of a turn.
import { api } from "../../../convex/_generated/api.js";
import { HttpError } from "../http/errors.ts";
import { AS_SERVICE } from "../ports.ts";
import type { Services } from "../services.ts";
import { addedObjectIds, type WhiteboardAction } from "../tutor/replay.ts";
import { type Group, groupsOf, isForOneTransaction, type Item, itemOf, packsOf, partsOf } from "./incoming.ts";
import { mergeBoard } from "./mergeBoards.ts";
import { BUSY, type Result } from "./results.ts";
import { createRowNumbers, isNumbered, type NumberedKind, type RowNumbers } from "./rowNumbers.ts";

/** How long the changes of a body wait for running turns, all together. */
const BUSY_MS = 5_000;
const GROUPS_AT_ONCE = 8;

/** What the groups of one body share. */
interface Body {
  readonly services: Services;
  readonly rowNumbers: RowNumbers;
  readonly deadline: number;
  readonly patience: AbortSignal;
}

/** By id, for the kinds that have them. */
type Numbers = ReadonlyMap<string, number>;

function idsOf(rows: readonly Item[]): Map<NumberedKind, Set<string>> {
  const ids = new Map<NumberedKind, Set<string>>();
  for (const { change } of rows) {
    const { kind, op, key } = change;
    if (!isNumbered(kind) || op !== "upsert" || typeof key !== "string") continue;
    ids.set(kind, (ids.get(kind) ?? new Set()).add(key));
  }
  return ids;
}

async function numbersOf({ services, rowNumbers }: Body, groups: readonly Group[]): Promise<Numbers> {
  const wanted = groups.flatMap(({ session, rows }) => {
    const ids = idsOf(rows);
    return session === null || ids.size === 0 ? [] : [{ session, ids }];
  });
  if (wanted.length === 0) return new Map();
  const sessions = wanted.map(({ session }) => session);
  const highest = await services.store.query(api.changes.rowNumbers, { sessions }, AS_SERVICE);
  return new Map(
    wanted.flatMap(({ session, ids }, i) =>
      [...ids].flatMap(([kind, keys]) => [...rowNumbers.of(kind, session, keys, highest[i]?.[kind] ?? 0)]),
    ),
  );
}

interface Part {
  readonly session: string | null;
  readonly rows: readonly Item[];
}

/** In one transaction; gives those whose session another instance runs a turn of: of them nothing is stored. */
async function storeParts<P extends Part>(body: Body, parts: readonly P[], numbers: Numbers): Promise<P[]> {
  const { store, clock, leases } = body.services;
  const groups = parts.map(({ session, rows }) => ({
    ...(session !== null && { session }),
    changes: rows.map(({ json, change }) => {
      const row = numbers.get(change["key"] as string);
      return { json, ...(row !== undefined && { row }) };
    }),
  }));
  const args = { instance: leases.instance, now: clock.now(), groups };
  const told = await store.mutation(api.changes.apply, args, AS_SERVICE);
  return parts.filter(({ rows }, i) => {
    const done = told[i];
    if (done?.status !== "done") return true;
    for (const [at, item] of rows.entries()) item.result = done.results[at] ?? BUSY;
    return false;
  });
}

/** What the tutor drew on the other arm keeps its source on a board that is open here. */
function noteDrawn({ boards }: Services, session: string | null, { change, result }: Item): void {
  if (change["kind"] !== "whiteboard_snapshots" || result?.outcome !== "applied" || session === null) return;
  const { actions_json: actions } = (change["data"] ?? {}) as { readonly actions_json?: unknown };
  if (Array.isArray(actions)) boards.noteTutorObjects(session, addedObjectIds(actions as WhiteboardAction[]));
}

/** What this process has of the session in memory follows. */
function noteStored(services: Services, { session, rows }: Group): void {
  const isRemoved = ({ change, result }: Item): boolean =>
    change["kind"] === "sessions" && change["op"] === "delete" && result?.outcome === "applied";
  if (session !== null && rows.some(isRemoved)) services.closeSession(session);
  for (const item of rows) noteDrawn(services, session, item);
}

/** Waits for the turns of other instances. */
async function storeGroup(body: Body, group: Group): Promise<void> {
  const { session } = group;
  const { leases } = body.services;
  const numbers = await numbersOf(body, [group]);
  for (const rows of partsOf(group.rows)) {
    while ((await storeParts(body, [{ session, rows }], numbers)).length > 0) {
      try {
        await leases.untilFree(session ?? "", body.patience);
      } catch {
        for (const item of rows) item.result = BUSY;
        break;
      }
    }
  }
  noteStored(body.services, group);
}

/** Gives those that could not be stored yet. */
async function storeTogether(body: Body, groups: readonly Group[]): Promise<Group[]> {
  const left = await storeParts(body, groups, await numbersOf(body, groups));
  for (const group of groups) if (!left.includes(group)) noteStored(body.services, group);
  return left;
}

const isBusy = (error: unknown): boolean => error instanceof HttpError && error.code === "SESSION_BUSY";

/** Behind the turn that runs now, if one does: its session must not change under it. */
async function inTurn(body: Body, group: Group): Promise<void> {
  if (group.session === null) return storeGroup(body, group);
  const patienceMs = Math.max(0, body.deadline - performance.now());
  try {
    await body.services.queues.run(group.session, () => storeGroup(body, group), patienceMs);
  } catch (error) {
    if (!isBusy(error)) throw error;
    for (const item of group.rows) item.result ??= BUSY;
  }
}

/** Together where no turn runs, the others each in its turn. */
async function storeRows(body: Body, groups: readonly Group[]): Promise<void> {
  const { queues } = body.services;
  const alone = groups.filter((group) => !isForOneTransaction(group));
  for (const pack of packsOf(groups.filter(isForOneTransaction))) {
    const isFree = ({ session }: Group): boolean => session === null || queues.isFree(session);
    const free = pack.filter(isFree);
    alone.push(...pack.filter((group) => !free.includes(group)));
    if (free.length === 0) continue;
    const sessions = free.flatMap(({ session }) => session ?? []);
    alone.push(...(await queues.runInAll(sessions, () => storeTogether(body, free))));
  }
  await someAtOnce(alone, (group) => inTurn(body, group));
}

/** Not in the session's turn: boards change while turns run, and a large one takes long. */
async function mergeBoards({ services }: Body, { boards }: Group): Promise<void> {
  for (const item of boards) item.result = await mergeBoard(services, item.change);
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
  const withRows = groups.filter(({ rows }) => rows.length > 0);
  // Folders first: sessions count in them.
  for (const hasSession of [false, true]) {
    await storeRows(
      body,
      withRows.filter(({ session }) => (session !== null) === hasSession),
    );
  }
  await someAtOnce(groups, (group) => mergeBoards(body, group));
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
