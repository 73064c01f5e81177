// From where the host may be called (embedded-convex §3.9). Pure. A page of any site can make a browser send requests to
// this machine: a `Host` that is not ours gives away DNS rebinding, a foreign `Origin` everything else.
import { isLoopbackName } from "./hostNames.ts";

/**
 * Whether a `Host` header names this host: this machine's names, those configured, or the address that the connection came to
 * (an address cannot be rebound). The port is not looked at: a proxy may have another.
 */
export function isOwnHost(
  host: string | undefined,
  names: readonly string[],
  localAddress: string | undefined,
): boolean {
  const [, name] = /^([\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.exec(host ?? "") ?? [];
  if (name === undefined) return false;
  const bare = name.toLowerCase().replace(/^\[|\]$/g, "");
  if (isLoopbackName(name) || names.some((own) => own.toLowerCase().replace(/^\[|\]$/g, "") === bare)) return true;
  return localAddress !== undefined && localAddress.replace(/^::ffff:/, "") === bare;
}

/** Whether pages of `origin` may call: none was sent (not a browser's page), our own, or configured ("*": all). */
export function isOwnOrigin(origin: string | undefined, host: string | undefined, origins: readonly string[]): boolean {
  if (origin === undefined || origins.includes("*") || origins.includes(origin)) return true;
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** What a page of an allowed origin is told; nothing when none was sent. */
export function corsHeaders(origin: string | undefined): Readonly<Record<string, string>> {
  return origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "Origin" };
}

/** Files may be shown by any page: their ids cannot be guessed. */
export const OPEN_CORS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "accept-ranges, content-length, content-range, digest, etag",
};

/** Answers a preflight. `requested` is `Access-Control-Request-Headers`; no credentials are allowed, so all may be. */
export function preflightHeaders(requested: string | undefined): Readonly<Record<string, string>> {
  return {
    "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
    "access-control-allow-headers": requested ?? "authorization, content-type, convex-client",
    "access-control-max-age": "86400",
  };
}
