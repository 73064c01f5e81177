import { round } from "../support/index.ts";
import { box, dot, draws, item, label, line, refuses, X, Y, type Drawn } from "./harness/index.ts";

item("services §10", "draw_coordinate_plane draws axes through zero, their ends and the points", async (c) => {
  await draws(
    c,
    "draw_coordinate_plane",
    {
      points: [
        [0, 0],
        [3, -4],
      ],
    },
    [
      line("axis", X, Y + 150, X + 400, Y + 150),
      line("axis", X + 200, Y, X + 200, Y + 300),
      label("axis_label", X, Y + 154, "-10"),
      label("axis_label", X + 400, Y + 154, "10"),
      label("axis_label", X + 204, Y + 300, "-10"),
      label("axis_label", X + 204, Y, "10"),
      dot("point", X + 200, Y + 150, 4),
      dot("point", X + 260, Y + 210, 4),
    ],
  );
});

item(
  "services §10",
  "draw_coordinate_plane puts an axis at the border when zero is outside, numbers in ECMAScript form",
  async (c) => {
    const px = round(((2.5 - 2) / (5 - 2)) * 90, 4);
    const py = round(((-1 - -2) / (-1 - -3)) * 60, 4);
    await draws(
      c,
      "draw_coordinate_plane",
      { width: 90, height: 60, x_range: [2, 5.0], y_range: [-3, -1], points: [[2.5, -2]] },
      [
        line("axis", X, Y, X + 90, Y),
        line("axis", X, Y, X, Y + 60),
        label("axis_label", X, Y + 4, "2"),
        label("axis_label", X + 90, Y + 4, "5"),
        label("axis_label", X + 4, Y + 60, "-3"),
        label("axis_label", X + 4, Y, "-1"),
        dot("point", X + px, Y + py, 4),
      ],
    );
    const many = Array.from({ length: 101 }, () => [0, 0]);
    await refuses(c, "draw_coordinate_plane", [
      { x_range: [1, 1] },
      { y_range: [2] },
      { points: many },
      { points: [[1]] },
      { x_range: ["a", "b"] },
    ]);
  },
);

item("services §10", "draw_axis_actions draws ticks with their numbers along x and along y", async (c) => {
  const offsets = [0, 1, 2, 3].map((i) => round((i * 100) / 3, 4));
  await draws(c, "draw_axis_actions", { length: 100, ticks: 3 }, [
    line("axis", X, Y + 20, X + 100, Y + 20),
    ...offsets.flatMap((o, i) => [
      line("tick", X + o, Y + 16, X + o, Y + 24),
      label("tick_label", X + o, Y + 28, String(i)),
    ]),
  ]);
  await draws(c, "draw_axis_actions", { axis: "y", length: 100, ticks: 3 }, [
    line("axis", X + 20, Y, X + 20, Y + 100),
    ...offsets.flatMap((o, i) => [
      line("tick", X + 16, Y + o, X + 24, Y + o),
      label("tick_label", X + 28, Y + o, String(i)),
    ]),
  ]);
  await refuses(c, "draw_axis_actions", [
    { axis: "z" },
    { length: 49 },
    { length: 2_001 },
    { ticks: 0 },
    { ticks: 51 },
    { ticks: 1.5 },
  ]);
});

item("services §10", "draw_timeline spreads its events evenly", async (c) => {
  await draws(c, "draw_timeline", { events: [{ label: "Start", date: "1859" }, { label: "End" }] }, [
    line("axis", X, Y + 60, X + 700, Y + 60),
    dot("event", X + 175, Y + 60, 6),
    label("event_label", X + 175, Y + 75, "Start"),
    label("event_date", X + 175, Y + 30, "1859"),
    dot("event", X + 525, Y + 60, 6),
    label("event_label", X + 525, Y + 75, "End"),
  ]);
  const many = Array.from({ length: 21 }, () => ({ label: "x" }));
  await refuses(c, "draw_timeline", [
    {},
    { events: [] },
    { events: many },
    { events: [{ date: "1" }] },
    { events: ["x"] },
  ]);
});

item("services §10", "draw_table_actions draws cells row by row and fills short rows", async (c) => {
  const cell = (column: number, row: number, text: string): Drawn[] => [
    box("cell", X + 50 * column, Y + 20 * row, 50, 20),
    label("cell_text", X + 50 * column + 6, Y + 20 * row + 10, text),
  ];
  await draws(c, "draw_table_actions", { rows: [["a", "b"], ["c"]], cell_width: 50, cell_height: 20 }, [
    ...cell(0, 0, "a"),
    ...cell(1, 0, "b"),
    ...cell(0, 1, "c"),
    ...cell(1, 1, ""),
  ]);
  const wide = [Array.from({ length: 11 }, () => "x")];
  await refuses(c, "draw_table_actions", [
    {},
    { rows: [] },
    { rows: wide },
    { rows: Array.from({ length: 21 }, () => ["x"]) },
    { rows: [[5]] },
  ]);
});

item("services §10", "draw_flowchart_actions draws steps joined by arrows", async (c) => {
  const step = (i: number, text: string): Drawn[] => [
    box("step", X, Y + 100 * i, 180, 60),
    label("step_text", X + 10, Y + 100 * i + 20, text),
  ];
  const arrow = (i: number): Drawn => line("arrow", X + 90, Y + 100 * i - 40, X + 90, Y + 100 * i);
  await draws(c, "draw_flowchart_actions", { steps: ["one", "two", "three"] }, [
    ...step(0, "one"),
    ...step(1, "two"),
    arrow(1),
    ...step(2, "three"),
    arrow(2),
  ]);
  await refuses(c, "draw_flowchart_actions", [
    {},
    { steps: [] },
    { steps: Array.from({ length: 13 }, () => "x") },
    { steps: [1] },
  ]);
});

item("services §10", "draw_diagram_actions draws nodes in rows of four and edges between known ends", async (c) => {
  const nodes = ["a", "b", "c", "d", "e"].map((id) => ({ id, label: id.toUpperCase() }));
  const at = (i: number): [number, number] => [X + 220 * (i % 4), Y + 100 * Math.floor(i / 4)];
  const edges = [
    { source: "a", target: "e" },
    { source: "a", target: "nowhere" },
    { source: "b", target: "c" },
  ];
  await draws(c, "draw_diagram_actions", { nodes, edges }, [
    ...nodes.flatMap((node, i) => [
      box("node", ...at(i), 180, 60),
      label("node_label", at(i)[0] + 10, at(i)[1] + 20, node.label),
    ]),
    line("edge", X + 90, Y + 30, X + 90, Y + 130),
    line("edge", X + 310, Y + 30, X + 530, Y + 30),
  ]);
  await refuses(c, "draw_diagram_actions", [
    {},
    { nodes: [] },
    { nodes: [{ id: "a" }] },
    { nodes: Array.from({ length: 21 }, (_, i) => ({ id: `${i}`, label: "x" })) },
  ]);
});
