import assert from "node:assert/strict";
import { test } from "node:test";
import { createBoardDoc } from "./boardDoc.ts";

test("two boards that exchange their updates show the same", () => {
  const [a, b] = [createBoardDoc(), createBoardDoc()];
  let relayed = 0;
  a.onUpdate((update) => {
    relayed += 1;
    b.receive(update);
  });
  b.onUpdate((update) => {
    relayed += 1;
    a.receive(update);
  });
  a.put("n1", { id: "n1", text: "mine" });
  b.put("n2", { id: "n2", text: "yours" });
  assert.deepEqual(new Set(a.objects().map((object) => object["id"])), new Set(["n1", "n2"]));
  assert.deepEqual(b.objects().length, 2);
  // A client never sends back what it received (whiteboard-socket.md §1).
  assert.equal(relayed, 2);
});

test("what the tutor draws, changes and wipes is written into the document", () => {
  const board = createBoardDoc();
  board.apply([
    { type: "ADD_OBJECTS", objects: [{ id: "a", fill: "red" }, { id: "b" }, { noId: true }] },
    {
      type: "UPDATE_OBJECTS",
      objects: [
        { objectId: "a", updates: { fill: "green" } },
        { objectId: "unknown", updates: {} },
      ],
    },
    { type: "DELETE_OBJECTS", objectIds: ["b"] },
    { type: "SHOW_POINTER_AT", x: 1, y: 1 },
  ]);
  assert.deepEqual(board.objects(), [{ id: "a", fill: "green" }]);
  board.apply([{ type: "CLEAR_BOARD" }]);
  assert.deepEqual(board.objects(), []);
});
