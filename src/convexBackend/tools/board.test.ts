import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compressBoardObjects } from "./compress.ts";
import { createSpatialIndex } from "./spatialIndex.ts";
import { use } from "./testDesk.ts";

const firstAction = async (name: string, args: Record<string, unknown>) => (await use(name, args)).desk.actions[0];

test("giving a position in pixels takes the fraction away, and the reverse, unless both are given", async () => {
  const updates = { x: 1, widthPct: 0.5, y: 2, yPct: 0.1 };
  const action = await firstAction("update_object_on_board", { object_id: "o", updates });
  const expected = { objectId: "o", updates: { ...updates, xPct: null, width: null } };
  assert.deepEqual(action, { type: "UPDATE_OBJECTS", objects: [expected] });
});

test("a cleared canvas frees the regions unless only visuals were cleared", async () => {
  for (const [scope, left] of [
    ["all", 0],
    ["assistant_only", 0],
    ["visual_only", 1],
  ] as const) {
    const drawn = await use("draw_text", { text: "a" });
    const { desk } = await use("clear_whiteboard", { scope }, { context: drawn.desk.draft });
    assert.equal(desk.draft.layout_regions.length, left, scope);
  }
});

test("objects are found by metadata and by place, sorted by id, with the fields asked for", async () => {
  const objects = {
    b: { id: "b", kind: "rect", x: 0, y: 0, width: 10, height: 10, metadata: { concept: "x" } },
    a: { id: "a", kind: "rect", x: 10, y: 10, metadata: { concept: "x" } },
    far: { id: "far", kind: "rect", x: 100, y: 0, metadata: { concept: "x" } },
    pct: { id: "pct", kind: "rect", xPct: 0, yPct: 0, metadata: { concept: "x" } },
  };
  const args = { meta_query: { concept: "x" }, spatial_query: [5, 5, 5, 5], fields: ["id", "kind"] };
  const { outcome } = await use("find_object_on_board", args, { objects });
  assert.ok(outcome.kind === "silent");
  assert.deepEqual(outcome.result, {
    matches: [
      { id: "a", kind: "rect" },
      { id: "b", kind: "rect" },
    ],
  });
  await assert.rejects(use("find_object_on_board", {}), { name: "BadArgs" });
});

test("flow places what has no position, an anchor needs an object, a zone must be known", async () => {
  const { desk } = await use("add_objects_to_board", {
    specs: [{ kind: "rect" }, { kind: "rect", x: 1, y: 2 }],
    strategy: "flow",
  });
  const objects = (desk.actions[0]?.["objects"] ?? []) as { x: number; y: number; id: string }[];
  assert.deepEqual(
    objects.map(({ x, y }) => [x, y]),
    [
      [0, 0],
      [1, 2],
    ],
  );
  assert.match(objects[1]?.id ?? "", /^add_objects_to_board-[0-9a-f]{8}-1$/);
  for (const strategy of ["anchor", "zone"]) {
    await assert.rejects(use("add_objects_to_board", { specs: [{}], strategy }), { name: "BadArgs" });
  }
});

test("drawing in a known zone places every object there and keeps a given size", async () => {
  const args = { objects: [{ width: 5 }, { xPct: 0.9 }], template: "default_board", zone: "center_large" };
  const { desk, outcome } = await use("draw", args);
  const objects = (desk.actions[0]?.["objects"] ?? []) as Record<string, unknown>[];
  assert.deepEqual([objects[0]?.["xPct"], objects[0]?.["widthPct"], objects[1]?.["widthPct"]], [0.2, undefined, 0.6]);
  assert.equal(outcome.kind === "reply" && outcome.chatText, "draw");
});

test("the index finds exactly the boxes that touch", () => {
  const coordinate = fc.integer({ min: -5, max: 5 });
  const side = fc.integer({ min: 0, max: 4 });
  const box = fc.tuple(coordinate, coordinate, side, side);
  fc.assert(
    fc.property(fc.array(box, { maxLength: 12 }), box, (boxes, query) => {
      const index = createSpatialIndex();
      for (const [i, b] of boxes.entries()) index.add(String(i), ...b);
      const [x, y, w, h] = query;
      const touches = ([bx, by, bw, bh]: typeof query): boolean =>
        !(bx > x + w || x > bx + bw || by > y + h || y > by + bh);
      const expected = boxes.flatMap((b, i) => (touches(b) ? [String(i)] : []));
      assert.deepEqual(index.query(x, y, w, h), expected);
    }),
  );
});

test("the short form keeps ids, tags and boxes of the right shape only", () => {
  const objects = [
    { id: "a", metadata: { semantic_tags: ["t"], bbox: [1, 2, 3, 4] } },
    { id: "b", metadata: { semantic_tags: [], bbox: [1] } },
    { id: "" },
    null,
    { id: 3 },
  ];
  assert.deepEqual(compressBoardObjects(objects), [{ id: "a", tags: ["t"], bbox: [1, 2, 3, 4] }, { id: "b" }]);
  assert.deepEqual(compressBoardObjects(objects, "other"), []);
});
