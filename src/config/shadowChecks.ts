import { distance } from "fastest-levenshtein";
import type { ShadowConfig, UnitConfig } from "./config.ts";
import type { PlacedFault } from "./issues.ts";
import type { Path } from "./paths.ts";
import { closest } from "./problems.ts";
import type { Sections } from "./schema.ts";

type Readable = { readonly [K in "arms" | "listen" | "shadow" | "units" | "workers"]?: Sections[K] | undefined };
type Units = ReadonlyMap<
  string,
  {
    readonly routes: readonly Pick<
      UnitConfig["routes"][number],
      "id" | "codec" | "addressLimit" | "isLogout" | "methods"
    >[];
  }
>;

const placeOf = (url: string): string => url.replace("//localhost", "//127.0.0.1");

function fault(path: Path, what: string, expected: string, fix?: string): PlacedFault {
  return { path, at: "value", fault: { what, expected, ...(fix === undefined ? {} : { fix }) } };
}

function unknown(path: Path, at: "key" | "value", name: string, kind: string, known: readonly string[]): PlacedFault {
  const meant = closest(name, known, distance);
  const expected = known.length === 0 ? `a ${kind} of this file` : `one of ${known.slice(0, 8).join(", ")}`;
  const what = `"${name}" is no ${kind}`;
  return { path, at, fault: meant === null ? { what, expected } : { what, expected, didYouMean: meant } };
}

/** Whether a copy could reach a user, and settings that say nothing (shadow W1, W3, S1). */
export function shadowFaults({ arms, listen, shadow, units, workers }: Readable): PlacedFault[] {
  if (shadow === undefined || shadow === null) return [];
  return [
    ...targetFaults(shadow, arms, listen),
    ...workerFaults(shadow, workers ?? 1),
    ...(units === undefined
      ? []
      : [...nameFaults(shadow, units), ...stateFaults(shadow, units), ...bodyFaults(shadow, units)]),
  ];
}

function targetFaults(shadow: ShadowConfig, arms: Readable["arms"], listen: Readable["listen"]): PlacedFault[] {
  const found: PlacedFault[] = [];
  const serving = new Map<string, string>();
  for (const arm of ["control", "candidate"] as const) {
    for (const url of arms?.[arm].urls ?? []) serving.set(placeOf(url), `an instance of ${arm}`);
  }
  if (listen !== undefined) serving.set(placeOf(`http://${listen.host}:${listen.port}`), "this proxy");
  for (const arm of ["control", "candidate"] as const) {
    const url = shadow.targets[arm]?.url;
    const path = ["shadow", "targets", arm, "url"];
    const what = url === undefined ? undefined : serving.get(placeOf(url));
    const fix = "Copies of writes would change what users see (shadow W1).";
    if (what !== undefined) found.push(fault(path, `${url} is ${what}`, "an instance that serves nobody", fix));
  }
  const [one, other] = [shadow.targets.control?.url, shadow.targets.candidate?.url];
  if (one !== undefined && other !== undefined && placeOf(one) === placeOf(other)) {
    found.push(
      fault(["shadow", "targets", "candidate", "url"], `${other} is the target of control too`, "another one"),
    );
  }
  return found;
}

/** The groups of a stateful unit are followed by one process (ADR 17). */
function workerFaults(shadow: ShadowConfig, workers: number): PlacedFault[] {
  const isStateful =
    Object.values(shadow.modes).includes("sandbox") || shadow.routes.some((one) => one.mode === "sandbox");
  if (workers === 1 || !isStateful) return [];
  const fix = "Which group has which state at a target is known to one process.";
  return [fault(["workers"], `${workers} with sandbox in shadow`, "workers: 1, or shadow without sandbox", fix)];
}

