import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { ARMS } from "../../kernel/index.ts";
import { Documents } from "./documents.ts";
import type { DocumentsLimits } from "./limits.ts";
import { contextAt, rulesFor } from "./testing/room.ts";

const OPTIONS = { rules: rulesFor({ roots: { objects: "map" } }), contextAt };
const at = (atMs: number) => ({ atMs, nowMs: 1_700_000_000_000 + atMs });

function update(value: number): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = 1;
  doc.getMap("objects").set("a", value);
  return Y.encodeStateAsUpdate(doc);
}

function opened(names: readonly string[], limits?: DocumentsLimits): Documents {
  const documents = new Documents(OPTIONS, limits);
  for (const name of names) {
    for (const arm of ARMS) {
      documents.take(name, { type: "joined", arm, socket: `${name}-1` }, at(0));
      const value = name.startsWith("bad") && arm === "candidate" ? 2 : 1;
      documents.take(name, { type: "received", arm, socket: `${name}-1`, update: update(value) }, at(0));
    }
  }
  return documents;
}

test("counts documents by state", () => {
  const documents = opened(["good", "bad", "bad too"]);
  assert.equal(documents.openCount, 3);
  assert.equal(documents.dueAtMs, 2_000);
  assert.deepEqual(documents.tick(at(1_999)), []);
  assert.deepEqual(documents.tick(at(2_000)), [{ document: "good", verdict: { name: "identical" }, view: null }]);
  assert.deepEqual(documents.counts, { converged: 1, lagging: 2, diverged: 0 });
  assert.equal(documents.openCount, 2);
  assert.equal(documents.dueAtMs, 10_000);
  assert.deepEqual(
    documents.tick(at(10_000)).map(({ document, verdict }) => `${document} ${verdict.name}`),
    ["bad different", "bad too different"],
  );
  assert.deepEqual(documents.counts, { converged: 1, lagging: 0, diverged: 2 });
  assert.equal(documents.dueAtMs, null);
});

test("forgets a document with its last socket, and keeps what it lost", () => {
  const documents = opened(["good"]);
  documents.take("good", { type: "received", arm: "control", socket: "nobody", update: update(1) }, at(1));
  documents.take("good", { type: "left", arm: "control", socket: "good-1" }, at(5));
  const said = documents.take("good", { type: "left", arm: "candidate", socket: "good-1" }, at(6));
  assert.deepEqual(said, { document: "good", verdict: { name: "identical" }, view: null });
  assert.deepEqual(documents.counts, { converged: 0, lagging: 0, diverged: 0 });
  assert.equal(documents.bytes, 0);
  assert.equal(documents.losses.ignored, 1);
  assert.equal(documents.take("good", { type: "sent", arm: "control", socket: "x", update: update(1) }, at(9)), null);
  assert.equal(documents.losses.ignored, 2);
});

test("beyond its bounds a document is not compared, with its reason", () => {
  const joined = { type: "joined", arm: "control", socket: "s" } as const;
  const budget = { document: "more", verdict: { name: "not_compared", reason: "budget" }, view: null };
  assert.deepEqual(opened(["one"], { documents: 1, bytes: 1_000_000 }).take("more", joined, at(1)), budget);
  assert.deepEqual(opened(["one"], { documents: 9, bytes: 20 }).take("more", joined, at(1)), budget);
});
