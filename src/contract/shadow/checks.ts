// Answers by their own schemas, for the shadow: what both arms say alike may still be wrong (differences.md §8, P14 and P20).
import type { RouteCheck } from "../../shadow/ports.ts";
import { isObject } from "../jsonObject.ts";
import { BODIES, type RouteBodies } from "../rest/index.ts";
import { routesOf } from "./byRoute.ts";

type Path = readonly (string | number)[];

/** Of a key that nobody knows the key itself. */
function pathsOf(response: RouteBodies["response"], body: unknown): readonly Path[] {
  if (response === null || typeof response === "string") return [];
  const issues = response.safeParse(body).error?.issues ?? [];
  return issues.flatMap((issue) => {
    const path = issue.path as Path;
    return issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
  });
}

/** every row has the number after that of the row before it. */
function gapsOf(rows: unknown): readonly Path[] {
  if (!Array.isArray(rows)) return [];
  const numbers = rows.map((row: unknown) => (isObject(row) ? row["turn_no"] : null));
  return numbers.flatMap((number, at) => {
    const before = numbers[at - 1];
    const isNext = typeof number !== "number" || typeof before !== "number" || number === before + 1;
    return isNext ? [] : [[at, "turn_no"]];
  });
}

const MORE: Readonly<Record<string, (body: unknown) => readonly Path[]>> = { R6: gapsOf };

export const CHECKS: readonly RouteCheck[] = Object.entries(BODIES as Readonly<Record<string, RouteBodies>>).flatMap(
  ([id, { status: declared, response }]) => {
    if (response === null || typeof response === "string") return [];
    const check: RouteCheck["check"] = (status, body) =>
      status === declared ? [...pathsOf(response, body), ...(MORE[id]?.(body) ?? [])] : [];
    return [{ on: routesOf(id), check }];
  },
);
