import { isVisibleAscii, SwitchyardError } from "../kernel/index.ts";
import { headerRule, isProtectedFromConnection } from "./headerTable.ts";

/** What the front door needs to know of a request head; plain data, so that the judgement is pure. */
export interface RawHead {
  readonly method: string;
  readonly httpVersion: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

export interface RequestHead {
  readonly method: string;
  readonly host: string;
  readonly authorization: string | null;
  readonly origin: string | null;
  readonly hasBody: boolean;
  /** null: chunked, or no body. */
  readonly contentLength: number | null;
  readonly isUpgrade: boolean;
  readonly isExpectingContinue: boolean;
  readonly requestId: string | null;
  readonly idempotencyKey: string | null;
  readonly forwardedFor: string | null;
  readonly via: string | null;
  /** What copies bear, so that one that comes back is known (shadow I11). */
  readonly hop: string | null;
  readonly isPreflight: boolean;
  /** Flat name/value list for the arm, spelled as it came, without what we write anew. */
  readonly forward: string[];
}

export interface HeadLimits {
  readonly headCountMax: number;
  readonly targetBytesMax: number;
  readonly isFaultAllowed: boolean;
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
export const METHODS_ALLOWED = [...METHODS].join(", ");
const METHODS_WITHOUT_BODY = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

/** Whether a body on this method needs the route's permission (security F8). */
export const isBodyUnusual = (method: string): boolean => METHODS_WITHOUT_BODY.has(method);

const bad = (detail: string): never => {
  throw new SwitchyardError("SY_BAD_REQUEST", detail);
};

/** Values seen while walking the head once. */
interface Seen {
  host: string | null;
  authorization: string | null;
  origin: string | null;
  contentLength: string | null;
  transferEncoding: string | null;
  expect: string | null;
  upgrade: string | null;
  connection: string | null;
  requestId: string | null;
  idempotencyKey: string | null;
  forwardedFor: string | null;
  via: string | null;
  hop: string | null;
  requestMethod: string | null;
}

/**
 * Judges a request head and says what of it goes on to an arm (security F2, F8–F12, F14, H1–H3).
 * Runs before anything is sent upstream (F3). Nothing is repaired: what could be read in two ways is refused.
 * @throws SwitchyardError
 */
export function readHead(raw: RawHead, limits: HeadLimits): RequestHead {
  if (!METHODS.has(raw.method)) {
    throw new SwitchyardError("SY_METHOD_NOT_ALLOWED", "this method is not served", {
      headers: { allow: METHODS_ALLOWED },
    });
  }
  // Node reads 0.9 and 2.0 too: a head that looks like another protocol's is no HTTP/1.1 (RFC 9112 §2.3).
  if (raw.httpVersion !== "1.1" && raw.httpVersion !== "1.0") bad("only HTTP/1.1 and HTTP/1.0 are spoken");
  if (raw.url.length > limits.targetBytesMax) {
    throw new SwitchyardError("SY_TARGET_TOO_LONG", `the request target is longer than ${limits.targetBytesMax} bytes`);
  }
  if (raw.rawHeaders.length / 2 > limits.headCountMax) {
    throw new SwitchyardError("SY_HEADERS_TOO_LARGE", `more than ${limits.headCountMax} header fields`);
  }
  const forward: string[] = [];
  const seen = walk(raw.rawHeaders, forward, limits.isFaultAllowed);
  const host = readHost(seen.host);
  if (seen.connection !== null) dropNamedByConnection(seen.connection, forward);
  const { hasBody, contentLength } = readFraming(raw, seen);
  return {
    method: raw.method,
    host,
    authorization: seen.authorization,
    origin: seen.origin,
    hasBody,
    contentLength,
    isUpgrade: seen.upgrade !== null,
    // To HTTP/1.0 an interim reply would be the answer (RFC 9110 §10.1.1).
    isExpectingContinue: readExpectation(seen.expect) && raw.httpVersion === "1.1",
    requestId: seen.requestId !== null && isVisibleAscii(seen.requestId) ? seen.requestId : null,
    idempotencyKey: seen.idempotencyKey,
    forwardedFor: seen.forwardedFor,
    via: seen.via,
    hop: seen.hop,
    isPreflight: raw.method === "OPTIONS" && seen.origin !== null && seen.requestMethod !== null,
    forward,
  };
}

function walk(rawHeaders: readonly string[], forward: string[], isFaultAllowed: boolean): Seen {
  const seen: Seen = {
    host: null,
    authorization: null,
    origin: null,
    contentLength: null,
    transferEncoding: null,
    expect: null,
    upgrade: null,
    connection: null,
    requestId: null,
    idempotencyKey: null,
    forwardedFor: null,
    via: null,
    hop: null,
    requestMethod: null,
  };
  let singles = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const rawName = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    const rule = headerRule(rawName);
    if ((singles & rule.singleBit) !== 0) bad(`the header ${rule.name} stands there more than once`);
    singles |= rule.singleBit;
    if (rule.isRead) remember(seen, rule.name, value);
    if (!rule.isDropped && (rule.name !== "x-fault" || isFaultAllowed)) forward.push(rawName, value);
  }
  return seen;
}

function remember(seen: Seen, name: string, value: string): void {
  switch (name) {
    case "host":
      seen.host = value;
      break;
    case "authorization":
      seen.authorization = value;
      break;
    case "origin":
      seen.origin = value;
      break;
    case "content-length":
      seen.contentLength = value;
      break;
    case "transfer-encoding":
      seen.transferEncoding = value;
      break;
    case "expect":
      seen.expect = value;
      break;
    case "upgrade":
      seen.upgrade = value;
      break;
    case "connection":
      seen.connection = seen.connection === null ? value : `${seen.connection},${value}`;
      break;
    case "x-request-id":
      seen.requestId = value;
      break;
    case "switchyard-hop":
      seen.hop = value;
      break;
    case "idempotency-key":
      seen.idempotencyKey = value;
      break;
    case "x-forwarded-for":
      seen.forwardedFor = seen.forwardedFor === null ? value : `${seen.forwardedFor},${value}`;
      break;
    case "via":
      seen.via = seen.via === null ? value : `${seen.via},${value}`;
      break;
    case "access-control-request-method":
      seen.requestMethod = value;
      break;
  }
}

// RFC 3986 §3.2.2 without user information: a name, an IPv4 address or a bracketed IPv6 address, and a port.
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

function readHost(host: string | null): string {
  if (host === null || !HOST.test(host)) return bad("exactly one valid Host header is needed");
  return host;
}

/** RFC 9112 §6: one transfer coding, exactly `chunked`, on HTTP/1.1, never beside a length (security F2). */
function readFraming(raw: RawHead, seen: Seen): { hasBody: boolean; contentLength: number | null } {
  if (seen.transferEncoding !== null) {
    if (seen.transferEncoding.toLowerCase() !== "chunked") bad("the only transfer coding is chunked");
    if (raw.httpVersion !== "1.1") bad("a transfer coding needs HTTP/1.1");
    if (seen.contentLength !== null) bad("Content-Length and Transfer-Encoding exclude each other");
    return { hasBody: true, contentLength: null };
  }
  if (seen.contentLength === null) return { hasBody: false, contentLength: null };
  if (!/^\d{1,15}$/.test(seen.contentLength)) bad("Content-Length is not a number");
  const contentLength = Number(seen.contentLength);
  return { hasBody: contentLength > 0, contentLength };
}

function readExpectation(expect: string | null): boolean {
  if (expect === null) return false;
  if (expect.toLowerCase() === "100-continue") return true;
  throw new SwitchyardError("SY_EXPECTATION", "only 100-continue can be expected");
}

const CONNECTION_WORDS = new Set(["close", "keep-alive", "upgrade", "te"]);

/** RFC 9110 §7.6.1: what `Connection` names goes no further; it may not name what we rely on (security H2). */
function dropNamedByConnection(connection: string, forward: string[]): void {
  if (connection === "keep-alive" || connection === "close") return;
  const named = new Set<string>();
  for (const part of connection.split(",")) {
    const name = part.trim().toLowerCase();
    if (name === "" || CONNECTION_WORDS.has(name)) continue;
    if (isProtectedFromConnection(name)) bad(`Connection may not name ${name}`);
    named.add(name);
  }
  if (named.size === 0) return;
  for (let i = forward.length - 2; i >= 0; i -= 2) {
    if (named.has((forward[i] as string).toLowerCase())) forward.splice(i, 2);
  }
}
