// What a step of the relay brings of large boards, and where its cursor stays.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { rest } from "../contract/index.ts";
import { BoardPace } from "./boardPace.ts";

const LARGE = "A".repeat(1_100_000);

const board = (seq: number, version: number, more: Partial<rest.Change> = {}): rest.Change => ({
  seq,
  kind: "yjs_snapshots",
  op: "upsert",
  key: "s",
  user_id: "u",
  version,
  origin: "legacy",
  at: version,
  data: { session_id: "s", state: LARGE, updated_at: 1 },
  ...more,
});
const message = (seq: number): rest.Change => board(seq, 1, { kind: "session_messages", key: `s/${seq}` });

/** A relay that stores its cursor after every step. */
function relay() {
  const clock = { ms: 0 };
  const pace = new BoardPace(() => clock.ms);
  let cursor = 0;
  const step = (changes: readonly rest.Change[], read: number, untaken: readonly rest.Change[] = []) => {
    const from = pace.readFrom(cursor);
    const page = { changes: [...changes], cursor: read, more: false };
    const planned = pace.step(cursor, page, ({ origin }) => origin === "legacy");
    cursor = planned.done(untaken, []);
    return { from, brought: planned.changes.map(({ seq }) => seq), known: planned.known, cursor };
  };
  return { clock, step };
}

test("a board goes at once, its next changes together after a pause, and other rows do not wait", () => {
  const { clock, step } = relay();
  assert.deepEqual(step([board(1, 1)], 1), { from: 0, brought: [1], known: 0, cursor: 1 });
  clock.ms = 1_000;
  assert.deepEqual(step([board(2, 2), message(3)], 3), { from: 1, brought: [3], known: 0, cursor: 1 });
  // The feed has a row once, at its newest place.
  clock.ms = 2_000;
  assert.deepEqual(step([message(4), board(5, 3)], 5), { from: 3, brought: [4], known: 0, cursor: 4 });
  assert.deepEqual(step([], 5), { from: 5, brought: [], known: 0, cursor: 4 });
  clock.ms = 3_000;
  assert.deepEqual(step([], 5), { from: 5, brought: [5], known: 0, cursor: 5 });
  assert.deepEqual(step([], 5), { from: 5, brought: [], known: 0, cursor: 5 });
});

test("a small board never waits, and each board has a pause of its own", () => {
  const { step } = relay();
  const small = { data: { session_id: "s", state: "AAA=", updated_at: 1 } };
  assert.deepEqual(step([board(1, 1), board(2, 1, { key: "t" })], 2).brought, [1, 2]);
  assert.deepEqual(step([board(3, 2, small), board(4, 2, { key: "t" })], 4), {
    from: 2,
    brought: [3],
    known: 0,
    cursor: 3,
  });
});

test("a relay that starts again reads what waits once more", () => {
  const { clock, step } = relay();
  step([board(1, 1)], 1);
  assert.equal(step([board(2, 2), message(3)], 3).cursor, 1);
  const again = relay();
  assert.deepEqual(again.step([board(2, 2), message(3)], 3), { from: 0, brought: [3, 2], known: 0, cursor: 3 });
  // The cursor was set to another place.
  clock.ms = 1_000;
  const pace = new BoardPace(() => clock.ms);
  pace.step(0, { changes: [board(1, 1)], cursor: 1, more: false }, () => true).done([], []);
  pace.step(1, { changes: [board(2, 2)], cursor: 9, more: false }, () => true).done([], []);
  assert.equal(pace.readFrom(1), 9);
  assert.equal(pace.readFrom(5), 5);
  assert.equal(pace.readFrom(1), 1);
});

test("what is not taken keeps the cursor before it, and what the other arm has is not sent again", () => {
  const { step } = relay();
  const late = message(1);
  assert.deepEqual(step([late, board(2, 1), message(3)], 3, [late]), {
    from: 0,
    brought: [1, 3, 2],
    known: 0,
    cursor: 0,
  });
  assert.deepEqual(step([late, board(2, 1), message(3)], 3), { from: 0, brought: [1, 3], known: 1, cursor: 3 });
});

test("a board that comes at a later place under its old version is another write: it waits its time, and goes", () => {
  const { clock, step } = relay();
  assert.deepEqual(step([board(1, 1)], 1), { from: 0, brought: [1], known: 0, cursor: 1 });
  assert.deepEqual(step([board(4, 1)], 4), { from: 1, brought: [], known: 0, cursor: 3 });
  clock.ms = 3_000;
  assert.deepEqual(step([], 4), { from: 4, brought: [4], known: 0, cursor: 4 });
});

test("with something untaken, a waiting board is read again too", () => {
  const { clock, step } = relay();
  step([board(1, 1)], 1);
  const late = message(3);
  assert.deepEqual(step([board(2, 2), late], 3, [late]), { from: 1, brought: [3], known: 0, cursor: 1 });
  clock.ms = 5_000;
  assert.deepEqual(step([board(2, 2), late], 3), { from: 1, brought: [3, 2], known: 0, cursor: 3 });
});

test("a board that was deleted, or that is all of the other arm, is no longer waited for", () => {
  const { clock, step } = relay();
  step([board(1, 1), board(2, 1, { key: "t" })], 2);
  assert.equal(step([board(3, 2), board(4, 2, { key: "t" })], 4).cursor, 2);
  const { data: _, ...gone } = board(5, 3, { op: "delete" });
  assert.deepEqual(step([gone, board(6, 3, { key: "t", origin: "candidate" })], 6), {
    from: 4,
    brought: [5],
    known: 0,
    cursor: 6,
  });
  clock.ms = 9_000;
  assert.deepEqual(step([], 6).brought, []);
});

test("more than may be kept goes at once", () => {
  const { step } = relay();
  const state = "A".repeat(60 * 1_048_576);
  const huge = (seq: number, version: number, key: string) =>
    board(seq, version, { key, data: { session_id: key, state, updated_at: 1 } });
  step([huge(1, 1, "s"), huge(2, 1, "t")], 2);
  assert.deepEqual(step([huge(3, 2, "s"), huge(4, 2, "t")], 4), { from: 2, brought: [4], known: 0, cursor: 2 });
});
