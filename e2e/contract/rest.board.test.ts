import assert from "node:assert/strict";
import * as Y from "yjs";
import { eventually, round, type Json } from "../support/index.ts";
import { item, match, type Board } from "./harness/index.ts";

const EMPTY = { counts: { by_kind: {}, by_owner: {} }, learner_question_tags: [], concept_clusters: [] };

/** Objects whose summary can be worked out by hand; every one has source `user`, so the server rewrites none. */
function fill(board: Board): void {
  const own = (metadata: Json = {}): Json => ({ source: "user", ...metadata });
  board.put("a", { id: "a", kind: "rect", x: 0, y: 0, width: 10, height: 5, metadata: own({ concept: "osmosis" }) });
  board.put("b", { id: "b", kind: "rect", x: "4", y: "5", metadata: own({ concept: "osmosis" }) });
  board.put("c", {
    id: "c",
    kind: "text",
    text: "wörd 😀",
    x: 5,
    y: 2,
    width: 10,
    height: 10,
    metadata: own({ concept: "cells" }),
  });
  board.put("d", { id: "d", x: "far", y: 0, metadata: own({ concept: "cells" }) });
  board.put("q1", { id: "q1", kind: "question_tag", x: 4, y: 5, metadata: own({ role: "question_tag" }) });
  board.put("q0", { id: "q0", kind: "question_tag", metadata: own({ role: "question_tag" }) });
  board.put("plain", "not an object");
  const soon = Date.now() + 600_000;
  board.putEphemeral("h1", { id: "h1", kind: "highlight_stroke", metadata: { expiresAt: soon } });
  board.putEphemeral("h2", { id: "h2", kind: "highlight_stroke", metadata: { expiresAt: Date.now() - 1_000 } });
  board.putEphemeral("t2", { id: "t2", kind: "question_tag", x: 1, y: 1, metadata: { linkedObjectId: "a" } });
  board.putEphemeral("t1", { id: "t1", kind: "question_tag", x: 1, y: 1, metadata: {} });
  board.putEphemeral("p1", { id: "p1", kind: "pointer_ping", x: 1, y: 2, metadata: { expiresAt: soon } });
  board.putEphemeral("p2", { id: "p2", kind: "pointer_ping", x: 3, y: 4, metadata: { expiresAt: soon + 5 } });
}

const SUMMARY = {
  counts: { by_kind: { rect: 2, text: 1, unknown: 1, question_tag: 2 }, by_owner: { user: 6 } },
  learner_question_tags: [
    { id: "q0", x: null, y: null, meta: { source: "user", role: "question_tag" } },
    { id: "q1", x: 4, y: 5, meta: { source: "user", role: "question_tag" } },
  ],
  concept_clusters: [
    { concept: "cells", bbox: [5, 2, 15, 12], count: 1 },
    { concept: "osmosis", bbox: [0, 0, 10, 5], count: 2 },
  ],
};

item("R8", "an untouched board has three keys and counts nothing", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const reply = await c.get(`/api/v1/sessions/${session}/board_summary`, user);
  assert.equal(reply.status, 200);
  match(reply.json(), EMPTY);
});

item(
  "R8",
  "a filled board counts kinds and owners, lists tags and clusters, sums up the ephemeral entries",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const board = await c.board(user, session);
    fill(board);
    const path = `/api/v1/sessions/${session}/board_summary`;
    const pointer = await eventually(async () => {
      const body = (await c.get(path, user)).json();
      const { ephemeralSummary, ...rest } = body;
      match(rest, SUMMARY);
      assert.equal(ephemeralSummary.activeHighlights, 1);
      match(ephemeralSummary.activeQuestionTags, [
        { id: "t1", linkedObjectId: null },
        { id: "t2", linkedObjectId: "a" },
      ]);
      assert.notEqual(ephemeralSummary.recentPointer, null);
      return ephemeralSummary.recentPointer;
    });
    match(pointer, { x: 3, y: 4, meta: board.json().ephemeral.p2.metadata });
  },
);

item("R8", "a board with ephemeral entries alone has four keys", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const board = await c.board(user, session);
  board.putEphemeral("t", { id: "t", kind: "question_tag", x: 1, y: 1, metadata: {} });
  await eventually(async () => {
    match((await c.get(`/api/v1/sessions/${session}/board_summary`, user)).json(), {
      ...EMPTY,
      ephemeralSummary: {
        activeHighlights: 0,
        activeQuestionTags: [{ id: "t", linkedObjectId: null }],
        recentPointer: null,
      },
    });
  });
});

item(
  "R22",
  "insights count objects, text, coverage, overlaps, concepts, the learner's share and snapshots",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const path = `/api/v1/sessions/${session}/board_insights`;
    match((await c.get(path, user)).json(), {
      object_count: 0,
      text_chars: 0,
      coverage: 0,
      overlaps: 0,
      concepts: [],
      learner_share: 0,
      snapshot_count: 0,
    });
    const board = await c.board(user, session);
    fill(board);
    board.objects.delete("d");
    const tutor = await c.tutor(user, session);
    await tutor.tool("draw", { objects: [{ id: "z", kind: "line" }] });
    board.put("z", { id: "z", kind: "line", metadata: { source: "assistant" } });
    await eventually(async () => {
      match((await c.get(path, user)).json(), {
        object_count: 6,
        text_chars: 6,
        coverage: round((50 + 100) / (880 * 1680), 4),
        overlaps: 1,
        concepts: [
          { concept: "osmosis", count: 2 },
          { concept: "cells", count: 1 },
        ],
        learner_share: round(5 / 6, 4),
        snapshot_count: 1,
      });
    });
  },
);

item("R23", "the snapshot of an untouched board is the two bytes 00 00", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const reply = await c.get(`/api/v1/sessions/${session}/whiteboard_snapshot`, user);
  assert.equal(reply.status, 200);
  assert.match(reply.headers["content-type"] ?? "", /^application\/octet-stream/);
  assert.deepEqual([...reply.body], [0, 0]);
});

item("R23", "the snapshot is the full state as one update, while the board is open and after it closed", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const board = await c.board(user, session);
  fill(board);
  const check = () =>
    eventually(async () => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, (await c.get(`/api/v1/sessions/${session}/whiteboard_snapshot`, user)).body);
      match(doc.getMap("objects").toJSON(), board.json().objects);
      match(doc.getMap("ephemeral").get("t1"), board.json().ephemeral.t1);
    });
  await check();
  await board.close();
  await check();
});
