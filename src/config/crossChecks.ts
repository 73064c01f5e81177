import type { Arm } from "../kernel/index.ts";
import type { ArmConfig, ListenAddress } from "./config.ts";
import type { Path } from "./paths.ts";
import type { PlacedFault } from "./issues.ts";
import type { Fault } from "./problems.ts";
import { routeFaults } from "./routeChecks.ts";
import { shadowFaults } from "./shadowChecks.ts";
import type { Sections } from "./schema.ts";
import { isLoopback } from "./values.ts";

/** The sections that could be read; a check that needs one that could not is silent, its reason is reported already. */
export type Readable = { readonly [K in keyof Sections]?: Sections[K] | undefined };

/** `has` tells a written setting from a default. */
export type HasPath = (path: Path) => boolean;

const error = (path: Path, what: string, expected?: string, fix?: string): PlacedFault => {
  const fault: Fault = { what, ...(expected === undefined ? {} : { expected }), ...(fix === undefined ? {} : { fix }) };
  return { path, at: "value", fault };
};
const warning = (path: Path, what: string, fix: string): PlacedFault => ({
  ...error(path, what, undefined, fix),
  isWarning: true,
});

/** What no single value shows: settings that contradict, expose or ignore each other (ux.md §4, security §§1–9). */
export function crossCheck(sections: Readable, has: HasPath): PlacedFault[] {
  return [
    ...listenFaults(sections),
    ...(sections.arms ? armFaults(sections.arms, sections.listen, has) : []),
    ...identityFaults(sections, has),
    ...adminFaults(sections),
    ...limitFaults(sections),
    ...publicFaults(sections, has),
    ...shadowFaults(sections),
    ...(sections.units ? routeFaults(sections.units, sections.limits, has) : []),
  ];
}

const sameListener = (a: ListenAddress, b: ListenAddress): boolean =>
  a.port !== 0 && a.port === b.port && (a.host === b.host || isAnyAddress(a.host) || isAnyAddress(b.host));

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

function listenFaults({ listen, admin, publicHosts }: Readable): PlacedFault[] {
  const found: PlacedFault[] = [];
  if (listen && admin && sameListener(listen, admin.listen)) {
    found.push(error(["admin", "listen"], "the public listener's port", "another address than listen (security A6)"));
  }
  if (listen && publicHosts && publicHosts.length === 0 && !isLoopback(listen.host)) {
    const fix = "Any name pointed at the proxy would be served otherwise (security F10).";
    found.push(error(["listen"], `${listen.host} is not loopback`, "publicHosts with the names that clients use", fix));
  }
  return found;
}

/** `localhost` and 127.0.0.1 are one place; other names cannot be compared without a network. */
const placeOf = (url: string): string => url.replace("//localhost", "//127.0.0.1");

function armFaults(
  arms: NonNullable<Readable["arms"]>,
  listen: ListenAddress | undefined,
  has: HasPath,
): PlacedFault[] {
  const found: PlacedFault[] = [];
  for (const [name, arm] of Object.entries(arms) as [Arm, ArmConfig][]) {
    const own = listen
      ? arm.urls.findIndex((url) => placeOf(url) === placeOf(`http://${listen.host}:${listen.port}`))
      : -1;
    if (own === -1) continue;
    found.push(
      error(urlPath(name, own, has), "the proxy's own address", "the backend's: a call would come back for ever"),
    );
  }
  for (const name of ["control", "candidate"] as const) found.push(...oneArmFaults(name, arms[name], has));
  const control = new Set(arms.control.urls.map(placeOf));
  for (const [i, url] of arms.candidate.urls.entries()) {
    if (!control.has(placeOf(url))) continue;
    found.push(
      error(
        urlPath("candidate", i, has),
        `${url} is control's`,
        "the candidate's own origin",
        "Both arms would be one backend.",
      ),
    );
  }
  return found;
}

const urlPath = (arm: Arm, i: number, has: HasPath): Path =>
  has(["arms", arm, "urls"]) ? ["arms", arm, "urls", i] : ["arms", arm, "url"];

function oneArmFaults(name: Arm, arm: ArmConfig, has: HasPath): PlacedFault[] {
  const at = (...rest: (string | number)[]): Path => ["arms", name, ...rest];
  const found: PlacedFault[] = [];
  const twice = arm.urls.findIndex((url, i) => arm.urls.indexOf(url) !== i);
  if (twice !== -1) found.push(error(at("urls", twice), `${arm.urls[twice]} stands twice`, "each instance once"));
  if (has(at("balance")) && arm.urls.length < 2) {
    found.push(error(at("balance"), "no effect with one url", "urls with several, or no balance"));
  }
  const isEncrypted = arm.urls.some((url) => url.startsWith("https:"));
  if (has(at("tls")) && !isEncrypted) {
    found.push(error(at("tls"), "no effect without https", "an https url, or no tls"));
  }
  if (isEncrypted && !arm.tls.isVerified) {
    const fix = "Anyone between proxy and backend can read and change every call (security F19).";
    found.push(warning(at("tls", "verify"), "certificates are not checked", fix));
    if (arm.tls.caFile !== null)
      found.push(error(at("tls", "caFile"), "no effect with verify: false", "verify: true, or no caFile"));
  }
  return found;
}

