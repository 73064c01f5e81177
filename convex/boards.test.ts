import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./_generated/api.js";
import { createTest, NOW } from "./test.setup.ts";

const bytes = (...values: number[]): ArrayBuffer => Uint8Array.from(values).buffer;

async function withBoard() {
  const { t, user } = createTest();
  const ann = user("ann");
  await ann.mutation(api.sessions.create, { id: "s1", spareId: "", folderId: null, now: NOW });
  const opened = await ann.query(api.turns.open, { id: "s1" });
  assert.ok(opened);
  const { session } = opened;
  const board = await ann.mutation(api.boards.open, { session, now: NOW });
  assert.ok(board.status === "found");
  return { t, user, ann, session, board: board.board };
}

test("updates get gapless numbers and come back in order", async () => {
  const { ann, board } = await withBoard();
  for (let i = 1; i <= 3; i += 1) {
    const stored = await ann.mutation(api.boards.append, { board, update: bytes(i), now: NOW });
    assert.deepEqual(stored, { status: "stored", seq: i });
  }
  const page = await ann.query(api.boards.updates, { board, after: 1 });
  assert.deepEqual(
    page.updates.map((update) => new Uint8Array(update)[0]),
    [2, 3],
  );
  assert.deepEqual([page.last, page.hasMore], [3, false]);
});

test("a snapshot replaces the updates it holds and keeps those after it", async () => {
  const { t, ann, session, board } = await withBoard();
  for (let i = 1; i <= 3; i += 1) await ann.mutation(api.boards.append, { board, update: bytes(i), now: NOW });
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
  await ann.mutation(api.sessions.remove, { id: "s1", now: NOW });
  assert.equal((await ann.mutation(api.boards.append, { board, update: bytes(1), now: NOW })).status, "gone");
});
