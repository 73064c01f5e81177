import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import type { Id } from "../../../convex/_generated/dataModel.js";
import { createLog } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { asUser } from "../ports.ts";
import { createBoards } from "./boards.ts";
import { scriptedStore } from "./testing/scriptedStore.ts";

const KEY = { id: "s", session: "s" as Id<"sessions">, identity: asUser("ann") };
const NOBODY = { send: () => undefined, close: () => undefined };

test("a board that is stored after its last socket is read at once, and is whole", async () => {
  const { store, hold, release, log } = scriptedStore();
  const boards = createBoards({
    store,
    clock: { now: () => 0 },
    log: createLog(),
    metrics: createMetrics("test"),
    watches: { watch: () => () => undefined },
    onDeleted: () => undefined,
  });
  const peer = { ...NOBODY };
  const room = await boards.join(KEY, peer);
  const doc = new Y.Doc();
  doc.getMap("objects").set("drawn", { metadata: { source: "user" } });
  hold();
  assert.equal(room.receive(Y.encodeStateAsUpdate(doc), peer), "applied");
  room.leave(peer);
  const read = await boards.read(KEY);
  assert.deepEqual([...read.getMap("objects").keys()], ["drawn"]);
  release();
  await boards.close();
  assert.equal(log.length, 1);
  assert.deepEqual([...(await boards.read(KEY)).getMap("objects").keys()], ["drawn"]);
});