function identityFaults({ identity }: Readable, has: HasPath): PlacedFault[] {
  if (!identity) return [];
  const jwt = identity.jwt;
  const at = (...rest: string[]): Path => ["identity", "jwt", ...rest];
  const isShared = jwt.algorithms.includes("HS256");
  const isAsymmetric = jwt.algorithms.some((name) => name !== "HS256");
  if (isShared && isAsymmetric) {
    const fix = "With both, a public key can be used as the secret of a forged token (CVE-2023-48223, security J1).";
    return [error(at("algorithms"), "HS256 and others together", "either HS256, or RS256 and ES256", fix)];
  }
  const found: PlacedFault[] = [];
  const secretKey = has(at("secretEnv")) ? "secretEnv" : has(at("secretFile")) ? "secretFile" : null;
  if (isShared && secretKey === null)
    found.push(error(at(), "HS256 has no secret", "secretEnv with the name of a variable, or secretFile"));
  if (isShared && has(at("jwksUrl")))
    found.push(error(at("jwksUrl"), "no effect with HS256", "RS256 or ES256, or no jwksUrl"));
  if (isAsymmetric && secretKey !== null)
    found.push(error(at(secretKey), "no effect with RS256, ES256", "jwksUrl alone"));
  if (isAsymmetric && jwt.jwksUrl === null) found.push(error(at(), "has no key set", "jwksUrl with an https address"));
  if (jwt.jwksUrl !== null && !isSafeKeySet(new URL(jwt.jwksUrl))) {
    const fix = "Who changes the keys on the way signs any token (security J3). http is for loopback.";
    found.push(error(at("jwksUrl"), "not https", "an https address", fix));
  }
  return found;
}

const isSafeKeySet = (url: URL): boolean =>
  url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));

function adminFaults({ admin }: Readable): PlacedFault[] {
  if (!admin) return [];
  const found: PlacedFault[] = [];
  if (!isLoopback(admin.listen.host) && admin.operateToken === null) {
    const fix = "Everyone who reaches it could move all users (security A1).";
    found.push(
      error(["admin", "listen"], `${admin.listen.host} is not loopback`, "operateTokenEnv or operateTokenFile", fix),
    );
  }
  if (admin.viewToken !== null && admin.viewToken === admin.operateToken) {
    found.push(error(["admin"], "both tokens are the same", "two tokens: reading must not include changing"));
  }
  return found;
}

/** Pairs of which the first makes no sense above the second. */
const ORDERED = [
  ["armConnect", "armConnectMs", "armFirstByte", "armFirstByteMs"],
  ["connectionsPerAddress", "connectionsPerAddressMax", "connections", "connectionsMax"],
  ["socketsPerSubject", "socketsPerSubjectMax", "socketsPerAddress", "socketsPerAddressMax"],
  ["socketsPerAddress", "socketsPerAddressMax", "connections", "connectionsMax"],
  ["jsonBodySize", "jsonBodyBytesMax", "uploadBodySize", "uploadBodyBytesMax"],
  ["targetSize", "targetBytesMax", "headSize", "headBytesMax"],
  ["bodyRateGrace", "bodyRateGraceMs", "jsonBodyTime", "jsonBodyMs"],
] as const;

function limitFaults({ limits }: Readable): PlacedFault[] {
  if (!limits) return [];
  return ORDERED.filter(([, low, , high]) => limits[low] > limits[high]).map(([key, , other]) =>
    error(["limits", key], `more than limits.${other}`, `at most limits.${other}: it could never be reached`),
  );
}

function publicFaults(
  { headers, cors, publicOrigin, publicHosts, refuse, units }: Readable,
  has: HasPath,
): PlacedFault[] {
  const found: PlacedFault[] = [];
  if (headers?.isFaultAllowed)
    found.push(
      warning(
        ["headers", "allowFault"],
        "clients may inject faults",
        "Only for tests: anyone can break calls (security H3).",
      ),
    );
  if (headers?.isArmExposed)
    found.push(
      warning(
        ["headers", "exposeArm"],
        "answers name the arm",
        "Only for tests: outsiders learn which backend to attack (security F18).",
      ),
    );
  if (cors && cors.origins.length === 0) {
    for (const key of ["headers", "maxAge"]) {
      if (has(["cors", key]))
        found.push(error(["cors", key], "no effect without origins", "cors.origins, or no such key"));
    }
  }
  if (cors?.origins.some((origin, i) => cors.origins.indexOf(origin) !== i)) {
    found.push(error(["cors", "origins"], "an origin stands twice", "each origin once"));
  }
  if (publicOrigin && publicHosts && publicHosts.length > 0 && !publicHosts.includes(new URL(publicOrigin).hostname)) {
    found.push(error(["publicOrigin"], "its host is not served", "one of publicHosts"));
  }
  if (refuse && units) found.push(...refusedRoutes(refuse, units));
  return found;
}

/** A refused prefix wins over every route: one below it would be dead. */
function refusedRoutes(refuse: readonly string[], units: NonNullable<Readable["units"]>): PlacedFault[] {
  const found: PlacedFault[] = [];
  for (const [id, unit] of units) {
    for (const [i, route] of unit.routes.entries()) {
      const prefix = refuse.find((start) =>
        route.paths.every((path) => path === start || path.startsWith(`${start.replace(/\/$/, "")}/`)),
      );
      if (prefix !== undefined)
        found.push(
          error(["units", id, "routes", i], `refused by "${prefix}"`, "no such route, or no such prefix in refuse"),
        );
    }
  }
  return found;
}
