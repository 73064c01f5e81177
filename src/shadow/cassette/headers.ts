// Headers of a hop (RFC 9110 §7.6.1). Lists are flat: name, value, name, value, …
import { HOP_BY_HOP } from "../../kernel/index.ts";

/** What `Connection` may not remove: without them the message is another one. */
const isProtected = (name: string): boolean =>
  name === "authorization" || name === "host" || name === "x-request-id" || name.startsWith("content-");

/** The end-to-end headers of a message, without those named; the names in lower case. */
export function endToEnd(rawHeaders: readonly string[], without: ReadonlySet<string>): string[] {
  const named = namedByConnection(rawHeaders);
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase();
    if (HOP_BY_HOP.has(name) || without.has(name) || (named.has(name) && !isProtected(name))) continue;
    kept.push(name, rawHeaders[at + 1] as string);
  }
  return kept;
}

function namedByConnection(rawHeaders: readonly string[]): ReadonlySet<string> {
  const named = new Set<string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if ((rawHeaders[at] as string).toLowerCase() !== "connection") continue;
    for (const option of (rawHeaders[at + 1] as string).split(",")) named.add(option.trim().toLowerCase());
  }
  return named;
}

export function hasHeader(headers: readonly string[], name: string): boolean {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return true;
  return false;
}

/** The same list with another value under this name where it had the given one. */
export function withValue(headers: readonly string[], name: string, from: string, to: string): string[] {
  const changed = [...headers];
  for (let at = 0; at + 1 < changed.length; at += 2) {
    if (changed[at] === name && changed[at + 1] === from) changed[at + 1] = to;
  }
  return changed;
}

const NONE: ReadonlySet<string> = new Set();
/** Written anew for the provider; with an encoding that one arm asked for the other might not read what is replayed. */
const REQUEST_OWN = new Set(["host", "expect", "accept-encoding", "via"]);
/** A cookie is for the one who was given it. */
const NOT_RECORDED = new Set(["set-cookie"]);
/** Node sends no body of unknown length for these without being told. */
const METHODS_WITHOUT_BODY = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"]);
const OUR_VIA = "1.1 switchyard-cassette";

/** What goes to the provider. */
export function providerHeaders(rawHeaders: readonly string[], method: string, host: string): string[] {
  const headers = endToEnd(rawHeaders, REQUEST_OWN);
  headers.push("host", host, "accept-encoding", "identity", "via", viaOf(rawHeaders));
  if (hasHeader(headers, "content-length")) return headers;
  const isChunked = rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === "transfer-encoding");
  if (isChunked) headers.push("transfer-encoding", "chunked");
  else if (!METHODS_WITHOUT_BODY.has(method)) headers.push("content-length", "0");
  return headers;
}

function viaOf(rawHeaders: readonly string[]): string {
  const given = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "via");
  return [...given, OUR_VIA].join(", ");
}

export const answerHeaders = (rawHeaders: readonly string[]): string[] => endToEnd(rawHeaders, NONE);

/** Of what {@link answerHeaders} gave. */
export const recordedHeaders = (headers: readonly string[]): string[] => endToEnd(headers, NOT_RECORDED);
