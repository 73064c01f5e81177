import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as Y from "yjs";
import { boardState } from "./entries.ts";
import { countOverlaps, boardInsights } from "./insights.ts";
import { createLiveBoard } from "./liveBoard.ts";
import { boardSummary } from "./summary.ts";

const SENDER = {};

function board() {
  const relayed: { bytes: Uint8Array; except: object | null }[] = [];
  const stored: Uint8Array[] = [];
  const live = createLiveBoard(new Y.Doc(), {
    relay: (bytes, except) => void relayed.push({ bytes, except }),
    changed: (bytes) => void stored.push(bytes),
  });
  return { live, relayed, stored };
}
const updateOf = (change: (doc: Y.Doc) => void): Uint8Array => {
  const doc = new Y.Doc();
  change(doc);
  return Y.encodeStateAsUpdate(doc);
};
const adding = (id: string, value: unknown): Uint8Array => updateOf((doc) => doc.getMap("objects").set(id, value));

test("an object that does not say whose it is becomes the user's, for everybody", () => {
  const { live, relayed } = board();
  assert.equal(live.receive(adding("a", { kind: "rect" }), SENDER), "applied");
  assert.deepEqual(live.doc.getMap("objects").get("a"), { kind: "rect", metadata: { source: "user" } });
  assert.deepEqual(
    relayed.map(({ except }) => except),
    [SENDER, null],
  );
  const other = new Y.Doc();
  for (const { bytes } of relayed) Y.applyUpdate(other, bytes);
  assert.deepEqual(other.getMap("objects").toJSON(), live.doc.getMap("objects").toJSON());
});

test("a claimed tutor object keeps its source only when the tutor really drew it", () => {
  const { live } = board();
  const value = { metadata: { source: "assistant", role: "step" } };
  live.noteTutorObjects(["mine"]);
  live.receive(adding("mine", value), SENDER);
  live.receive(adding("forged", value), SENDER);
  const objects = live.doc.getMap("objects").toJSON();
  assert.equal(objects["mine"].metadata.source, "assistant");
  assert.deepEqual(objects["forged"].metadata, { source: "user", role: "step" });
});

test("untouched keys are never rewritten", () => {
  const doc = new Y.Doc();
  doc.getMap("objects").set("old", { kind: "rect" });
  const live = createLiveBoard(doc, { relay: () => undefined, changed: () => undefined });
  live.receive(adding("new", { metadata: { source: "user" } }), SENDER);
  assert.deepEqual(live.doc.getMap("objects").get("old"), { kind: "rect" });
});

test("bytes that are no update change nothing and are not relayed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const { live, relayed, stored } = board();
      const outcome = live.receive(bytes, SENDER);
      if (outcome !== "invalid") return;
      assert.deepEqual([relayed.length, stored.length], [0, 0]);
      assert.deepEqual([...live.state()], [0, 0]);
    }),
  );
});

test("an update that waits for another is relayed, stored, and sanitised once it can be applied", () => {
  const source = new Y.Doc();
  const updates: Uint8Array[] = [];
  source.on("update", (bytes: Uint8Array) => updates.push(bytes));
  source.getMap("objects").set("a", { n: 1 });
  source.getMap("objects").set("b", { n: 2 });
  const { live, stored } = board();
  const [first = new Uint8Array(), second = new Uint8Array()] = updates;
  assert.equal(live.receive(second, SENDER), "applied");
  assert.equal(live.doc.getMap("objects").size, 0);
  live.receive(first, SENDER);
  assert.equal(stored.length >= 3, true);
  const sources = Object.values(live.doc.getMap("objects").toJSON()).map((value) => value.metadata.source);
  assert.deepEqual(sources, ["user", "user"]);
});

test("expired ephemeral entries go, those without an expiry stay", () => {
  const { live, relayed } = board();
  live.receive(
    updateOf((doc) => {
      const map = doc.getMap("ephemeral");
      map.set("old", { metadata: { expiresAt: 10 } });
      map.set("young", { metadata: { expiresAt: 30 } });
      map.set("tag", { metadata: {} });
      map.set("odd", { metadata: { expiresAt: "10" } });
    }),
    SENDER,
  );
  live.collect(20);
  assert.deepEqual([...live.doc.getMap("ephemeral").keys()].sort(), ["odd", "tag", "young"]);
  assert.equal(relayed.at(-1)?.except, null);
  const before = relayed.length;
  live.collect(20);
  assert.equal(relayed.length, before);
});

test("overlaps are counted as the pairwise check counts them", () => {
  const n = fc.integer({ min: 0, max: 8 });
  const box = fc.tuple(n, n, n, n).map(([x, y, w, h]) => [x, y, x + w, y + h] as const);
  fc.assert(
    fc.property(fc.array(box, { maxLength: 12 }), (boxes) => {
      let expected = 0;
      for (const [i, a] of boxes.entries()) {
        for (const b of boxes.slice(i + 1)) {
          const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
          const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
          if (width > 0 && height > 0) expected += 1;
        }
      }
      assert.equal(countOverlaps(boxes), expected);
    }),
  );
});

test("a summary counts, clusters by concept and leaves out what has no numeric place", () => {
  const doc = new Y.Doc();
  const objects = doc.getMap("objects");
  objects.set("a", { kind: "rect", x: "2", y: 0, width: 8, metadata: { concept: "osmosis", source: "user" } });
  objects.set("b", { kind: "rect", x: 0, y: 5, metadata: { concept: "osmosis" } });
  objects.set("c", { x: "50%", metadata: { concept: "osmosis" } });
  objects.set("q", { kind: 3, x: 4, metadata: { role: "question_tag" } });
  objects.set("text", "no object");
  doc.getMap("ephemeral").set("gone", { kind: "highlight_stroke", metadata: { expiresAt: 1 } });
  assert.deepEqual(boardSummary(boardState(doc, 5)), {
    counts: { by_kind: { rect: 2, unknown: 2 }, by_owner: { user: 1, unknown: 3 } },
    learner_question_tags: [{ id: "q", x: 4, y: null, meta: { role: "question_tag" } }],
    concept_clusters: [{ concept: "osmosis", bbox: [0, 0, 10, 5], count: 2 }],
    ephemeralSummary: { activeHighlights: 0, activeQuestionTags: [], recentPointer: null },
  });
  assert.equal(boardInsights(boardState(doc, 5), 0).learner_share, 0.25);
});

test("values that JSON cannot say do not break a summary", () => {
  const doc = new Y.Doc();
  const odd = { kind: undefined, x: Number.NaN, big: 5n, bytes: new Uint8Array(2), metadata: { role: "question_tag" } };
  doc.getMap("objects").set("odd", odd);
  const [tag] = JSON.parse(JSON.stringify(boardSummary(boardState(doc, 0)))).learner_question_tags;
  assert.deepEqual(tag, { id: "odd", x: null, y: null, meta: { role: "question_tag" } });
});

test("of several pointers the one that lives longest is shown", () => {
  const doc = new Y.Doc();
  const ephemeral = doc.getMap("ephemeral");
  for (const [id, expiresAt] of [
    ["a", 9],
    ["c", 10],
    ["b", 10],
  ] as const) {
    ephemeral.set(id, { kind: "pointer_ping", x: id, metadata: { expiresAt } });
  }
  const { ephemeralSummary } = boardSummary(boardState(doc, 5)) as { ephemeralSummary: { recentPointer: unknown } };
  assert.deepEqual(ephemeralSummary.recentPointer, { x: "c", y: null, meta: { expiresAt: 10 } });
});
