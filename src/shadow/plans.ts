// What may happen to each route's calls and sockets (shadow §3), from configuration and the application's lists. Plain data: it
// goes to the threads as it is.
import type { Config, RouteConfig, ShadowBodies, ShadowConfig, ShadowMode, UnitConfig } from "../config/index.ts";
import type { RouteId, UnitId } from "../kernel/index.ts";
import type { MirrorEntry, MirrorMode } from "./ports.ts";
import { namesOf, plainNameOf } from "./rules/routeNames.ts";

export interface RoutePlan {
  readonly id: RouteId;
  readonly unit: UnitId;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  /** The application does not know its unit: neither its rules nor its codecs hold. */
  readonly isPlain: boolean;
  readonly mode: MirrorMode;
  /** Of one of its unit's routes or surfaces: copies go to the target, groups are seeded first (shadow W3). */
  readonly isStateful: boolean;
  /** 0 … 100. */
  readonly samplePercent: number;
  readonly tapBytes: number;
  readonly copiesPerMinute: number;
  readonly mayCarryCookies: boolean;
  readonly bodies: ShadowBodies;
  /** Name of the codec of a socket; null for calls. */
  readonly surface: string | null;
}

/** By route id. */
export type Plans = ReadonlyMap<RouteId, RoutePlan>;

const TAP_BYTES = 256 * 1_024;
const COPIES_PER_MINUTE = 60_000;

/** @param listed the application's lists; of a unit that they do not know every GET may be read twice */
export function compilePlans(
  { units, shadow }: Pick<Config, "units" | "shadow">,
  listed: readonly MirrorEntry[],
): Plans {
  const plans = new Map<RouteId, RoutePlan>();
  if (shadow === null) return plans;
  for (const unit of units.values()) {
    const isPlain = !unit.routes.some((route) => entryOf(route, listed) !== undefined);
    const modes = unit.routes.map((route) => modeOf(shadow, unit, route, isPlain ? null : listed));
    const isStateful = modes.includes("sandbox");
    const { everywhere, units: ofUnits } = shadow.samplePercent;
    for (const [at, route] of unit.routes.entries()) {
      const own = shadow.routes.find((one) => one.route === route.id);
      plans.set(route.id, {
        id: route.id,
        unit: unit.id,
        methods: route.methods,
        paths: route.paths,
        isPlain,
        mode: modes[at] as MirrorMode,
        isStateful,
        samplePercent: Math.min(own?.samplePercent ?? 100, ofUnits[unit.id] ?? everywhere),
        tapBytes: own?.tapBytes ?? TAP_BYTES,
        copiesPerMinute: own?.copiesPerMinute ?? COPIES_PER_MINUTE,
        mayCarryCookies: own?.mayCarryCookies ?? false,
        bodies: own?.bodies ?? "shape",
        surface: isSocket(route) ? route.codec : null,
      });
    }
  }
  return plans;
}

const isSocket = ({ methods }: RouteConfig): boolean => methods.includes("WS");
const isCredential = ({ addressLimit, isLogout }: RouteConfig): boolean => addressLimit !== null || isLogout;
const isSafe = ({ methods }: RouteConfig): boolean => methods.every((method) => method === "GET" || method === "HEAD");

/** null: the unit is none of the application's, and the configuration's routes are all there are. */
type Lists = readonly MirrorEntry[] | null;

function entryOf(route: RouteConfig, listed: readonly MirrorEntry[]): MirrorEntry | undefined {
  const names = isSocket(route) ? new Set([route.codec]) : namesOf(route);
  return listed.find(({ on }) => on.some((name) => names.has(plainNameOf(name))));
}

/** Default is deny: what stands on no list is not mirrored (shadow §3). */
function modeOf(shadow: ShadowConfig, unit: UnitConfig, route: RouteConfig, listed: Lists): ShadowMode {
  // Whatever anybody wants: a password and a session exist once (shadow §3).
  if (isCredential(route)) return "never";
  const own = shadow.routes.find((one) => one.route === route.id)?.mode ?? null;
  const ofUnit = shadow.modes[unit.id] ?? "read";
  const wanted = own ?? (ofUnit === "never" ? "never" : listedMode(shadow, route, listed, ofUnit));
  // To read twice is harmless only where reading changes nothing.
  return wanted === "read" && (isSocket(route) || !isSafe(route)) ? "never" : wanted;
}

function listedMode(shadow: ShadowConfig, route: RouteConfig, listed: Lists, ofUnit: ShadowMode): ShadowMode {
  if (isSocket(route)) {
    const surface = shadow.surfaces[route.codec];
    if (surface !== undefined) return surface.mode;
  }
  const isDenied = listed !== null || isSocket(route);
  const usual = isDenied ? "never" : isSafe(route) ? "read" : "sandbox";
  const mode = entryOf(route, listed ?? [])?.mode ?? usual;
  return mode === "sandbox" && ofUnit !== "sandbox" ? "never" : mode;
}
