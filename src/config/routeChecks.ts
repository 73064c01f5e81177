import type { LimitsConfig } from "./config.ts";
import type { HasPath } from "./crossChecks.ts";
import type { Path } from "./paths.ts";
import type { PlacedFault } from "./issues.ts";
import { canMeet, parametersOf, shapeOf, sharedMethods } from "./patterns.ts";
import type { RouteSection, UnitSection } from "./routeSchema.ts";
import { formatSize } from "./values.ts";

interface Placed {
  readonly unit: string;
  readonly route: RouteSection;
  readonly path: Path;
}

const at = (path: Path, what: string, expected: string): PlacedFault => ({
  path,
  at: "value",
  fault: { what, expected },
});

export function routeFaults(
  units: ReadonlyMap<string, UnitSection>,
  limits: LimitsConfig | undefined,
  has: HasPath,
): PlacedFault[] {
  const found: PlacedFault[] = [];
  const all: Placed[] = [];
  for (const [unit, section] of units) {
    const base: Path = ["units", unit];
    if (section.fixed !== null && section.flag !== null) {
      found.push(at([...base, "flag"], `no effect with fixed`, "either flag or fixed"));
    }
    for (const [i, route] of section.routes.entries()) {
      const path = [...base, "routes", i];
      all.push({ unit, route, path });
      found.push(...optionFaults(route, path, limits, has), ...spellingFaults(route, path, has));
    }
  }
  return [...found, ...flagFaults(units), ...overlapFaults(all), ...labelFaults(all)];
}

// security T5: the proxy answers these 404 itself, whatever stands here.
const INTERNAL = /^\/(?:internal|metrics|livez|readyz)(?:\/|$)/i;

const SOCKET_KEYS = ["codec", "messages", "messageMax"];
const CALL_KEYS = ["keyed", "body", "kind", "firstByte", "addressLimit"];
const BODILESS = ["GET", "HEAD", "DELETE", "OPTIONS", "*"];
const WRITES = ["POST", "PUT", "PATCH", "DELETE", "*"];

function optionFaults(route: RouteSection, path: Path, limits: LimitsConfig | undefined, has: HasPath): PlacedFault[] {
  const isSocket = route.methods.includes("WS");
  if (route.paths.some((spelling) => INTERNAL.test(spelling))) {
    return [at(path, "does not exist in public", "no such route: internal paths are never served (security T5)")];
  }
  const found = (isSocket ? CALL_KEYS : SOCKET_KEYS)
    .filter((key) => has([...path, key]))
    .map((key) =>
      at(
        [...path, key],
        isSocket ? "no effect on a socket" : "no effect on calls",
        isSocket ? "a route for calls" : "a WS route",
      ),
    );
  if (isSocket) {
    if (limits && route.messageBytesMax !== null && route.messageBytesMax > limits.clientMessageBytesMax) {
      const limit = formatSize(limits.clientMessageBytesMax);
      found.push(
        at(
          [...path, "messageMax"],
          `more than ${limit}`,
          "at most limits.clientMessageSize: a route may only lower it",
        ),
      );
    }
    return found;
  }
  if (route.isKeyed && !route.methods.some((method) => WRITES.includes(method))) {
    found.push(at([...path, "keyed"], "no effect without writes", "POST, PUT, PATCH or DELETE"));
  }
  if (route.isBodyAllowed && !route.methods.some((method) => BODILESS.includes(method))) {
    found.push(at([...path, "body"], "no effect on these methods", "GET, HEAD, DELETE or OPTIONS"));
  }
  return found;
}

/** Every spelling names the same parameters, and in the same order: they are handed over by position. */
function spellingFaults(route: RouteSection, path: Path, has: HasPath): PlacedFault[] {
  const found: PlacedFault[] = [];
  const wanted = parametersOf(route.paths[0] ?? "");
  const names = wanted.join(", ") || "no parameters";
  const isSame = (pattern: string): boolean => parametersOf(pattern).join() === wanted.join();
  for (const [i, also] of route.paths.slice(1).entries()) {
    if (!isSame(also)) found.push(at([...path, "also", i], "other parameters", `${names}, as in match`));
  }
  for (const [arm, pattern] of Object.entries(route.rewrite)) {
    const place = [...path, "rewrite", arm];
    if (pattern.includes("**")) found.push(at(place, "** cannot be rewritten", "a pattern without **"));
    else if (!isSame(pattern)) found.push(at(place, "other parameters", `${names}, as in match`));
  }
  if (has([...path, "rewrite"]) && Object.keys(route.rewrite).length === 0) {
    found.push(at([...path, "rewrite"], "names no arm", "control, candidate or both"));
  }
  return found;
}

/** One flag for two units would move both at once, against the plan of each (rollout.md §1.2). */
function flagFaults(units: ReadonlyMap<string, UnitSection>): PlacedFault[] {
  const found: PlacedFault[] = [];
  const owners = new Map<string, string>([["switchyard.armed", ""]]);
  for (const [unit, section] of units) {
    if (section.fixed !== null) continue;
    const flag = section.flag ?? `switchyard.${unit}`;
    const owner = owners.get(flag);
    if (owner === undefined) owners.set(flag, unit);
    else if (owner === "") found.push(at(["units", unit], `${flag} arms all units`, "a flag of its own"));
    else found.push(at(["units", unit, "flag"], `${flag} is ${owner}'s`, "a flag of its own"));
  }
  return found;
}

function overlapFaults(all: readonly Placed[]): PlacedFault[] {
  const found: PlacedFault[] = [];
  for (const [i, later] of all.entries()) {
    const earlier = all.slice(0, i).find((other) => isClash(later, other));
    if (!earlier) continue;
    const isTwin = earlier.unit === later.unit;
    const what = isTwin ? "stands twice" : `overlaps with ${earlier.unit}`;
    found.push(at(later.path, what, `"${earlier.route.id}" takes the same calls`));
  }
  return found;
}

/** Within a unit the more specific pattern wins; between units nothing may be shared, for they move apart (handoff.md U1). */
function isClash(a: Placed, b: Placed): boolean {
  const isAcross = a.unit !== b.unit;
  const methods = sharedMethods(a.route.methods, b.route.methods);
  if (methods.length === 0) return false;
  // Beside an equal pattern `*` is the rest of the methods, not the same ones.
  if (!isAcross && a.route.methods.includes("*") !== b.route.methods.includes("*")) return false;
  return a.route.paths.some((x) => b.route.paths.some((y) => (isAcross ? canMeet(x, y) : shapeOf(x) === shapeOf(y))));
}

function labelFaults(all: readonly Placed[]): PlacedFault[] {
  const seen = new Set<string>();
  return all.flatMap(({ route, path }) => {
    if (!seen.has(route.id)) return seen.add(route.id) && [];
    return [at([...path, "id"], `"${route.id}" stands twice`, "an id of its own")];
  });
}
