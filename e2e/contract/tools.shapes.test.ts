import { box, draws, item, label, line, refuses, X, Y, type Drawn } from "./harness/index.ts";

item("services §10", "draw_shape draws a rectangle, with its defaults and a label", async (c) => {
  await draws(c, "draw_shape", { shape: "rect" }, [box("shape", X, Y, 120, 80)]);
  const red: Drawn = { ...box("shape", X, Y, 30, 40), fill: "#FF0000", stroke: "#00FF00" };
  await draws(
    c,
    "draw_shape",
    { shape: "rect", width: 30, height: 40, fill: "#FF0000", stroke: "#00FF00", label: "cell" },
    [red, label("label", X + 8, Y + 8, "cell")],
  );
});

item("services §10", "draw_shape draws circle, line and polygon", async (c) => {
  const looks = { fill: "#FFFFFF", stroke: "#000000" };
  await draws(c, "draw_shape", { shape: "circle", width: 50, height: 30 }, [
    { kind: "circle", x: X, y: Y, radius: 15, ...looks, role: "shape" },
  ]);
  await draws(c, "draw_shape", { shape: "line" }, [{ ...line("shape", X, Y, X + 120, Y + 80), ...looks }]);
  const points = [
    [0, 0],
    [10, 0],
    [5, 8.5],
  ];
  await draws(c, "draw_shape", { shape: "polygon", points }, [
    { kind: "polygon", x: X, y: Y, points, ...looks, role: "shape" },
  ]);
  await refuses(c, "draw_shape", [
    {},
    { shape: "star" },
    { shape: "polygon" },
    {
      shape: "polygon",
      points: [
        [0, 0],
        [1, 1],
      ],
    },
    { shape: 5 },
  ]);
});

item("services §10", "draw_text writes one text", async (c) => {
  const written = { ...label("text", X, Y, "Osmosis é"), fontSize: 18 };
  await draws(c, "draw_text", { text: "Osmosis é" }, [written]);
  await draws(c, "draw_text", { text: "T", fontSize: 30, fill: "#1976D2" }, [
    { ...label("text", X, Y, "T"), fontSize: 30, fill: "#1976D2" },
  ]);
  await refuses(c, "draw_text", [{}, { text: "" }, { text: "x".repeat(2_001) }, { text: 5 }]);
});

item("services §10", "draw_latex carries its source in the metadata", async (c) => {
  await draws(c, "draw_latex", { latex: "e=mc^2" }, [
    { kind: "latex_svg", x: X, y: Y, width: 300, height: 80, role: "latex", metadata: { latex: "e=mc^2" } },
  ]);
  await refuses(c, "draw_latex", [{}, { latex: "x".repeat(2_001) }, { latex: [] }]);
});
