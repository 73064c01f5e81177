import type { Path } from "./paths.ts";

/** The units without what could not be read, and the way back from their paths to those of the file. */
export interface ReadableUnits {
  readonly raw: unknown;
  restore(path: Path): Path;
}

/**
 * Leaves out each route and each key that is faulty, so that one slip does not hide an overlap elsewhere.
 * Other sections are judged whole: without a faulty part they would mean something else.
 */
export function readableUnits(raw: unknown, faulty: readonly Path[]): ReadableUnits {
  const dropped = new Set(faulty.filter((path) => path[0] === "units").map(dropPoint));
  const kept = new Map<string, readonly number[]>();
  const units = copy(raw, ["units"], dropped, kept);
  return {
    raw: units,
    restore(path) {
      const indices = path[0] === "units" && path[2] === "routes" ? kept.get(keyOf(path.slice(0, 3))) : undefined;
      const index = typeof path[3] === "number" ? indices?.[path[3]] : undefined;
      return index === undefined ? path : path.with(3, index);
    },
  };
}

const keyOf = (path: Path): string => JSON.stringify(path);

/** `units.<id>.routes[i]…` costs the route, `units.<id>.<key>` the key; without routes there is no unit. */
function dropPoint(path: Path): string {
  if (path[2] === "routes") return keyOf(path.slice(0, typeof path[3] === "number" ? 4 : 2));
  return keyOf(path.slice(0, 3));
}

function copy(value: unknown, path: Path, dropped: ReadonlySet<string>, kept: Map<string, readonly number[]>): unknown {
  if (typeof value !== "object" || value === null || path.length > 3) return value;
  if (Array.isArray(value)) {
    const indices = [...value.keys()].filter((i) => !dropped.has(keyOf([...path, i])));
    kept.set(keyOf(path), indices);
    return indices.map((i) => value[i] as unknown);
  }
  const entries = Object.entries(value).filter(([key]) => !dropped.has(keyOf([...path, key])));
  return Object.fromEntries(entries.map(([key, item]) => [key, copy(item, [...path, key], dropped, kept)]));
}
