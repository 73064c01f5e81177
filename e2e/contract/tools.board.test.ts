import type { Json } from "../support/index.ts";
import {
  boardMessage,
  drawGroup,
  envelope,
  errorEnvelope,
  item,
  match,
  message,
  type Context,
} from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  return { session, tutor: await c.tutor(user, session) };
}

/** Tool, arguments, the actions it must send; each in a turn of its own. */
type Row = [tool: string, args: Json, ...actions: Json[]];

async function sends(c: Context, rows: readonly Row[]): Promise<void> {
  const { tutor } = await connected(c);
  for (const [tool, args, ...actions] of rows) match(await tutor.tool(tool, args), boardMessage(...actions), tool);
}

async function refuses(c: Context, rows: readonly (readonly [string, Json])[]): Promise<void> {
  const { tutor } = await connected(c);
  for (const [tool, args] of rows)
    match(
      await tutor.tool(tool, args),
      errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"),
      `${tool} ${JSON.stringify(args).slice(0, 80)}`,
    );
}

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
  await refuses(c, [
    ["group_objects", { group_id: "g", object_ids: [] }],
    ["group_objects", { group_id: "g", object_ids: Array.from({ length: 201 }, () => "x") }],
    ["group_objects", { group_id: "g", object_ids: [5] }],
    ["move_group", { group_id: "g", dx: "1", dy: 2 }],
    ["move_group", { group_id: "g", dx: 1 }],
    ["delete_group", {}],
  ]);
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
  await refuses(c, [
    ["highlight_object", {}],
    ["highlight_object", { object_id: "o", pulse: "maybe" }],
    ["show_pointer_at", { x: 1 }],
    ["show_pointer_at", { x: 1, y: 2, duration_ms: 99 }],
    ["show_pointer_at", { x: 1, y: 2, duration_ms: 60001 }],
    ["delete_object_on_board", { object_id: 5 }],
  ]);
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
  await refuses(c, [
    ["update_object_on_board", { object_id: "o" }],
    ["update_object_on_board", { object_id: "o", updates: [] }],
  ]);
});

