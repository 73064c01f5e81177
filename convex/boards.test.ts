import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./_generated/api.js";
import { PART_BYTES_MAX } from "./model/boards.ts";
import { createTest, NOW } from "./test.setup.ts";

const bytes = (...values: number[]): ArrayBuffer => Uint8Array.from(values).buffer;

async function withBoard() {
  const { t, user, service } = createTest();
  const ann = user("ann");
  await ann.mutation(api.sessions.create, { id: "s1", spareId: "", folderId: null, now: NOW });
  const opened = await ann.query(api.turns.open, { id: "s1" });
  assert.ok(opened);
  const { session } = opened;
  const board = await ann.mutation(api.boards.open, { session, now: NOW });
  assert.ok(board.status === "found");
  return { t, user, service, ann, session, board: board.board };
}

test("updates get gapless numbers and come back in order", async () => {
  const { ann, board } = await withBoard();
  for (let i = 1; i <= 3; i += 1) {
    const stored = await ann.mutation(api.boards.append, { board, update: bytes(i), now: NOW });
    assert.deepEqual(stored, { status: "stored", seq: i });
  }
  const page = await ann.query(api.boards.updates, { board, after: 1 });
  assert.deepEqual(
    page.updates.map(({ seq, update }) => [seq, new Uint8Array(update)[0]]),
    [
      [2, 2],
      [3, 3],
    ],
  );
  assert.equal(page.hasMore, false);
});

test("a page of updates ends when it weighs enough, and the next one goes on behind it", async () => {
  const { ann, board } = await withBoard();
  for (let i = 0; i < 6; i += 1) {
    await ann.mutation(api.boards.append, { board, update: new ArrayBuffer(PART_BYTES_MAX), now: NOW });
  }
  const first = await ann.query(api.boards.updates, { board, after: 0 });
  assert.deepEqual([first.updates.length, first.hasMore], [5, true]);
  const rest = await ann.query(api.boards.updates, { board, after: 5 });
  assert.deepEqual([rest.updates.map(({ seq }) => seq), rest.hasMore], [[6], false]);
});

test("two writers of a snapshot have generations of their own; the later commit wins, the earlier one's parts go", async () => {
  const { t, ann, board } = await withBoard();
  await ann.mutation(api.boards.append, { board, update: bytes(1), now: NOW });
  const draft = async (): Promise<number> => {
    const drafted = await ann.mutation(api.boards.draft, { board });
    assert.ok(drafted.status === "drafted");
    return drafted.generation;
  };
  const [one, two] = [await draft(), await draft()];
  for (const generation of [one, two]) {
    await ann.mutation(api.boards.writePart, { board, generation, part: 0, bytes: bytes(generation) });
  }
  const commit = (generation: number) =>
    ann.mutation(api.boards.commitSnapshot, { board, generation, parts: 1, through: 1, now: NOW });
  assert.deepEqual([(await commit(two)).status, (await commit(one)).status], ["stored", "stale"]);
  const parts = await t.run((ctx) => ctx.db.query("boardSnapshots").collect());
  assert.deepEqual(
    parts.map((part) => part.generation),
    [two],
  );
});

test("what an instance watches of a session: its newest update and actions, or that it has gone", async () => {
  const { ann, service, session, board } = await withBoard();
  const watch = () => service.query(api.boards.watch, { session });
  assert.deepEqual(await watch(), { lastSeq: 0, lastSnapshot: 0 });
  await ann.mutation(api.boards.append, { board, update: bytes(1), now: NOW });
  assert.deepEqual(await watch(), { lastSeq: 1, lastSnapshot: 0 });
  await ann.mutation(api.sessions.remove, { id: "s1", now: NOW, instance: "here" });
  assert.equal(await watch(), null);
});

test("a snapshot replaces the updates it holds and keeps those after it", async () => {
  const { t, ann, session, board } = await withBoard();
  for (let i = 1; i <= 3; i += 1) await ann.mutation(api.boards.append, { board, update: bytes(i), now: NOW });
  await ann.mutation(api.boards.draft, { board });
  await ann.mutation(api.boards.writePart, { board, generation: 1, part: 0, bytes: bytes(9) });
  const commit = { board, generation: 1, parts: 1, through: 2, now: NOW };
  assert.equal((await ann.mutation(api.boards.commitSnapshot, commit)).status, "stored");
  const found = await ann.query(api.boards.find, { session });
  assert.ok(found.status === "found");
  assert.deepEqual([found.generation, found.parts, found.through], [1, 1, 2]);
  assert.equal((await t.run((ctx) => ctx.db.query("boardUpdates").collect())).length, 1);
  assert.deepEqual(await ann.query(api.boards.part, { board, generation: 1, part: 0 }), bytes(9));
});

test("a writer with an old generation changes nothing", async () => {
  const { ann, board } = await withBoard();
  await ann.mutation(api.boards.append, { board, update: bytes(1), now: NOW });
  await ann.mutation(api.boards.draft, { board });
  const commit = { board, generation: 1, parts: 0, through: 1, now: NOW };
  await ann.mutation(api.boards.commitSnapshot, commit);
  assert.equal((await ann.mutation(api.boards.commitSnapshot, commit)).status, "stale");
  const part = { board, generation: 1, part: 0, bytes: bytes(1) };
  assert.equal((await ann.mutation(api.boards.writePart, part)).status, "stale");
});

test("a foreign board and the board of a deleted session have gone", async () => {
  const { user, ann, session, board } = await withBoard();
  assert.equal((await user("bob").query(api.boards.find, { session })).status, "gone");
  assert.equal((await user("bob").mutation(api.boards.append, { board, update: bytes(1), now: NOW })).status, "gone");
  await ann.mutation(api.sessions.remove, { id: "s1", now: NOW, instance: "here" });
  assert.equal((await ann.mutation(api.boards.append, { board, update: bytes(1), now: NOW })).status, "gone");
});
