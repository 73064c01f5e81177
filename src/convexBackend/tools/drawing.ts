// The drawing tools (contract services.md §10).
import { clamp, r4 } from "../../contract/index.ts";
import {
  type Args,
  BadArgs,
  isObject,
  isPair,
  isText,
  list,
  listOr,
  number,
  numberOr,
  oneOf,
  oneOfOr,
  text,
  textOr,
  wholeOr,
} from "./args.ts";
import { BOARD_UPDATED, type Desk, message, originOf, type Outcome, type Place, type Tool } from "./desk.ts";
import { createPen, type Pen } from "./shapes.ts";

const updated = (): Outcome => message(BOARD_UPDATED);

/** Draws with the pen at the origin of the nominal size. */
function drawn(args: Args, desk: Desk, width: number, height: number, draw: (pen: Pen, at: Place) => void): Outcome {
  const pen = createPen(args, desk);
  draw(pen, originOf(args, desk, width, height));
  pen.done();
  return updated();
}

function shapeKeys(args: Args, shape: string, at: Place, width: number, height: number, style: object): object {
  if (shape === "rect") return { width, height, ...style, strokeWidth: 1 };
  if (shape === "circle") return { radius: Math.min(width, height) / 2, ...style };
  if (shape === "line") return { points: [at.x, at.y, at.x + width, at.y + height], ...style, strokeWidth: 2 };
  return { points: list(args, "points", isPair, { min: 3 }), ...style };
}

export const drawShape: Tool = (args, desk) => {
  const shape = oneOf(args, "shape", ["rect", "circle", "line", "polygon"]);
  const width = numberOr(args, "width", 120);
  const height = numberOr(args, "height", 80);
  const style = { fill: textOr(args, "fill", "#FFFFFF"), stroke: textOr(args, "stroke", "#000000") };
  const label = textOr(args, "label", null);
  if (shape === "polygon") list(args, "points", isPair, { min: 3 });
  return drawn(args, desk, width, height, (pen, at) => {
    pen.put(shape, at.x, at.y, shapeKeys(args, shape, at, width, height, style), "shape");
    if (label !== null) pen.text(at.x + 8, at.y + 8, label, "label");
  });
};

export const drawText: Tool = (args, desk) => {
  const value = text(args, "text", { min: 1, max: 2_000 });
  const fontSize = numberOr(args, "fontSize", 18);
  const fill = textOr(args, "fill", "#000000");
  return drawn(args, desk, numberOr(args, "width", 400), 60, (pen, at) =>
    pen.text(at.x, at.y, value, "text", { fontSize, fill }),
  );
};

export const drawLatex: Tool = (args, desk) => {
  const latex = text(args, "latex", { max: 2_000 });
  const width = numberOr(args, "width", 300);
  const height = numberOr(args, "height", 80);
  return drawn(args, desk, width, height, (pen, at) =>
    pen.put("latex_svg", at.x, at.y, { width, height }, "latex", { latex }),
  );
};

type Range = readonly [number, number];
function range(args: Args, name: string): Range {
  if (!Object.hasOwn(args, name)) return [-10, 10];
  const value = args[name];
  if (!isPair(value) || !(value[0] < value[1])) throw new BadArgs(`argument ${name} is not a range`);
  return value;
}

export const drawCoordinatePlane: Tool = (args, desk) => {
  const width = numberOr(args, "width", 400);
  const height = numberOr(args, "height", 300);
  const [xMin, xMax] = range(args, "x_range");
  const [yMin, yMax] = range(args, "y_range");
  const points = listOr(args, "points", isPair, { max: 100 });
  return drawn(args, desk, width, height, (pen, { x: X, y: Y }) => {
    const px = (v: number): number => X + r4(((v - xMin) / (xMax - xMin)) * width);
    const py = (v: number): number => Y + r4(((yMax - v) / (yMax - yMin)) * height);
    const x0 = px(clamp(0, xMin, xMax));
    const y0 = py(clamp(0, yMin, yMax));
    pen.line(X, y0, X + width, y0, "axis");
    pen.line(x0, Y, x0, Y + height, "axis");
    pen.text(X, y0 + 4, String(xMin), "axis_label");
    pen.text(X + width, y0 + 4, String(xMax), "axis_label");
    pen.text(x0 + 4, Y + height, String(yMin), "axis_label");
    pen.text(x0 + 4, Y, String(yMax), "axis_label");
    for (const [x, y] of points) pen.put("circle", px(x), py(y), { radius: 4, fill: "#1976D2" }, "point");
  });
};

export const drawAxis: Tool = (args, desk) => {
  const isX = oneOfOr(args, "axis", ["x", "y"], "x") === "x";
  const length = numberOr(args, "length", 400, { min: 50, max: 2_000 });
  const ticks = wholeOr(args, "ticks", 10, { min: 1, max: 50 });
  const size: readonly [number, number] = isX ? [length, 40] : [40, length];
  return drawn(args, desk, size[0], size[1], (pen, { x: X, y: Y }) => {
    /** A place `along` the axis and `across` it. */
    const at = (along: number, across: number): [number, number] =>
      isX ? [X + along, Y + across] : [X + across, Y + along];
    pen.line(...at(0, 20), ...at(length, 20), "axis");
    for (let i = 0; i <= ticks; i += 1) {
      const o = r4((i * length) / ticks);
      pen.line(...at(o, 16), ...at(o, 24), "tick");
      pen.text(...at(o, 28), String(i), "tick_label");
    }
  });
};

