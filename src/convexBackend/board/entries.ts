// Reading board objects as the summaries do (contract rest.md R8, R22).
import type * as Y from "yjs";
import { type BoardValue, isPlainObject } from "./sanitise.ts";

export type BoardEntries = readonly (readonly [id: string, value: BoardValue])[];

export const metadataOf = (value: BoardValue): BoardValue =>
  isPlainObject(value["metadata"]) ? value["metadata"] : {};

const plain = (map: Y.Map<unknown>): BoardEntries =>
  [...map.entries()].filter((entry): entry is [string, BoardValue] => isPlainObject(entry[1]));

export interface BoardState {
  readonly objects: BoardEntries;
  /** Without entries whose `metadata.expiresAt` has passed. */
  readonly ephemeral: BoardEntries;
  readonly isEmpty: boolean;
}

export function boardState(doc: Y.Doc, now: number): BoardState {
  const objects = doc.getMap<unknown>("objects");
  const isLive = (value: unknown): boolean => {
    const expiresAt = isPlainObject(value) ? metadataOf(value)["expiresAt"] : undefined;
    return typeof expiresAt !== "number" || expiresAt >= now;
  };
  const living = [...doc.getMap<unknown>("ephemeral").entries()].filter(([, value]) => isLive(value));
  return {
    objects: plain(objects),
    ephemeral: living.filter((entry): entry is [string, BoardValue] => isPlainObject(entry[1])),
    isEmpty: objects.size === 0 && living.length === 0,
  };
}

/** Missing or falsy → 0, numeric text accepted; null for anything else. */
function coordinate(value: unknown): number | null {
  if (!value) return 0;
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(value)) return null;
  return Number(value);
}

export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** `x, y, x+width, y+height`, or null when a coordinate is not a number. */
export function boxOf(value: BoardValue): Box | null {
  const [x, y, width, height] = [value["x"], value["y"], value["width"], value["height"]].map(coordinate);
  if (x == null || y == null || width == null || height == null) return null;
  return [x, y, x + width, y + height];
}

/** Code point order, for sorting ids. */
export { compareByCodePoint as byCodePoint } from "../../contract/index.ts";
