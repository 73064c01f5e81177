// Merging a board that others write to meanwhile, on a store whose answers are the test's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { getFunctionName } from "convex/server";
import * as Y from "yjs";
import type { Services } from "../services.ts";
import { mergeBoard } from "./mergeBoards.ts";

const updateOf = (key: string, bytes = 1): Uint8Array => {
  const doc = new Y.Doc();
  doc.getMap("objects").set(key, "x".repeat(bytes));
  return Y.encodeStateAsUpdate(doc);
};

interface MergeArgs {
  readonly after: number;
  readonly update?: ArrayBuffer;
  readonly isMixed: boolean;
}

/** A board's log. Somebody appends before each of the first merges. */
function scriptedServices(busy: number) {
  const log: { seq: number; update: Uint8Array }[] = [];
  const seen = { merges: 0, reads: 0, noted: [] as number[], mixed: null as boolean | null };
  const append = (update: Uint8Array): number => log.push({ seq: log.length + 1, update });
  const head = () => ({ status: "found", board: "b", generation: 0, parts: 0, through: 0, nextSeq: log.length + 1 });
  const merge = ({ after, update, isMixed }: MergeArgs): unknown => {
    seen.merges += 1;
    if (seen.merges <= busy) append(updateOf(`other${seen.merges}`));
    if (after !== log.length) return { status: "stale" };
    seen.mixed = isMixed;
    return { status: "stored", seq: append(new Uint8Array(update ?? [])) };
  };
  const answers: Record<string, (args: any) => unknown> = {
    "changes:boardPlace": () => ({ status: "found", id: "s", session: "s1", userId: "u", incoming: { version: 2 } }),
    "boards:find": () => {
      seen.reads += 1;
      return log.length === 0 ? { status: "empty" } : head();
    },
    "boards:open": head,
    "boards:updates": ({ after }) => ({ updates: log.filter(({ seq }) => seq > after), hasMore: false }),
    "changes:merge": merge,
  };
  const call = async (reference: never, args: object): Promise<unknown> => answers[getFunctionName(reference)]?.(args);
  const services = {
    store: { query: call, mutation: call },
    clock: { now: () => 0 },
    log: { warn: () => undefined },
    boards: { noteStored: (_: string, seq: number) => seen.noted.push(seq) },
  } as unknown as Services;
  const keys = (): string[] => {
    const doc = new Y.Doc();
    for (const { update } of log) Y.applyUpdate(doc, update);
    return [...doc.getMap("objects").keys()].sort();
  };
  return { services, seen, append, keys };
}

const changeOf = (state: Uint8Array) => ({
  kind: "yjs_snapshots",
  op: "upsert",
  data: { session_id: "s", state: Buffer.from(state).toString("base64"), updated_at: 1 },
});

test("what others append meanwhile is read on, not all again, and nothing is lost", async () => {
  for (const bytes of [1, 600_000]) {
    const { services, seen, append, keys } = scriptedServices(2);
    append(updateOf("stored", bytes));
    assert.equal((await mergeBoard(services, changeOf(updateOf("theirs", bytes)))).outcome, "applied");
    assert.deepEqual(keys(), ["other1", "other2", "stored", "theirs"]);
    assert.deepEqual(seen, { merges: 3, reads: 1, noted: [4], mixed: true });
  }
});

test("what another instance has merged meanwhile is not stored twice", async () => {
  const { services, seen, append, keys } = scriptedServices(0);
  const theirs = updateOf("theirs");
  append(updateOf("ours"));
  append(theirs);
  assert.equal((await mergeBoard(services, changeOf(theirs))).outcome, "skipped");
  assert.deepEqual([keys(), seen.merges], [["ours", "theirs"], 0]);
});

test("a board that is written all the time is taken later", async () => {
  const { services, keys } = scriptedServices(100);
  const result = await mergeBoard(services, changeOf(updateOf("theirs")));
  assert.match(result.reason ?? "", /^later: /);
  assert.ok(!keys().includes("theirs"));
});

test("a board that is too large, or would become so, is refused by name", async () => {
  const { services, append } = scriptedServices(0);
  const refused = async (state: Uint8Array) => (await mergeBoard(services, changeOf(state))).reason;
  const largest = 32 * 1_048_576;
  assert.equal(await refused(new Uint8Array(largest + 1)), "the board is larger than 32 MiB, which is not moved");
  append(updateOf("ours", largest));
  assert.equal(await refused(updateOf("b")), "the board would become larger than 32 MiB, which is not moved");
});
