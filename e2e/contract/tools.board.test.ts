import type { Json } from "../support/index.ts";
import { errorEnvelope, item, match, message, newTutor, refuses, sends } from "./harness/index.ts";

item("services §3", "groups are made, moved and deleted", async (c) => {
  await sends(c, [
    [
      "group_objects",
      { group_id: "g", object_ids: ["a", "b"] },
      { type: "GROUP_OBJECTS", groupId: "g", objectIds: ["a", "b"] },
    ],
    ["move_group", { group_id: "g", dx: 1.5, dy: -2 }, { type: "MOVE_GROUP", groupId: "g", dx: 1.5, dy: -2 }],
    ["delete_group", { group_id: "g" }, { type: "DELETE_GROUP", groupId: "g" }],
  ]);
  await refuses(c, "group_objects", [
    { group_id: "g", object_ids: [] },
    { group_id: "g", object_ids: Array.from({ length: 201 }, () => "x") },
    { group_id: "g", object_ids: [5] },
  ]);
  await refuses(c, "move_group", [
    { group_id: "g", dx: "1", dy: 2 },
    { group_id: "g", dx: 1 },
  ]);
  await refuses(c, "delete_group", [{}]);
});

item("services §3", "objects are highlighted, pointed at and deleted, with defaults", async (c) => {
  const highlight = (color: string, pulse: boolean): Json => ({
    type: "HIGHLIGHT_OBJECT",
    targetObjectId: "o",
    color,
    pulse,
  });
  const pointer = (pointerId: string, durationMs: number, color: string): Json => ({
    type: "SHOW_POINTER_AT",
    x: 1,
    y: 2.5,
    pointerId,
    durationMs,
    color,
  });
  await sends(c, [
    ["highlight_object", { object_id: "o" }, highlight("#FF5722", true)],
    ["highlight_object_on_board", { object_id: "o", color: "#000", pulse: false }, highlight("#000", false)],
    ["show_pointer_at", { x: 1, y: 2.5 }, pointer("assistant", 3000, "#FF5722")],
    [
      "show_pointer_at",
      { x: 1, y: 2.5, pointer_id: "p", duration_ms: 60000, color: "#111" },
      pointer("p", 60000, "#111"),
    ],
    ["delete_object_on_board", { object_id: "o" }, { type: "DELETE_OBJECTS", objectIds: ["o"] }],
  ]);
  await refuses(c, "highlight_object", [{}, { object_id: "o", pulse: "maybe" }]);
  await refuses(c, "show_pointer_at", [{ x: 1 }, { x: 1, y: 2, duration_ms: 99 }, { x: 1, y: 2, duration_ms: 60001 }]);
  await refuses(c, "delete_object_on_board", [{ object_id: 5 }]);
});

item("services §3", "updates blank the other form of a coordinate", async (c) => {
  const update = (updates: Json): Json => ({ type: "UPDATE_OBJECTS", objects: [{ objectId: "o", updates }] });
  await sends(c, [
    [
      "update_object_on_board",
      { object_id: "o", updates: { fill: "#111", text: "é" } },
      update({ fill: "#111", text: "é" }),
    ],
    [
      "update_object_on_board",
      { object_id: "o", updates: { xPct: 0.5, heightPct: 0.1 } },
      update({ xPct: 0.5, x: null, heightPct: 0.1, height: null }),
    ],
    [
      "update_object_on_board",
      { object_id: "o", updates: { y: 5, width: 7 } },
      update({ y: 5, yPct: null, width: 7, widthPct: null }),
    ],
  ]);
  await refuses(c, "update_object_on_board", [{ object_id: "o" }, { object_id: "o", updates: [] }]);
});

item("services §3", "the board is cleared, whole or in part", async (c) => {
  const { tutor } = await newTutor(c);
  const cleared = (action: Json): Json => message("The board is clear.", "status_update", [action]);
  match(await tutor.tool("clear_board", {}), cleared({ type: "CLEAR_BOARD" }));
  match(await tutor.tool("clear_whiteboard", {}), cleared({ type: "CLEAR_CANVAS", scope: "all" }));
  for (const scope of ["assistant_only", "visual_only"])
    match(await tutor.tool("clear_whiteboard", { scope }), cleared({ type: "CLEAR_CANVAS", scope }));
  match(await tutor.tool("clear_whiteboard", { scope: "half" }), errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"));
});
