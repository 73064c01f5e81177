import { AdminError } from "./errors.ts";

/** What the guard reads of a request, before any framework parses it (security A2). */
export interface RequestFacts {
  readonly method: string;
  readonly target: string;
  /** Every value of the header, in order; Node's joined view would hide a repetition. */
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly fetchSites: readonly string[];
  /** Address of ours that the connection reached. */
  readonly localAddress: string;
}

const WILDCARDS = new Set(["0.0.0.0", "::", "[::]"]);

/** A loopback name or address; a trailing dot or another spelling is not one. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host === "::1" || isLoopbackV4(host);
}

function isLoopbackV4(host: string): boolean {
  const parts = host.split(".");
  return (
    parts.length === 4 && parts[0] === "127" && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && +part <= 255)
  );
}

/** The name in a `Host` header, lower case and without port; null when it is not one name with at most one port. */
export function hostName(header: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header);
  return match?.[1]?.toLowerCase() ?? null;
}

const bare = (host: string): string =>
  host
    .replace(/^\[|\]$/g, "")
    .replace(/^::ffff:/, "")
    .toLowerCase();

/**
 * DNS rebinding: a page of another site points its own name at this address, and the browser then sends that name in
 * `Host`. So only loopback, the configured name, or (listening on every address) the very address that was reached.
 */
export function isHostAllowed(host: string, listenHost: string, localAddress: string): boolean {
  if (isLoopbackHost(host)) return true;
  if (WILDCARDS.has(listenHost)) return bare(host) === bare(localAddress);
  return bare(host) === bare(listenHost);
}

/** Throws `AdminError` for a request that another site, or a confused client, may have caused. */
export function checkOrigin(facts: RequestFacts, listenHost: string): void {
  if (!facts.target.startsWith("/")) {
    throw new AdminError(
      "ADMIN_BAD_REQUEST",
      "The request target is not a path.",
      "Send the path only, as in GET /api/status.",
    );
  }
  const [host, ...more] = facts.hosts;
  const name = host === undefined || more.length > 0 ? null : hostName(host);
  if (host === undefined || name === null) {
    throw new AdminError(
      "ADMIN_BAD_REQUEST",
      "The request needs exactly one valid Host header.",
      "Send one Host header.",
    );
  }
  if (!isHostAllowed(name, listenHost, facts.localAddress)) {
    throw new AdminError(
      "ADMIN_HOST_REFUSED",
      `The admin listener does not answer to the name "${name}".`,
      `Use a loopback address, or the host configured under admin.listen (${listenHost}).`,
    );
  }
  const isForeign =
    facts.origins.length > 1 || facts.origins.some((origin) => origin.toLowerCase() !== `http://${host.toLowerCase()}`);
  // Browsers send Sec-Fetch-Site even where they leave Origin out; a followed link may read, a foreign page may not act.
  const isForeignAct =
    facts.method !== "GET" && facts.fetchSites.some((site) => site !== "same-origin" && site !== "none");
  if (isForeign || isForeignAct) {
    throw new AdminError(
      "ADMIN_ORIGIN_REFUSED",
      "The request was caused by a page of another origin.",
      "Use the console on its own address, the command line, or curl without an Origin header.",
    );
  }
}
