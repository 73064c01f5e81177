import type { Json } from "../support/index.ts";
import { boardMessage, drawGroup, envelope, errorEnvelope, item, match, newTutor } from "./harness/index.ts";

item(
  "services §3",
  "draw sends its objects with ids, source and group, and the optional keys that were given",
  async (c) => {
    const { session, tutor } = await newTutor(c);
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
  const { session, tutor } = await newTutor(c);
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
    const { session, tutor } = await newTutor(c);
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
  const { session, tutor } = await newTutor(c);
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
  const { tutor } = await newTutor(c);
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
