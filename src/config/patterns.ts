import type { Read } from "./values.ts";

/** `GET|POST /a/:id/**` in parts. */
export interface MethodsAndPath {
  readonly methods: readonly string[];
  readonly path: string;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const MATCH_FORM = 'methods and a pattern such as "GET /a/:id", "GET|POST /a", "* /a/**" or "WS /ws/:id"';

const fail = (what: string, expected: string, fix?: string): Read<never> => ({
  fault: { what, expected, ...(fix === undefined ? {} : { fix }) },
});

export function readMatch(text: string): Read<MethodsAndPath> {
  const parts = text.split(" ");
  if (parts.length !== 2) return fail(`"${text}" cannot be read`, MATCH_FORM);
  const [spelling = "", path = ""] = parts;
  const methods = spelling.split("|");
  const unknown = methods.find((method) => !METHODS.includes(method) && method !== "*" && method !== "WS");
  if (unknown !== undefined) {
    const upper = unknown.toUpperCase();
    const known = `one of ${METHODS.join(", ")}, * or WS`;
    if (METHODS.includes(upper) || upper === "WS")
      return { fault: { what: `"${unknown}" is no method`, didYouMean: upper } };
    return fail(`"${unknown}" is no method`, known);
  }
  if (methods.length > 1 && (methods.includes("*") || methods.includes("WS"))) {
    return fail(`"${spelling}" mixes methods`, "* and WS stand alone: sockets and calls are separate routes");
  }
  if (new Set(methods).size !== methods.length) return fail(`"${spelling}" repeats a method`, "each method once");
  const checked = readPattern(path);
  return "fault" in checked ? checked : { value: { methods, path: checked.value } };
}

// The routed path is canonical (security T1, T2): a pattern in any other spelling could never match.
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()+,;=@]|%[0-9A-F]{2})*$/;
const PARAMETER = /^:[A-Za-z][A-Za-z0-9_]*$/;
const PATTERN_FORM = "a path such as /a/:id or /a/**";

export function readPattern(path: string): Read<string> {
  if (!path.startsWith("/")) return fail(`"${path}" does not start with /`, PATTERN_FORM);
  const segments = segmentsOf(path);
  const names = new Set<string>();
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    const fault = faultOfSegment(segment, isLast, names);
    if (fault !== null) return fault;
  }
  return { value: path };
}

function faultOfSegment(segment: string, isLast: boolean, names: Set<string>): Read<never> | null {
  if (segment === "**") return isLast ? null : fail("** is not the last segment", "** only at the end: /a/**");
  if (segment.includes("*")) return fail(`"${segment}" is no segment`, "one segment is :name, everything below is /**");
  if (segment === "") return isLast ? null : fail("has an empty segment", "single slashes");
  if (segment === "." || segment === "..") return fail("has a dot segment", "the path without it");
  if (segment.startsWith(":")) {
    if (!PARAMETER.test(segment)) return fail(`"${segment}" is no parameter`, ":name of letters, digits and _");
    if (names.has(segment)) return fail(`${segment} stands twice`, "each parameter once");
    names.add(segment);
    return null;
  }
  if (segment.includes("{"))
    return fail(`"${segment}" is no segment`, `write :${segment.replace(/[{}]/g, "")} for a parameter`);
  return SEGMENT.test(segment)
    ? null
    : fail(`"${segment}" is no segment`, "the canonical spelling of the path, without query");
}

export const segmentsOf = (path: string): string[] => path.slice(1).split("/");

/** Names of the `:name` segments in order; `**` counts, for a rewrite has to carry it too. */
export const parametersOf = (path: string): string[] =>
  segmentsOf(path).filter((segment) => segment.startsWith(":") || segment === "**");

/** Is there a path that both patterns match? `**` stands for any number of segments, none included. */
export function canMeet(a: string, b: string): boolean {
  return meet(segmentsOf(a), segmentsOf(b), 0);
}

function meet(a: readonly string[], b: readonly string[], at: number): boolean {
  const x = a[at];
  const y = b[at];
  if (x === "**" || y === "**") return true;
  if (x === undefined || y === undefined) return x === y;
  const isPair = x === y || (x.startsWith(":") && y !== "") || (y.startsWith(":") && x !== "");
  return isPair && meet(a, b, at + 1);
}

/** Equal for patterns that match exactly the same paths: names of parameters do not matter. */
export const shapeOf = (path: string): string =>
  segmentsOf(path)
    .map((segment) => (segment.startsWith(":") ? ":" : segment))
    .join("/");

/** Methods in common; sockets and calls never meet, not even through `*`. */
export function sharedMethods(a: readonly string[], b: readonly string[]): readonly string[] {
  const isSocket = (methods: readonly string[]): boolean => methods.includes("WS");
  if (isSocket(a) !== isSocket(b)) return [];
  if (a.includes("*")) return b;
  if (b.includes("*")) return a;
  return a.filter((method) => b.includes(method));
}
