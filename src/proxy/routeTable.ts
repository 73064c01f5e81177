import { distance } from "fastest-levenshtein";
import type { RouteConfig, UnitConfig } from "../config/index.ts";
import type { Arm, RouteId, UnitId } from "../kernel/index.ts";

/** Labels of a call that no route matches. */
export const UNMATCHED: RouteId = "unmatched";
export const NO_UNIT: UnitId = "none";

/** A route as the hot path uses it: looked up once, nothing prepared per call. */
export interface Route {
  readonly id: RouteId;
  readonly unit: UnitConfig;
  readonly config: RouteConfig;
  /** The path this arm knows the route under. */
  pathFor(arm: Arm, clientPath: string, params: readonly string[]): string;
}

export interface RouteMatch {
  readonly route: Route;
  /** Values of the `:name` segments, in the order of the pattern. */
  readonly params: readonly string[];
}

export interface RouteTable {
  /** `method` is upper case; sockets are asked for with `WS`. The most specific pattern wins. */
  match(method: string, path: string): RouteMatch | null;
  /** The spelling that is closest to an unmatched call, for logs and `explain`; null without any route. */
  nearest(method: string, path: string): string | null;
  readonly routes: readonly Route[];
  /** A route of an older table, as this one has it. */
  byId(id: RouteId): Route | null;
}

interface Node {
  readonly literals: Map<string, Node>;
  parameter: Node | null;
  /** Handlers of a pattern that ends here, by method; `*` for all. */
  readonly here: Map<string, Route>;
  /** Handlers of `…/**`. */
  readonly below: Map<string, Route>;
}

const newNode = (): Node => ({ literals: new Map(), parameter: null, here: new Map(), below: new Map() });

/** Compiles the units' routes into one trie. Patterns were checked by the configuration; the first of equals wins. */
export function createRouteTable(units: Iterable<UnitConfig>): RouteTable {
  const root = newNode();
  const routes: Route[] = [];
  for (const unit of units) {
    for (const config of unit.routes) {
      const route: Route = { id: config.id, unit, config, pathFor: pathRewriter(config) };
      routes.push(route);
      for (const path of config.paths) insert(root, path, config.methods, route);
    }
  }
  return {
    routes,
    match(method, path) {
      const segments = path.slice(1).split("/");
      const params: string[] = [];
      const route = find(root, segments, 0, method, params);
      return route ? { route, params } : null;
    },
    nearest: (method, path) => nearest(routes, method, path),
    byId: (id) => routes.find((route) => route.id === id) ?? null,
  };
}

function insert(root: Node, path: string, methods: readonly string[], route: Route): void {
  let node = root;
  for (const segment of path.slice(1).split("/")) {
    if (segment === "**") {
      for (const method of methods) if (!node.below.has(method)) node.below.set(method, route);
      return;
    }
    if (segment.startsWith(":")) {
      node.parameter ??= newNode();
      node = node.parameter;
      continue;
    }
    let next = node.literals.get(segment);
    if (!next) {
      next = newNode();
      node.literals.set(segment, next);
    }
    node = next;
  }
  for (const method of methods) if (!node.here.has(method)) node.here.set(method, route);
}

/** A socket never matches `*`: whoever writes a wildcard means calls. */
const pick = (by: Map<string, Route>, method: string): Route | undefined =>
  by.get(method) ?? (method === "WS" ? undefined : by.get("*"));

/** Literal before parameter before `**`, with a way back: `/a/:x/c` still matches when `/a/b` leads nowhere. */
function find(
  node: Node,
  segments: readonly string[],
  at: number,
  method: string,
  params: string[],
): Route | undefined {
  if (at === segments.length) return pick(node.here, method) ?? pick(node.below, method);
  const segment = segments[at] as string;
  const literal = node.literals.get(segment);
  if (literal) {
    const found = find(literal, segments, at + 1, method, params);
    if (found) return found;
  }
  if (node.parameter && segment !== "") {
    params.push(segment);
    const found = find(node.parameter, segments, at + 1, method, params);
    if (found) return found;
    params.pop();
  }
  return pick(node.below, method);
}

function pathRewriter(config: RouteConfig): Route["pathFor"] {
  const templates = new Map(Object.entries(config.rewrite));
  if (templates.size === 0) return (_arm, clientPath) => clientPath;
  return (arm, clientPath, params) => {
    const template = templates.get(arm);
    if (template === undefined) return clientPath;
    let next = 0;
    return template.replace(/:[A-Za-z0-9_]+/g, () => params[next++] ?? "");
  };
}

function nearest(routes: readonly Route[], method: string, path: string): string | null {
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  const wanted = shape(path);
  for (const route of routes) {
    for (const pattern of route.config.paths) {
      const isOtherMethod = !route.config.methods.includes(method) && !route.config.methods.includes("*");
      const away = distance(wanted, shape(pattern)) + (isOtherMethod ? 1 : 0);
      if (away < bestDistance) {
        bestDistance = away;
        best = `${route.config.methods.join("|")} ${pattern}`;
      }
    }
  }
  return best;
}

/** Ids and parameters look alike, so that only the fixed words decide; long paths are cut to bound the work. */
const shape = (path: string): string =>
  path
    .slice(0, 200)
    .split("/")
    .map((segment) => (segment.startsWith(":") || /^[0-9a-f{}:-]{20,}$/i.test(segment) ? ":" : segment))
    .join("/");