item("services §3", "the board is cleared, whole or in part", async (c) => {
  const { tutor } = await connected(c);
  const cleared = (action: Json): Json => message("The board is clear.", "status_update", [action]);
  match(await tutor.tool("clear_board", {}), cleared({ type: "CLEAR_BOARD" }));
  match(await tutor.tool("clear_whiteboard", {}), cleared({ type: "CLEAR_CANVAS", scope: "all" }));
  for (const scope of ["assistant_only", "visual_only"])
    match(await tutor.tool("clear_whiteboard", { scope }), cleared({ type: "CLEAR_CANVAS", scope }));
  match(await tutor.tool("clear_whiteboard", { scope: "half" }), errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"));
});

item(
  "services §3",
  "draw sends its objects with ids, source and group, and the optional keys that were given",
  async (c) => {
    const { session, tutor } = await connected(c);
    const objects = [
      { kind: "rect", x: 1, custom: { a: [1] } },
      { id: "mine", kind: "text", text: "T", metadata: { concept: "k", source: "user" } },
      { id: 5 },
    ];
    const expected = (g: string, groupId: string): Json[] => [
      { kind: "rect", x: 1, custom: { a: [1] }, id: `draw-${g}-0`, metadata: { source: "assistant", groupId } },
      { id: "mine", kind: "text", text: "T", metadata: { concept: "k", source: "assistant", groupId } },
      { id: `draw-${g}-2`, metadata: { source: "assistant", groupId } },
    ];
    const g = drawGroup(session, 2);
    match(await tutor.tool("draw", { objects }), boardMessage({ type: "ADD_OBJECTS", objects: expected(g, g) }));
    const h = drawGroup(session, 4);
    const options = {
      strategy: "anchor",
      anchor_object_id: "mine",
      anchor_edge_x: "right",
      object_edge_y: "top",
      offset_x_pct: 0.25,
    };
    match(
      await tutor.tool("draw", { objects, group_id: "own", ...options }),
      boardMessage({ type: "ADD_OBJECTS", objects: expected(h, "own"), ...options }),
    );
    match(await tutor.tool("draw", { objects: [] }), errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"));
    match(await tutor.tool("draw", { objects: ["x"] }), errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"));
  },
);

item("services §3", "draw puts objects into a known zone and ignores an unknown one", async (c) => {
  const { session, tutor } = await connected(c);
  const zone = { template: "two_column_equal", zone: "right_column" };
  const meta = (turn: number): Json => ({ metadata: { source: "assistant", groupId: drawGroup(session, turn) } });
  match(
    (await tutor.tool("draw", { objects: [{ id: "a" }, { id: "b", width: 5 }], ...zone })).whiteboard_actions[0]
      .objects,
    [
      { id: "a", xPct: 0.51, yPct: 0.02, widthPct: 0.47, heightPct: 0.96, ...meta(2) },
      { id: "b", width: 5, xPct: 0.51, yPct: 0.02, ...meta(2) },
    ],
  );
  const unknown = await tutor.tool("draw", { objects: [{ id: "a" }], template: "two_column_equal", zone: "attic" });
  match(unknown.whiteboard_actions[0].objects, [{ id: "a", ...meta(4) }]);
});

item(
  "services §3",
  "add_objects_to_board names its strategy and refuses an anchor or zone without place",
  async (c) => {
    const { session, tutor } = await connected(c);
    const g = drawGroup(session, 2);
    const specs = [{ kind: "rect", x: 1, y: 2 }];
    const objects = [
      { kind: "rect", x: 1, y: 2, id: `add_objects_to_board-${g}-0`, metadata: { source: "assistant", groupId: g } },
    ];
    match(
      await tutor.tool("add_objects_to_board", { specs }),
      boardMessage({ type: "ADD_OBJECTS", objects, strategy: "explicit" }),
    );
    const rows = [
      { specs, strategy: "anchor" },
      { specs, strategy: "zone" },
      { specs, strategy: "zone", template: "default_board", zone: "attic" },
      { specs: [] },
      { specs, strategy: "heap" },
    ];
    for (const args of rows)
      match(
        await tutor.tool("add_objects_to_board", args),
        errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"),
        JSON.stringify(args),
      );
  },
);

item("services §3", "draw_graph clears the board and sends one graph_layout", async (c) => {
  const { session, tutor } = await connected(c);
  const nodes = [
    { id: "a", width: 10, height: 5, label: "A" },
    { id: "b", width: 10, height: 5 },
  ];
  const edges = [{ id: "e", source: "a", target: "b" }];
  const spec = (turn: number, layoutType: string, place: Json): Json => ({
    id: "g1",
    kind: "graph_layout",
    ...place,
    selectable: false,
    evented: false,
    hasControls: false,
    metadata: {
      source: "assistant",
      groupId: drawGroup(session, turn),
      id: "g1",
      layoutSpec: { nodes, edges, layoutType },
    },
  });
  const sent = (object: Json): Json =>
    boardMessage({ type: "CLEAR_BOARD" }, { type: "ADD_OBJECTS", objects: [object] });
  match(await tutor.tool("draw_graph", { graph_id: "g1", nodes, edges }), sent(spec(2, "elk", {})));
  match(
    await tutor.tool("draw_graph", { graph_id: "g1", nodes, edges, layout_type: "tree", xPct: 0.5, y: 7 }),
    sent(spec(4, "tree", { xPct: 0.5, y: 7 })),
  );
  const bad = [
    { nodes, edges },
    { graph_id: "g", nodes: [], edges },
    { graph_id: "g", nodes: [{ id: "a", width: 0, height: 1 }], edges: [] },
  ];
  for (const args of bad)
    match(await tutor.tool("draw_graph", args), errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"), JSON.stringify(args));
});

item("services §3", "explain answers with its text and title, a blank text becomes three dots", async (c) => {
  const { tutor } = await connected(c);
  const data = (text: string, title: string | null): Json => ({
    response_type: "explanation",
    explanation_text: text,
    explanation_title: title,
    related_objectives: null,
    lesson_content: null,
    whiteboard_actions: null,
  });
  match(
    await tutor.tool("explain", { text: "Water moves.", title: "Osmosis", topic: "osmosis", surplus: 1 }),
    envelope("explanation", data("Water moves.", "Osmosis")),
  );
  match(await tutor.tool("explain", {}), envelope("explanation", data("...", null)));
  match(await tutor.tool("explain", { text: " \u3000" }), envelope("explanation", data("...", null)));
  for (const args of [{ text: 5 }, { title: [] }, { topic: {} }])
    match(await tutor.tool("explain", args), errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"));
});
