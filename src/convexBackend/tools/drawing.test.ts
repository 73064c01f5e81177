import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BoardObject } from "./shapes.ts";
import { use } from "./testDesk.ts";

async function drawn(name: string, args: Record<string, unknown>): Promise<BoardObject[]> {
  const { desk } = await use(name, args);
  return desk.actions.flatMap((action) => (action["objects"] ?? []) as BoardObject[]);
}
const roles = (objects: BoardObject[]): unknown[] =>
  objects.map((object) => (object["metadata"] as Record<string, unknown>)["role"]);

test("an axis of three ticks: line, then tick and number per tick", async () => {
  const objects = await drawn("draw_axis_actions", { length: 100, ticks: 2, x: 10, y: 0 });
  assert.deepEqual(roles(objects), ["axis", "tick", "tick_label", "tick", "tick_label", "tick", "tick_label"]);
  assert.deepEqual(objects[0]?.["points"], [10, 20, 110, 20]);
  assert.deepEqual(objects[3]?.["points"], [60, 16, 60, 24]);
  const y = await drawn("draw_axis_actions", { axis: "y", length: 100, ticks: 2, x: 10, y: 0 });
  assert.deepEqual(y[0]?.["points"], [30, 0, 30, 100]);
});

test("a coordinate plane puts zero where it lies in the ranges", async () => {
  const objects = await drawn("draw_coordinate_plane", {
    x: 0,
    y: 0,
    width: 100,
    height: 100,
    x_range: [0, 4],
    y_range: [-1, 1],
    points: [[1, 1]],
  });
  assert.deepEqual(objects[0]?.["points"], [0, 50, 100, 50]);
  assert.deepEqual(objects[1]?.["points"], [0, 0, 0, 100]);
  assert.deepEqual([objects[6]?.["x"], objects[6]?.["y"], objects[6]?.["radius"]], [25, 0, 4]);
  await assert.rejects(drawn("draw_coordinate_plane", { x_range: [1, 1] }), { name: "BadArgs" });
});

test("a table fills short rows with empty texts", async () => {
  const objects = await drawn("draw_table_actions", { rows: [["a", "b"], ["c"]], x: 0, y: 0 });
  assert.equal(objects.length, 8);
  assert.deepEqual(
    objects.filter((o) => o["kind"] === "text").map((o) => o["text"]),
    ["a", "b", "c", ""],
  );
});

test("a flowchart joins its steps, a diagram only ends that exist", async () => {
  assert.deepEqual(roles(await drawn("draw_flowchart_actions", { steps: ["a", "b"] })), [
    "step",
    "step_text",
    "step",
    "step_text",
    "arrow",
  ]);
  const nodes = [
    { id: "1", label: "a" },
    { id: "2", label: "b" },
  ];
  const edges = [
    { source: "1", target: "2" },
    { source: "1", target: "9" },
  ];
  const objects = await drawn("draw_diagram_actions", { nodes, edges, x: 0, y: 0 });
  assert.deepEqual(objects.at(-1)?.["points"], [90, 30, 310, 30]);
  assert.equal(objects.length, 5);
});

test("shapes: a polygon needs three points, a circle takes half the smaller side", async () => {
  const [circle] = await drawn("draw_shape", { shape: "circle", width: 40, height: 20, x: 1, y: 2 });
  assert.equal(circle?.["radius"], 10);
  await assert.rejects(
    drawn("draw_shape", {
      shape: "polygon",
      points: [
        [0, 0],
        [1, 1],
      ],
    }),
    { name: "BadArgs" },
  );
});

test("every drawn object has a unique id, the assistant as source, and a group", async () => {
  const rows = fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(rows, async (table) => {
      const objects = await drawn("draw_table_actions", { rows: table });
      assert.equal(new Set(objects.map((object) => object["id"])).size, objects.length);
      for (const object of objects) {
        const { source, groupId } = object["metadata"] as Record<string, unknown>;
        assert.equal(source, "assistant");
        assert.equal(typeof groupId, "string");
      }
    }),
    { numRuns: 30 },
  );
});

test("a full board is cleared first and then drawn on, an oversized drawing lies at the origin", async () => {
  const { desk } = await use("draw_text", { text: "a", width: 880 });
  const full = desk.draft;
  for (let row = 1; row < 12; row += 1) {
    full.layout_regions.push({ regionId: `r${row}`, x: 0, y: row * 140, width: 880, height: 140, groupId: "g" });
  }
  const next = await use("draw_text", { text: "b" }, { context: full });
  assert.deepEqual(
    next.desk.actions.map((action) => action.type),
    ["CLEAR_BOARD", "ADD_OBJECTS"],
  );
  assert.equal(next.desk.draft.layout_regions.length, 1);
  const large = await use("draw_text", { text: "c", width: 2_000 });
  assert.deepEqual(large.desk.draft.layout_regions, []);
});

test("a graph clears the board and keeps the layout it was given", async () => {
  const nodes = [{ id: "n", width: 1, height: 2, colour: "red" }];
  const { desk } = await use("draw_graph", { graph_id: "g1", nodes, edges: [], xPct: 0.5 });
  assert.deepEqual(
    desk.actions.map((action) => action.type),
    ["CLEAR_BOARD", "ADD_OBJECTS"],
  );
  const [graph] = (desk.actions[1]?.["objects"] ?? []) as BoardObject[];
  assert.deepEqual([graph?.["id"], graph?.["xPct"], graph?.["selectable"]], ["g1", 0.5, false]);
  await assert.rejects(use("draw_graph", { graph_id: "g", nodes: [{ id: "n", width: 0, height: 1 }] }), {
    name: "BadArgs",
  });
});
