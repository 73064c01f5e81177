// Merging boards: who has what, deletions included, and that it is the same in a thread.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as Y from "yjs";
import { BoardWork } from "./boardWork.ts";
import { type AskBoard, withBoard } from "./largeBoards.ts";

const stateOf = (doc: Y.Doc): Uint8Array => Y.encodeStateAsUpdate(doc);

function docOf(...states: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const state of states) Y.applyUpdate(doc, state);
  return doc;
}

function workOf(stored: Y.Doc, incoming: Y.Doc): BoardWork {
  const work = new BoardWork();
  work.add([stateOf(stored)]);
  assert.ok(work.take(stateOf(incoming)));
  return work;
}

const contentOf = (doc: Y.Doc): unknown => doc.getMap("objects").toJSON();

test("what one lacks of the other is told, a deletion alone too", () => {
  const doc = new Y.Doc();
  doc.getMap("objects").set("a", 1);
  assert.deepEqual(workOf(doc, doc).news(), { update: null, isMixed: false });
  const further = docOf(stateOf(doc));
  further.getMap("objects").delete("a");
  const ahead = workOf(doc, further).news();
  assert.deepEqual([ahead.update === null, ahead.isMixed], [false, false]);
  assert.deepEqual(workOf(further, doc).news(), { update: null, isMixed: true });
  const beside = docOf(stateOf(doc));
  beside.getMap("objects").set("b", 2);
  const both = workOf(further, beside);
  assert.deepEqual([both.news().update === null, both.news().isMixed], [false, true]);
  assert.deepEqual(contentOf(docOf(both.merged())), { b: 2 });
  assert.deepEqual(both.news(), { update: null, isMixed: true });
});

test("what is no update is not taken, and nothing of it stays", () => {
  const work = new BoardWork();
  const state = stateOf(docOf());
  assert.equal(work.take(new Uint8Array([1, 2, 3])), false);
  assert.ok(work.take(state));
  assert.deepEqual(work.news(), { update: null, isMixed: false });
});

/** Edits of two boards: which of them, what, and whether it hears of the other first. */
const edit = fc.record({
  on: fc.integer({ min: 0, max: 1 }),
  key: fc.constantFrom("a", "b", "c"),
  what: fc.constantFrom("set", "delete", "text", "nested", "hear"),
});

function edited(doc: Y.Doc, { key, what }: { readonly key: string; readonly what: string }): void {
  const objects = doc.getMap("objects");
  const value = objects.get(key);
  if (what === "delete") objects.delete(key);
  else if (what === "nested") objects.set(key, new Y.Map([["n", new Y.Text("n")]]));
  else if (what === "text" && value instanceof Y.Map) (value.get("n") as Y.Text).insert(0, "xy");
  else objects.set(key, { n: 1 });
}

test("for any two histories: applying what is told changes the board, and makes both the same", () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
      const boards = [new Y.Doc(), new Y.Doc()] as const;
      for (const each of edits) {
        const [board, other] = each.on === 0 ? boards : [boards[1], boards[0]];
        if (each.what === "hear") Y.applyUpdate(board, stateOf(other));
        else edited(board, each);
      }
      const [stored, incoming] = boards;
      const { update, isMixed } = workOf(stored, incoming).news();
      const merged = docOf(stateOf(stored), stateOf(incoming));
      assert.equal(update === null, Y.equalSnapshots(Y.snapshot(stored), Y.snapshot(merged)));
      assert.equal(isMixed, !Y.equalSnapshots(Y.snapshot(incoming), Y.snapshot(merged)));
      const told = docOf(stateOf(stored), ...(update ? [update] : []));
      assert.ok(Y.equalSnapshots(Y.snapshot(told), Y.snapshot(merged)));
      assert.deepEqual(contentOf(docOf(workOf(stored, incoming).merged())), contentOf(merged));
    }),
  );
});

function drawn(objects: number): Y.Doc {
  const doc = new Y.Doc();
  const map = doc.getMap("objects");
  doc.transact(() => {
    for (let i = 0; i < objects; i += 1) map.set(`o${i}`, { kind: "pen", x: i });
  });
  return doc;
}

async function merge(ask: AskBoard, stored: Uint8Array, incoming: Uint8Array) {
  await ask("add", [Uint8Array.from(stored)]);
  assert.ok(await ask("take", incoming));
  const news = await ask("news");
  return { news, merged: await ask("merged"), texts: await ask("texts", { session_id: "s" }) };
}

test("a thread says the same as the work done here", async () => {
  const stored = drawn(500);
  const incoming = docOf(stateOf(stored));
  incoming.getMap("objects").set("new", { kind: "dot" });
  stored.getMap("objects").delete("o7");
  const states = [stateOf(stored), stateOf(incoming)] as const;
  const [here, there] = await Promise.all(
    [0, 2_000_000].map((bytes) => withBoard(bytes, (ask) => merge(ask, ...states))),
  );
  assert.ok(here?.news.update && there?.news.update);
  assert.deepEqual(there, { ...here, merged: there.merged, news: there.news });
  assert.ok(Buffer.from(there.merged).equals(here.merged) && Buffer.from(there.news.update).equals(here.news.update));
});

test("a thread that ends without an answer is an error of its own", async () => {
  const work = withBoard(2_000_000, (ask) => ask("texts", { unclonable: () => undefined }));
  await assert.rejects(work, { name: "BoardNotDoneError" });
});

test("a stored board that cannot be read is an error, in a thread too", async () => {
  for (const bytes of [0, 2_000_000]) {
    await assert.rejects(
      withBoard(bytes, (ask) => ask("add", [new Uint8Array([9, 9, 9])])),
      /cannot be read/,
    );
  }
});
