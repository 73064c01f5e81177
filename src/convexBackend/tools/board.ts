// Tools that change or look at what is on the board (contract services.md §3).
import { canonicalJson } from "../../contract/index.ts";
import { byCodePoint, metadataOf } from "../board/entries.ts";
import type { BoardValue } from "../board/sanitise.ts";
import { boardSummary } from "../board/summary.ts";
import type { WhiteboardAction } from "../tutor/replay.ts";
import {
  type Args,
  BadArgs,
  boolOr,
  has,
  isNumber,
  isText,
  list,
  number,
  numberOr,
  object,
  oneOfOr,
  text,
  textOr,
} from "./args.ts";
import { compressBoardObjects } from "./compress.ts";
import { BOARD_UPDATED, type Desk, emit, message, type Outcome, type Tool } from "./desk.ts";
import { createSpatialIndex } from "./spatialIndex.ts";

const ACCENT = "#FF5722";
const CLEARED = "The board is clear.";

/** A tool that emits one action. */
const acting =
  (make: (args: Args) => WhiteboardAction, said = BOARD_UPDATED): Tool =>
  (args, desk) => {
    emit(desk, make(args));
    return message(said);
  };

export const clearBoard = acting(() => ({ type: "CLEAR_BOARD" }), CLEARED);

export const clearWhiteboard = acting(
  (args) => ({ type: "CLEAR_CANVAS", scope: oneOfOr(args, "scope", ["all", "assistant_only", "visual_only"], "all") }),
  CLEARED,
);

export const deleteGroup = acting((args) => ({ type: "DELETE_GROUP", groupId: text(args, "group_id") }));

export const deleteObject = acting((args) => ({ type: "DELETE_OBJECTS", objectIds: [text(args, "object_id")] }));

export const groupObjects = acting((args) => ({
  type: "GROUP_OBJECTS",
  groupId: text(args, "group_id"),
  objectIds: list(args, "object_ids", isText, { min: 1, max: 200 }),
}));

export const highlightObject = acting((args) => ({
  type: "HIGHLIGHT_OBJECT",
  targetObjectId: text(args, "object_id"),
  color: textOr(args, "color", ACCENT),
  pulse: boolOr(args, "pulse", true),
}));

export const moveGroup = acting((args) => ({
  type: "MOVE_GROUP",
  groupId: text(args, "group_id"),
  dx: number(args, "dx"),
  dy: number(args, "dy"),
}));

export const showPointerAt = acting((args) => ({
  type: "SHOW_POINTER_AT",
  x: number(args, "x"),
  y: number(args, "y"),
  pointerId: textOr(args, "pointer_id", "assistant"),
  durationMs: durationOf(args),
  color: textOr(args, "color", ACCENT),
}));

function durationOf(args: Args): number {
  const duration = numberOr(args, "duration_ms", 3_000, { min: 100, max: 60_000 });
  if (!Number.isInteger(duration)) throw new BadArgs("duration_ms must be a whole number");
  return duration;
}

/** A position is absolute or a fraction: giving one takes the other away. */
const COUNTERPARTS = ["x", "y", "width", "height"].flatMap((name) => [
  [name, `${name}Pct`] as const,
  [`${name}Pct`, name] as const,
]);

export const updateObject = acting((args) => {
  const given = object(args, "updates");
  const removed = COUNTERPARTS.filter(([name, other]) => has(given, name) && !has(given, other));
  const updates = { ...given, ...Object.fromEntries(removed.map(([, other]) => [other, null])) };
  return { type: "UPDATE_OBJECTS", objects: [{ objectId: text(args, "object_id"), updates }] };
});

const silent = (result: unknown): Outcome => ({ kind: "silent", result });

function spatialMatches(entries: readonly (readonly [string, BoardValue])[], box: readonly number[]): Set<string> {
  const index = createSpatialIndex();
  const sizeOf = (value: unknown): number => (typeof value === "number" ? value : 0);
  for (const [id, { x, y, width, height }] of entries) {
    if (typeof x === "number" && typeof y === "number") index.add(id, x, y, sizeOf(width), sizeOf(height));
  }
  const [x = 0, y = 0, width = 0, height = 0] = box;
  return new Set(index.query(x, y, width, height));
}

const equal = (a: unknown, b: unknown): boolean => a !== undefined && canonicalJson(a) === canonicalJson(b);

const DEFAULT_FIELDS = ["id", "kind", "metadata"];

export const findObject: Tool = async (args, desk) => {
  if (!has(args, "meta_query") && !has(args, "spatial_query")) throw new BadArgs("a query is missing");
  const meta = has(args, "meta_query") ? Object.entries(object(args, "meta_query")) : [];
  const box = has(args, "spatial_query") ? list(args, "spatial_query", isNumber, { min: 4, max: 4 }) : null;
  const fields = has(args, "fields") ? list(args, "fields", isText) : DEFAULT_FIELDS;
  const { objects } = await desk.world.readBoard();
  const near = box && spatialMatches(objects, box);
  const matches = objects
    .filter(([id, value]) => {
      const metadata = metadataOf(value);
      const isMeant = meta.every(([key, wanted]) => Object.hasOwn(metadata, key) && equal(metadata[key], wanted));
      return isMeant && (near?.has(id) ?? true);
    })
    .sort(([a], [b]) => byCodePoint(a, b))
    .map(([id, value]) => {
      const shown: BoardValue = { ...value, id };
      return Object.fromEntries(fields.filter((field) => has(shown, field)).map((field) => [field, shown[field]]));
    });
  return silent({ matches });
};

export const getBoardState: Tool = async (_args, desk) => {
  const requestId = desk.world.did("board_request", desk.sessionId, desk.turnNo, desk.step);
  return silent(compressBoardObjects(await desk.world.askBoardState(requestId)));
};

export const getBoardSummary: Tool = async (_args, desk: Desk) => silent(boardSummary(await desk.world.readBoard()));
