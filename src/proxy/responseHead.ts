import { HOP_BY_HOP } from "../kernel/index.ts";

/** What goes back to the client of an arm's reply head. */
export interface ReplyHead {
  /** Flat name/value list for `writeHead`. */
  readonly headers: string[];
  readonly hasRequestId: boolean;
  /** `Content-Length`; -1 without one. */
  readonly length: number;
}

export interface ReplyHeadOptions {
  /** `X-Backend-Arm` may leave the building (off by default, contract README §3). */
  readonly isArmExposed: boolean;
  /** Origins of the arm's instances; an absolute `Location` there is rewritten (security F18). */
  readonly armOrigins: readonly string[];
  readonly publicOrigin: string;
}

const DROPPED = new Set([...HOP_BY_HOP, "server", "x-powered-by", "alt-svc"]);
type Fate = "keep" | "drop" | "connection" | "length" | "location" | "arm" | "request-id" | "vary";
const SPECIAL: ReadonlyMap<string, Fate> = new Map<string, Fate>([
  ...[...DROPPED].map((name): [string, Fate] => [name, "drop"]),
  ["connection", "connection"],
  ["content-length", "length"],
  ["location", "location"],
  ["x-backend-arm", "arm"],
  ["x-request-id", "request-id"],
  ["vary", "vary"],
]);

// Header names repeat endlessly; what a spelling means is remembered, bounded.
const fates = new Map<string, Fate>();
const FATES_MAX = 2_000;

function fateOf(rawName: string): Fate {
  const known = fates.get(rawName);
  if (known) return known;
  const name = rawName.toLowerCase();
  const fate = SPECIAL.get(name) ?? (name.startsWith("access-control-") ? "drop" : "keep");
  if (fates.size < FATES_MAX) fates.set(rawName, fate);
  return fate;
}

/**
 * Filters a reply head (security F15, F18, H1, O2). `raw` is flat, the bytes as they came: latin-1 per RFC 9110 §5.5.
 * CORS headers of an arm never pass: the proxy writes its own.
 */
export function filterReplyHead(raw: readonly Uint8Array[], options: ReplyHeadOptions): ReplyHead {
  const headers: string[] = [];
  let hasRequestId = false;
  let connection: string | null = null;
  let length = -1;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as Buffer).toString("latin1");
    const fate = fateOf(name);
    if (fate === "drop") continue;
    const value = (raw[i + 1] as Buffer).toString("latin1");
    switch (fate) {
      case "keep":
        headers.push(name, value);
        break;
      case "length":
        length = Number(value);
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
      case "connection":
        if (value !== "keep-alive") connection = connection === null ? value : `${connection},${value}`;
        break;
    }
  }
  if (connection !== null) dropNamed(connection, headers);
  return { headers, hasRequestId, length };
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