interface TimelineEvent {
  readonly label: string;
  readonly date?: string;
}
const isTimelineEvent = (item: unknown): item is TimelineEvent =>
  isObject(item) && isText(item["label"]) && (!Object.hasOwn(item, "date") || isText(item["date"]));

export const drawTimeline: Tool = (args, desk) => {
  const events = list(args, "events", isTimelineEvent, { min: 1, max: 20 });
  const width = numberOr(args, "width", 700);
  return drawn(args, desk, width, 120, (pen, { x: X, y: Y }) => {
    pen.line(X, Y + 60, X + width, Y + 60, "axis");
    for (const [i, event] of events.entries()) {
      const e = X + r4(((i + 0.5) * width) / events.length);
      pen.put("circle", e, Y + 60, { radius: 6, fill: "#1976D2" }, "event");
      pen.text(e, Y + 75, event.label, "event_label");
      if (event.date !== undefined) pen.text(e, Y + 30, event.date, "event_date");
    }
  });
};

const isRow = (item: unknown): item is readonly string[] =>
  Array.isArray(item) && item.length <= 10 && item.every(isText);

export const drawTable: Tool = (args, desk) => {
  const rows = list(args, "rows", isRow, { min: 1, max: 20 });
  const columns = Math.max(...rows.map((row) => row.length));
  if (columns < 1) throw new BadArgs("a table needs a column");
  const width = numberOr(args, "cell_width", 120);
  const height = numberOr(args, "cell_height", 40);
  return drawn(args, desk, columns * width, rows.length * height, (pen, { x: X, y: Y }) => {
    for (const [r, row] of rows.entries()) {
      for (let c = 0; c < columns; c += 1) {
        pen.rect(X + c * width, Y + r * height, width, height, "cell");
        pen.text(X + c * width + 6, Y + r * height + 10, row[c] ?? "", "cell_text");
      }
    }
  });
};

export const drawFlowchart: Tool = (args, desk) => {
  const steps = list(args, "steps", isText, { min: 1, max: 12 });
  return drawn(args, desk, 180, steps.length * 100, (pen, { x: X, y: Y }) => {
    for (const [i, step] of steps.entries()) {
      pen.rect(X, Y + 100 * i, 180, 60, "step");
      pen.text(X + 10, Y + 100 * i + 20, step, "step_text");
      if (i > 0) pen.line(X + 90, Y + 100 * i - 40, X + 90, Y + 100 * i, "arrow");
    }
  });
};

interface DiagramNode {
  readonly id: string;
  readonly label: string;
}
interface DiagramEdge {
  readonly source: string;
  readonly target: string;
}
const isNode = (item: unknown): item is DiagramNode => isObject(item) && isText(item["id"]) && isText(item["label"]);
const isEdge = (item: unknown): item is DiagramEdge =>
  isObject(item) && isText(item["source"]) && isText(item["target"]);

export const drawDiagram: Tool = (args, desk) => {
  const nodes = list(args, "nodes", isNode, { min: 1, max: 20 });
  const edges = listOr(args, "edges", isEdge, { max: 60 });
  return drawn(args, desk, 840, Math.ceil(nodes.length / 4) * 100, (pen, { x: X, y: Y }) => {
    const origins = new Map<string, Place>();
    for (const [i, node] of nodes.entries()) {
      const at = { x: X + 220 * (i % 4), y: Y + 100 * Math.floor(i / 4) };
      origins.set(node.id, at);
      pen.rect(at.x, at.y, 180, 60, "node");
      pen.text(at.x + 10, at.y + 20, node.label, "node_label");
    }
    for (const { source, target } of edges) {
      const [from, to] = [origins.get(source), origins.get(target)];
      if (from && to) pen.line(from.x + 90, from.y + 30, to.x + 90, to.y + 30, "edge");
    }
  });
};

interface GraphNode extends Readonly<Record<string, unknown>> {
  readonly id: string;
}
const isGraphNode = (item: unknown): item is GraphNode =>
  isObject(item) &&
  isText(item["id"]) &&
  [item["width"], item["height"]].every((size) => typeof size === "number" && size > 0) &&
  (!Object.hasOwn(item, "label") || isText(item["label"]));
const isGraphEdge = (item: unknown): item is Readonly<Record<string, unknown>> =>
  isObject(item) &&
  [item["id"], item["source"], item["target"]].every(isText) &&
  (!Object.hasOwn(item, "label") || isText(item["label"]));

export const drawGraph: Tool = (args, desk) => {
  const id = text(args, "graph_id");
  const nodes = list(args, "nodes", isGraphNode, { min: 1, max: 100 });
  const edges = listOr(args, "edges", isGraphEdge);
  const layoutType = textOr(args, "layout_type", "elk");
  const given = ["x", "y", "xPct", "yPct"].filter((name) => Object.hasOwn(args, name));
  const position = Object.fromEntries(given.map((name) => [name, number(args, name)]));
  const groupId = typeof args["group_id"] === "string" ? args["group_id"] : desk.g;
  const metadata = { source: "assistant", groupId, id, layoutSpec: { nodes, edges, layoutType } };
  const fixed = { selectable: false, evented: false, hasControls: false };
  desk.draft.layout_regions = [];
  desk.actions.push(
    { type: "CLEAR_BOARD" },
    { type: "ADD_OBJECTS", objects: [{ id, kind: "graph_layout", ...position, ...fixed, metadata }] },
  );
  return updated();
};
