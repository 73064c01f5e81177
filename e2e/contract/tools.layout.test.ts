import type { Json } from "../support/index.ts";
import { item, match, type Context } from "./harness/index.ts";

async function connected(c: Context) {
  const user = c.user();
  const session = await c.session(user);
  return { user, session, tutor: await c.tutor(user, session) };
}

/** Where a rectangle of the given size lands, and whether the board was cleared for it. */
async function placed(
  tutor: { tool(name: string, args: Json): Promise<Json> },
  width: number,
  height: number,
): Promise<Json> {
  const reply = await tutor.tool("draw_shape", { shape: "rect", width, height });
  const actions: Json[] = reply.whiteboard_actions;
  const { x, y } = actions.at(-1).objects[0];
  return actions.length > 1 ? [x, y, actions[0].type] : [x, y];
}

item("services §11", "regions are the first free block in row-major order of a grid of 220 × 140", async (c) => {
  const { tutor } = await connected(c);
  match(await placed(tutor, 220, 140), [0, 0]);
  match(await placed(tutor, 221, 140), [220, 0]);
  match(await placed(tutor, 880, 100), [0, 140]);
  match(await placed(tutor, 100, 100), [660, 0]);
  match(await placed(tutor, 300, 281), [0, 280]);
  match(await placed(tutor, 100, 100), [440, 280]);
});

item("services §11", "a full board is cleared first, then the object stands at its beginning", async (c) => {
  const { tutor } = await connected(c);
  match(await placed(tutor, 880, 1680), [0, 0]);
  match(await placed(tutor, 100, 100), [0, 0, "CLEAR_BOARD"]);
  match(await placed(tutor, 100, 100), [220, 0]);
});

item("services §11", "an object larger than the board is placed at 0,0 and takes no region", async (c) => {
  const { tutor } = await connected(c);
  match(await placed(tutor, 900, 100), [0, 0]);
  match(await placed(tutor, 100, 1_700), [0, 0]);
  match(await placed(tutor, 100, 100), [0, 0]);
});

item("services §11", "clearing the board or the canvas frees all regions, visual_only frees none", async (c) => {
  const { tutor } = await connected(c);
  match(await placed(tutor, 880, 140), [0, 0]);
  match(await placed(tutor, 100, 100), [0, 140]);
  await tutor.tool("clear_whiteboard", { scope: "visual_only" });
  match(await placed(tutor, 100, 100), [220, 140]);
  for (const [tool, args] of [
    ["clear_board", {}],
    ["clear_whiteboard", { scope: "assistant_only" }],
    ["clear_whiteboard", { scope: "all" }],
  ] as const) {
    await tutor.tool(tool, args);
    match(await placed(tutor, 880, 140), [0, 0], `${tool} ${JSON.stringify(args)}`);
  }
  await tutor.tool("draw_graph", { graph_id: "g", nodes: [{ id: "a", width: 1, height: 1 }], edges: [] });
  match(await placed(tutor, 100, 100), [0, 0], "draw_graph emits CLEAR_BOARD: $");
});

item("services §11", "objects with coordinates of their own take no region", async (c) => {
  const { tutor } = await connected(c);
  await tutor.tool("draw_shape", { shape: "rect", x: 0, y: 0, width: 880, height: 1680 });
  match(await placed(tutor, 100, 100), [0, 0]);
});

item("services §11", "regions are stored with the session and survive a reconnect", async (c) => {
  const { tutor, user, session } = await connected(c);
  match(await placed(tutor, 880, 140), [0, 0]);
  await tutor.close();
  match(await placed(await c.tutor(user, session), 100, 100), [0, 140]);
});

item("services §11", "a turn that ends in an error takes no region", async (c) => {
  const { tutor } = await connected(c);
  await tutor.tool("draw_shape", { shape: "star", width: 880, height: 1680 });
  match(await placed(tutor, 100, 100), [0, 0]);
});

item("services §3", "add_objects_to_board with strategy flow places what lacks coordinates one by one", async (c) => {
  const { tutor } = await connected(c);
  const specs = [
    { id: "a", kind: "rect", width: 300, height: 100 },
    { id: "b", kind: "rect", x: 7, y: 8 },
    { id: "c", kind: "rect" },
    { id: "d", kind: "rect", width: 600, height: 150 },
  ];
  const reply = await tutor.tool("add_objects_to_board", { specs, strategy: "flow" });
  match(reply.whiteboard_actions[0].strategy, "flow");
  const places = reply.whiteboard_actions[0].objects.map((o: Json) => [o.id, o.x, o.y]);
  match(places, [
    ["a", 0, 0],
    ["b", 7, 8],
    ["c", 440, 0],
    ["d", 0, 140],
  ]);
});

item("services §10", "nominal sizes of the drawing tools decide their region", async (c) => {
  const rows: [string, Json, number, number][] = [
    ["draw_text", { text: "x" }, 440, 0], // 400 × 60: two columns, one row
    ["draw_latex", { latex: "x" }, 440, 0], // 300 × 80
    ["draw_coordinate_plane", {}, 440, 0], // 400 × 300: the first row of its three
    ["draw_axis_actions", { length: 230 }, 440, 0], // 230 × 40
    ["draw_axis_actions", { axis: "y", length: 230 }, 220, 0], // 40 × 230
    ["draw_timeline", { events: [{ label: "x" }] }, 0, 140], // 700 × 120: a whole row
    ["draw_table_actions", { rows: [["a", "b"]] }, 440, 0], // 240 × 40
    ["draw_flowchart_actions", { steps: ["a"] }, 220, 0], // 180 × 100
    ["draw_diagram_actions", { nodes: [{ id: "a", label: "A" }] }, 0, 140], // 840 × 100
  ];
  for (const [tool, args, x, y] of rows) {
    const { tutor } = await connected(c);
    await tutor.tool(tool, args);
    match(await placed(tutor, 100, 100), [x, y], `after ${tool}: $`);
  }
});
