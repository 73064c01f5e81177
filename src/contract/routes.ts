// Finding and naming routes: one matcher for the arm, the suite and the proxy's plug (README G4, G9, G11, G14).
import { canonicalUuid } from "./ids.ts";
import type { Method, RouteSpec } from "./routeTable.ts";

export type PathParams = Readonly<Record<string, string>>;

export type RouteMatch =
  | { readonly found: "route"; readonly route: RouteSpec; readonly params: PathParams }
  /** The path exists with other methods: 405 with `Allow`. HEAD is never implied by GET (G11). */
  | { readonly found: "path"; readonly allow: readonly Method[] }
  | { readonly found: "nothing" };

interface Compiled {
  readonly route: RouteSpec;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

const templateParts = (path: string): string[] => path.split(/(\{\w+\})/);

const isParameter = (part: string): boolean => part.startsWith("{");

function compile(route: RouteSpec): Compiled {
  const parts = templateParts(route.path);
  // Only the folder collection is one route with and without its slash (G14).
  const tail = route.path === "/api/v1/folders/" ? "?" : "";
  const source = parts.map((part) => (isParameter(part) ? "([^/]+)" : escapeRegExp(part))).join("");
  return {
    route,
    pattern: new RegExp(`^${source}${tail}$`),
    names: parts.filter(isParameter).map((part) => part.slice(1, -1)),
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Matches a request path (without query). Parameters are percent-decoded and not yet checked (G9 puts 401 before 422). */
export function createRouteMatcher(routes: readonly RouteSpec[]): (method: string, path: string) => RouteMatch {
  const compiled = routes.map(compile);
  return (method, path) => {
    const allow: Method[] = [];
    for (const { route, pattern, names } of compiled) {
      const match = pattern.exec(path);
      if (!match) continue;
      if (route.method === method) {
        const params = Object.fromEntries(names.map((name, i) => [name, decode(match[i + 1] ?? "")]));
        return { found: "route", route, params };
      }
      allow.push(route.method);
    }
    return allow.length > 0 ? { found: "path", allow } : { found: "nothing" };
  };
}

/** Fills a template; a parameter that is missing is a programming error. */
export function pathFor(route: Pick<RouteSpec, "path">, params: PathParams = {}): string {
  return templateParts(route.path)
    .map((part) => {
      if (!isParameter(part)) return part;
      const value = params[part.slice(1, -1)];
      if (value === undefined) throw new TypeError(`${route.path} needs ${part}`);
      return encodeURIComponent(value);
    })
    .join("");
}

/** The path under which keys are scoped and ids are minted (G4, G10): the template with canonical ids. */
export const canonicalPath = (route: Pick<RouteSpec, "path">, params: PathParams = {}): string =>
  pathFor(
    route,
    Object.fromEntries(Object.entries(params).map(([name, value]) => [name, canonicalUuid(value) ?? value])),
  );
