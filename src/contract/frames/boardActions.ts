// Whiteboard actions (models.md §§6–7). Objects are free-form; the actions around them are not.
import { z } from "zod";
import { integer, jsonObject } from "../fields.ts";

const type = <const T extends string>(name: T) => z.literal(name);
const texts = z.array(z.string());
const edgeX = z.exactOptional(z.enum(["left", "right", "center_x"]));
const edgeY = z.exactOptional(z.enum(["top", "bottom", "center_y"]));

export const boardAction = z.discriminatedUnion("type", [
  z.strictObject({
    type: type("ADD_OBJECTS"),
    objects: z.array(jsonObject),
    strategy: z.exactOptional(z.enum(["flow", "anchor", "explicit", "zone"])),
    anchor_object_id: z.exactOptional(z.string()),
    anchor_edge_x: edgeX,
    object_edge_x: edgeX,
    anchor_edge_y: edgeY,
    object_edge_y: edgeY,
    offset_x_pct: z.exactOptional(z.number()),
    offset_y_pct: z.exactOptional(z.number()),
    template: z.exactOptional(z.string()),
    zone: z.exactOptional(z.string()),
  }),
  z.strictObject({
    type: type("UPDATE_OBJECTS"),
    objects: z.array(z.strictObject({ objectId: z.string(), updates: jsonObject })),
  }),
  z.strictObject({ type: type("DELETE_OBJECTS"), objectIds: texts }),
  z.strictObject({ type: type("CLEAR_BOARD") }),
  z.strictObject({ type: type("CLEAR_CANVAS"), scope: z.enum(["all", "assistant_only", "visual_only"]) }),
  z.strictObject({ type: type("GROUP_OBJECTS"), groupId: z.string(), objectIds: texts }),
  z.strictObject({ type: type("MOVE_GROUP"), groupId: z.string(), dx: z.number(), dy: z.number() }),
  z.strictObject({ type: type("DELETE_GROUP"), groupId: z.string() }),
  z.strictObject({
    type: type("HIGHLIGHT_OBJECT"),
    targetObjectId: z.string(),
    color: z.string(),
    pulse: z.boolean(),
  }),
  z.strictObject({
    type: type("SHOW_POINTER_AT"),
    x: z.number(),
    y: z.number(),
    pointerId: z.string(),
    durationMs: integer,
    color: z.string(),
  }),
]);
export type BoardAction = z.infer<typeof boardAction>;

export const BOARD_ACTION_TYPES = boardAction.options.map((option) => option.shape.type.value);