function nameFaults(shadow: ShadowConfig, units: Units): PlacedFault[] {
  const names = [...units.keys()];
  const routes = [...units.values()].flatMap((unit) => unit.routes);
  const ids = routes.map(({ id }) => id);
  const codecs = [...new Set(routes.map(({ codec }) => codec))].filter((codec) => codec !== "raw");
  const found: PlacedFault[] = [];
  for (const id of Object.keys(shadow.samplePercent.units)) {
    if (!units.has(id)) found.push(unknown(["shadow", "sample", id], "key", id, "unit", names));
  }
  for (const id of Object.keys(shadow.modes)) {
    if (!units.has(id)) found.push(unknown(["shadow", "modes", id], "key", id, "unit", names));
  }
  const isCredential = ({ addressLimit, isLogout }: (typeof routes)[number]): boolean =>
    addressLimit !== null || isLogout;
  const credentials = new Set(routes.filter(isCredential).map(({ id }) => id));
  for (const [i, { route, mode }] of shadow.routes.entries()) {
    const path = ["shadow", "routes", i, "route"];
    if (!ids.includes(route)) found.push(unknown(path, "value", route, "route", ids));
    else if (mode !== null && mode !== "never" && credentials.has(route)) {
      const why = "A password and a session exist once (shadow §3).";
      found.push(fault(["shadow", "routes", i, "mode"], `${route} is about credentials`, "never, or no mode", why));
    } else if (shadow.routes.findIndex((other) => other.route === route) !== i) {
      found.push(fault(path, `${route} stands twice`, "each route once"));
    }
  }
  for (const name of Object.keys(shadow.surfaces)) {
    if (!codecs.includes(name))
      found.push(unknown(["shadow", "surfaces", name], "key", name, "codec of a route", codecs));
  }
  return found;
}

function stateFaults(shadow: ShadowConfig, units: Units): PlacedFault[] {
  const found: PlacedFault[] = [];
  const hasTarget = shadow.targets.control !== null || shadow.targets.candidate !== null;
  const isSandbox = (id: string): boolean => {
    const own = units.get(id)?.routes.map((route) => route.id) ?? [];
    return (
      shadow.modes[id] === "sandbox" || shadow.routes.some((one) => one.mode === "sandbox" && own.includes(one.route))
    );
  };
  const needed = "targets with an instance that serves nobody";
  const fix = "Copies of writes go to such an instance only (shadow W1).";
  for (const [id, mode] of Object.entries(shadow.modes)) {
    if (mode === "sandbox" && !hasTarget)
      found.push(fault(["shadow", "modes", id], "no target for sandbox", needed, fix));
  }
  for (const [i, one] of shadow.routes.entries()) {
    const path: Path = ["shadow", "routes", i];
    if (one.mode === "sandbox" && !hasTarget)
      found.push(fault([...path, "mode"], "no target for sandbox", needed, fix));
    const unit = [...units].find(([, { routes }]) => routes.some(({ id }) => id === one.route))?.[0];
    if (one.samplePercent === null || unit === undefined || !isSandbox(unit)) continue;
    const why = "A group whose writes are mirrored in part has another state there (shadow S1).";
    found.push(fault([...path, "sample"], `a rate of its own in ${unit}`, "none: the unit is stateful", why));
  }
  return found;
}

/** Values are kept where somebody asked for them, could read them again, and nothing speaks against it (shadow P2, §14). */
function bodyFaults({ routes, bodyKey, storeUrl }: ShadowConfig, units: Units): PlacedFault[] {
  const known = new Map([...units.values()].flatMap((unit) => unit.routes.map((route) => [route.id, route] as const)));
  return routes.flatMap(({ route, bodies, mode }, i) => {
    if (bodies !== "redacted") return [];
    const path: Path = ["shadow", "routes", i, "bodies"];
    const { methods = [], addressLimit = null, isLogout = false } = known.get(route) ?? {};
    if (addressLimit !== null || isLogout || mode === "never") {
      return [fault(path, `bodies of ${route}, which is not mirrored`, "shape, or no bodies")];
    }
    if (methods.includes("WS")) {
      return [fault(path, `${route} is a socket`, "shape: only bodies of calls are kept, never messages")];
    }
    if (storeUrl !== null) {
      const fix = "A store of all hosts keeps shapes; without storeUrlEnv each process keeps bodies in its own file.";
      return [fault(path, "redacted together with storeUrlEnv", "shape", fix)];
    }
    if (bodyKey !== null) return [];
    const fix = "export SHADOW_BODY_KEY=$(openssl rand -base64 32)";
    return [fault(path, "redacted without a key", "shadow.bodyKeyEnv or shadow.bodyKeyFile", fix)];
  });
}
