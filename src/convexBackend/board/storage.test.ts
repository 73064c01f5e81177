import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import type { Id } from "../../../convex/_generated/dataModel.js";
import { asUser, type Store } from "../ports.ts";
import { createBoardStorage } from "./storage.ts";
import { scriptedStore } from "./testing/scriptedStore.ts";

const updateOf = (key: string): Uint8Array => {
  const doc = new Y.Doc();
  doc.getMap("objects").set(key, 1);
  return Y.encodeStateAsUpdate(doc);
};
const keysOf = (updates: readonly Uint8Array[]): string[] => {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return [...doc.getMap("objects").keys()];
};
const open = (store: Store) => createBoardStorage(store, { now: () => 0 }, "s" as Id<"sessions">, asUser("ann"));

test("news of an own update that come before its answer bring nothing back", async () => {
  const { store, hold, release } = scriptedStore();
  const storage = open(store);
  const doc = new Y.Doc();
  await storage.load(doc);
  hold();
  const appended = storage.append(updateOf("own"), doc);
  const followed: Uint8Array[] = [];
  const following = storage.follow(1, (update) => followed.push(update));
  await new Promise((resolve) => setImmediate(resolve));
  release();
  await Promise.all([appended, following]);
  assert.deepEqual(followed, []);
});

test("updates of others are handed over once each, in their order, between own ones too", async () => {
  const { store } = scriptedStore();
  const [here, there] = [open(store), open(store)];
  const doc = new Y.Doc();
  await here.load(doc);
  await here.append(updateOf("a"), doc);
  await there.append(updateOf("b"), doc);
  await here.append(updateOf("c"), doc);
  await there.append(updateOf("d"), doc);
  const followed: Uint8Array[] = [];
  const follow = (seq: number) => here.follow(seq, (update) => followed.push(update));
  await Promise.all([follow(2), follow(4), follow(4)]);
  assert.equal(followed.length, 2);
  assert.deepEqual(keysOf(followed), ["b", "d"]);
});
