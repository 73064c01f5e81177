// `draw` and `add_objects_to_board`: objects as the model gave them (contract services.md §3).
import { type Args, BadArgs, has, isObject, list, number, oneOf, text } from "./args.ts";
import { CELL_HEIGHT, CELL_WIDTH } from "./allocator.ts";
import { BOARD_UPDATED, type Desk, emit, groupOf, message, reserve, type Tool } from "./desk.ts";
import { resolveZone, type Zone } from "./templates.ts";

const OBJECTS_MAX = 200;
type Given = Readonly<Record<string, unknown>>;

const STRATEGIES = ["flow", "anchor", "explicit", "zone"] as const;
const EDGES_X = ["left", "right", "center_x"] as const;
const EDGES_Y = ["top", "bottom", "center_y"] as const;

/** The optional keys of `ADD_OBJECTS`, in the order of the contract. */
const OPTIONS: readonly (readonly [string, (args: Args, name: string) => unknown])[] = [
  ["strategy", (args, name) => oneOf(args, name, STRATEGIES)],
  ["anchor_object_id", text],
  ["anchor_edge_x", (args, name) => oneOf(args, name, EDGES_X)],
  ["object_edge_x", (args, name) => oneOf(args, name, EDGES_X)],
  ["anchor_edge_y", (args, name) => oneOf(args, name, EDGES_Y)],
  ["object_edge_y", (args, name) => oneOf(args, name, EDGES_Y)],
  ["offset_x_pct", number],
  ["offset_y_pct", number],
  ["template", text],
  ["zone", text],
];

const givenOptions = (args: Args): Record<string, unknown> =>
  Object.fromEntries(OPTIONS.filter(([name]) => has(args, name)).map(([name, read]) => [name, read(args, name)]));

function inZone(object: Given, zone: Zone | null): Given {
  if (!zone) return object;
  const { xPct, yPct, widthPct, heightPct } = zone;
  const hasSize = has(object, "width") || has(object, "height");
  return { ...object, xPct, yPct, ...(!hasSize && { widthPct, heightPct }) };
}

function owned(object: Given, n: number, groupId: string, desk: Desk): Given {
  const id = typeof object["id"] === "string" ? object["id"] : `${desk.toolName}-${desk.g}-${n}`;
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  return { ...object, id, metadata: { ...metadata, source: "assistant", groupId } };
}

const size = (value: unknown, fallback: number): number => (typeof value === "number" && value > 0 ? value : fallback);

function inFlow(object: Given, groupId: string, desk: Desk): Given {
  if (typeof object["x"] === "number" && typeof object["y"] === "number") return object;
  const place = reserve(desk, size(object["width"], CELL_WIDTH), size(object["height"], CELL_HEIGHT), groupId);
  return { ...object, ...place };
}

const zoneOf = (options: Given): Zone | null =>
  resolveZone(options["template"] as string | undefined, options["zone"] as string | undefined);

export const draw: Tool = (args, desk) => {
  const given = list(args, "objects", isObject, { min: 1, max: OBJECTS_MAX });
  const options = givenOptions(args);
  const groupId = groupOf(args, desk);
  const zone = zoneOf(options);
  const objects = given.map((object, n) => owned(inZone(object, zone), n, groupId, desk));
  emit(desk, { type: "ADD_OBJECTS", objects, ...options });
  return message(BOARD_UPDATED, "status_update", "draw");
};

export const addObjectsToBoard: Tool = (args, desk) => {
  const specs = list(args, "specs", isObject, { min: 1, max: OBJECTS_MAX });
  const options = { strategy: "explicit", ...givenOptions(args) } as Record<string, unknown>;
  const groupId = has(args, "group_id") ? text(args, "group_id") : desk.g;
  const zone = zoneOf(options);
  if (options["strategy"] === "anchor" && !has(args, "anchor_object_id")) throw new BadArgs("an anchor is missing");
  if (options["strategy"] === "zone" && !zone) throw new BadArgs("a known template and zone are missing");
  const isFlow = options["strategy"] === "flow";
  const objects = specs.map((spec, n) => {
    const placed = isFlow ? inFlow(spec, groupId, desk) : spec;
    return owned(inZone(placed, zone), n, groupId, desk);
  });
  emit(desk, { type: "ADD_OBJECTS", objects, ...options });
  return message(BOARD_UPDATED);
};
