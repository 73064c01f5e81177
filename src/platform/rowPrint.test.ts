import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { fingerprintOf, printOf } from "./rowPrint.ts";

test("boards that show the same print the same, whatever their history, and in a thread too", async () => {
  const [one, two] = [new Y.Doc(), new Y.Doc()];
  const text = "x".repeat(900_000);
  one.getMap("objects").set("a", { text });
  two.getMap("objects").set("a", { text: "other" });
  two.getMap("objects").set("a", { text });
  const rowOf = (doc: Y.Doc, password?: string) => ({
    kind: "yjs_snapshots",
    data: {
      state: Buffer.from(Y.encodeStateAsUpdate(doc)).toString("base64"),
      ...(password !== undefined && { password }),
    },
  });
  const print = fingerprintOf(rowOf(one));
  assert.equal(await printOf(rowOf(two, "secret")), print);
  two.getMap("objects").delete("a");
  assert.notEqual(await printOf(rowOf(two)), print);
});
