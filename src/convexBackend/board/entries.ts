// Reading board objects as the summaries do (contract rest.md R8, R22).
import type * as Y from "yjs";
import { type BoardValue, isPlainObject } from "./sanitise.ts";

export type BoardEntries = readonly (readonly [id: string, value: BoardValue])[];

export const metadataOf = (value: BoardValue): BoardValue =>
  isPlainObject(value["metadata"]) ? value["metadata"] : {};

/**
 * What JSON can say of a value: Yjs also carries undefined, bytes, big integers and numbers that are none, and a client
 * may send them.
 */
function jsonOf(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map((item) => jsonOf(item) ?? null);
  if (typeof value !== "object" || value === null) return value;
  if (!isPlainObject(value)) return null;
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(members.map(([key, item]) => [key, jsonOf(item)]));
}

const plain = (entries: Iterable<readonly [string, unknown]>): BoardEntries =>
  [...entries].filter(([, value]) => isPlainObject(value)).map(([id, value]) => [id, jsonOf(value) as BoardValue]);

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
    objects: plain(objects.entries()),
    ephemeral: plain(living),
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
