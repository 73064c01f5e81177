import { HOP_BY_HOP } from "./headerTable.ts";

/** What goes back to the client of an arm's reply head. */
export interface ReplyHead {
  /** Flat name/value list for `writeHead`. */
  readonly headers: string[];
  readonly hasRequestId: boolean;
}

export interface ReplyHeadOptions {
  /** `X-Backend-Arm` may leave the building (off by default, contract README §3). */
  readonly isArmExposed: boolean;
  /** Origins of the arm's instances; an absolute `Location` there is rewritten (security F18). */
  readonly armOrigins: readonly string[];
  readonly publicOrigin: string;
}

const DROPPED = new Set([...HOP_BY_HOP, "server", "x-powered-by", "alt-svc"]);
// Header names repeat endlessly; what a name means is remembered, bounded.
const fates = new Map<string, "keep" | "drop" | "location" | "arm" | "request-id" | "vary">();
const FATES_MAX = 2_000;

function fateOf(rawName: string) {
  const known = fates.get(rawName);
  if (known) return known;
  const name = rawName.toLowerCase();
  const fate =
    DROPPED.has(name) || name.startsWith("access-control-")
      ? "drop"
      : name === "location"
        ? "location"
        : name === "x-backend-arm"
          ? "arm"
          : name === "x-request-id"
            ? "request-id"
            : name === "vary"
              ? "vary"
              : "keep";
  if (fates.size < FATES_MAX) fates.set(rawName, fate);
  return fate;
}

/**
 * Filters a reply head (security F15, F18, H1, O2). `raw` is flat, latin-1 text per RFC 9110 §5.5.
 * CORS headers of an arm never pass: the proxy writes its own.
 */
export function filterReplyHead(raw: readonly string[], options: ReplyHeadOptions): ReplyHead {
  const headers: string[] = [];
  let hasRequestId = false;
  let connection: string | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    switch (fateOf(name)) {
      case "keep":
        headers.push(name, value);
        break;
      case "request-id":
        hasRequestId = true;
        headers.push(name, value);
        break;
      case "vary":
        // `Origin` alone is the arm's CORS speaking.
        if (value.toLowerCase() !== "origin") headers.push(name, value);
        break;
      case "arm":
        if (options.isArmExposed) headers.push(name, value);
        break;
      case "location":
        headers.push(name, publicLocation(value, options));
        break;
      case "drop":
        if (name.length === 10 && name.toLowerCase() === "connection" && value !== "keep-alive") {
          connection = connection === null ? value : `${connection},${value}`;
        }
        break;
    }
  }
  if (connection !== null) dropNamed(connection, headers);
  return { headers, hasRequestId };
}

function dropNamed(connection: string, headers: string[]): void {
  for (const part of connection.split(",")) {
    const named = part.trim().toLowerCase();
    if (named === "" || named === "close" || named === "keep-alive") continue;
    for (let i = headers.length - 2; i >= 0; i -= 2) {
      if ((headers[i] as string).toLowerCase() === named) headers.splice(i, 2);
    }
  }
}

function publicLocation(location: string, options: ReplyHeadOptions): string {
  for (const origin of options.armOrigins) {
    const isWithin =
      location.toLowerCase().startsWith(origin.toLowerCase()) && /^(?:[/?#]|$)/.test(location.slice(origin.length));
    if (isWithin) return options.publicOrigin + location.slice(origin.length);
  }
  return location;
}
