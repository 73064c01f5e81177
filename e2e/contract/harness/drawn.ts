import type { Json } from "../../support/index.ts";
import { drawGroup } from "./tutorShapes.ts";

/** The parts of one drawn object that its tool decides: kind, place, looks, role. */
export interface Drawn {
  readonly kind: string;
  readonly x: number;
  readonly y: number;
  readonly role: string;
  readonly metadata?: Json;
  readonly [look: string]: Json;
}

/** One `ADD_OBJECTS` as services §10 describes it: ids count up, every object names source, role and group. */
export function drawn(tool: string, session: string, turn: number, objects: readonly Drawn[]): Json {
  const group = drawGroup(session, turn);
  return {
    type: "ADD_OBJECTS",
    objects: objects.map(({ role, metadata, ...looks }, n) => ({
      id: `${tool}-${group}-${n}`,
      ...looks,
      metadata: { source: "assistant", role, groupId: group, ...metadata },
    })),
  };
}

export const line = (role: string, x1: number, y1: number, x2: number, y2: number): Drawn => ({
  kind: "line",
  x: x1,
  y: y1,
  points: [x1, y1, x2, y2],
  stroke: "#000000",
  strokeWidth: 2,
  role,
});

export const label = (role: string, x: number, y: number, text: string): Drawn => ({
  kind: "text",
  x,
  y,
  text,
  fontSize: 14,
  fill: "#000000",
  role,
});

export const box = (role: string, x: number, y: number, width: number, height: number): Drawn => ({
  kind: "rect",
  x,
  y,
  width,
  height,
  fill: "#FFFFFF",
  stroke: "#000000",
  strokeWidth: 1,
  role,
});

export const dot = (role: string, x: number, y: number, radius: number): Drawn => ({
  kind: "circle",
  x,
  y,
  radius,
  fill: "#1976D2",
  role,
});

/** Where every drawing of the tests starts. */
export const X = 100;
export const Y = 200;
