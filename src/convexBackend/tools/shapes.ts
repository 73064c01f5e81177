// Objects of the drawing tools (contract services.md §10): keys in the contract's order, ids by position.
import { groupOf, type Desk, emit } from "./desk.ts";
import type { Args } from "./args.ts";

export type BoardObject = Readonly<Record<string, unknown>>;

export interface Pen {
  readonly objects: BoardObject[];
  text(x: number, y: number, value: string, role: string, style?: { fontSize?: number; fill?: string }): void;
  line(x1: number, y1: number, x2: number, y2: number, role: string, style?: { stroke?: string; fill?: string }): void;
  rect(
    x: number,
    y: number,
    width: number,
    height: number,
    role: string,
    style?: { fill?: string; stroke?: string },
  ): void;
  /** Any other kind, with its own keys. */
  put(kind: string, x: number, y: number, keys: object, role: string, metadata?: object): void;
  /** Emits everything drawn as one `ADD_OBJECTS`. */
  done(): void;
}

export function createPen(args: Args, desk: Desk): Pen {
  const objects: BoardObject[] = [];
  const groupId = groupOf(args, desk);
  const put: Pen["put"] = (kind, x, y, keys, role, metadata = {}) => {
    const id = `${desk.toolName}-${desk.g}-${objects.length}`;
    objects.push({ id, kind, x, y, ...keys, metadata: { source: "assistant", role, groupId, ...metadata } });
  };
  return {
    objects,
    put,
    text: (x, y, text, role, { fontSize = 14, fill = "#000000" } = {}) =>
      put("text", x, y, { text, fontSize, fill }, role),
    line: (x1, y1, x2, y2, role, { stroke = "#000000", ...fill } = {}) =>
      put("line", x1, y1, { points: [x1, y1, x2, y2], stroke, strokeWidth: 2, ...fill }, role),
    rect: (x, y, width, height, role, { fill = "#FFFFFF", stroke = "#000000" } = {}) =>
      put("rect", x, y, { width, height, fill, stroke, strokeWidth: 1 }, role),
    done: () => emit(desk, { type: "ADD_OBJECTS", objects }),
  };
}
