import { type Subject, SwitchyardError } from "../kernel/index.ts";
import type { Core, Environment } from "./core.ts";
import { bodyLimits, tooLarge } from "./requestBody.ts";
import { isBodyUnusual, type RequestHead } from "./requestHead.ts";
import type { Route } from "./routeTable.ts";
import { isInternalPath } from "./target.ts";

/** What a call must pass before anybody asks who it is; each check throws the refusal it stands for. */

const hostName = (host: string): string => host.replace(/:\d+$/, "").toLowerCase();

/** @throws SwitchyardError SY_MISDIRECTED, SY_LOOP (security F10) */
export function checkHost(core: Core, head: RequestHead): void {
  const { publicHosts } = core.config;
  if (publicHosts.length > 0 && !publicHosts.includes(hostName(head.host))) {
    throw new SwitchyardError("SY_MISDIRECTED", "this host is not served here");
  }
  if (head.via?.includes(core.viaName)) throw new SwitchyardError("SY_LOOP", "the call came back through this proxy");
}

/** A copy that comes back would be copied again, for ever (shadow I11). @throws SwitchyardError SY_LOOP */
export function checkHop({ mirror }: Environment, { hop }: RequestHead): void {
  if (hop !== null && mirror?.isOwnHop(hop) === true) {
    throw new SwitchyardError("SY_LOOP", "a copy of this proxy's own came back");
  }
}

const isAtOrBelow = (path: string, prefix: string): boolean =>
  path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === "/");

/** @throws SwitchyardError SY_NOT_FOUND: internal and refused paths, and sockets that no route serves (security T5) */
export function checkPath(core: Core, path: string, isSocket: boolean): void {
  const isRefused = core.config.refuse.some((one) => isAtOrBelow(path, one));
  if (isInternalPath(path) || isRefused) throw new SwitchyardError("SY_NOT_FOUND", "no such route");
  if (isSocket && core.routes.match("GET", path) === null) throw new SwitchyardError("SY_NOT_FOUND", "no such socket");
}

/** @throws SwitchyardError SY_BAD_REQUEST, SY_BODY_TOO_LARGE (security F8, §11) */
export function checkBody(core: Core, head: RequestHead, route: Route | null): void {
  if (head.hasBody && isBodyUnusual(head.method) && !route?.config.isBodyAllowed) {
    throw new SwitchyardError("SY_BAD_REQUEST", `a ${head.method} here carries no body`);
  }
  const { bytesMax } = bodyLimits(core.config.limits, route?.config.kind ?? "json");
  if (head.contentLength !== null && head.contentLength > bytesMax) throw tooLarge(bytesMax);
}

/** @throws SwitchyardError SY_OVERLOADED, SY_NOT_FOUND */
export function checkLoad(env: Environment, core: Core, isMatched: boolean): void {
  if (env.overload.shouldShed()) {
    throw new SwitchyardError("SY_OVERLOADED", "too much load, try again shortly", { headers: { "retry-after": "1" } });
  }
  if (!isMatched && core.config.unmatched === "refuse") throw new SwitchyardError("SY_NOT_FOUND", "no such route");
}

/** @throws SwitchyardError SY_RATE_LIMITED, with the seconds to wait (contract G12) */
export function checkRates(core: Core, route: Route | null, subject: Subject | null, address: string): void {
  const { limits } = core;
  const limited = route?.config.addressLimit ?? null;
  const waitS =
    limited !== null
      ? limits[limited].take(address)
      : subject !== null
        ? limits.subject.take(subject)
        : limits.address.take(address);
  if (waitS === 0) return;
  throw new SwitchyardError("SY_RATE_LIMITED", "too many calls in a short time", {
    headers: { "retry-after": String(waitS) },
  });
}
