import { SwitchyardError } from "../kernel/index.ts";

/** A request target after the one canonicalisation (security T1): what is routed is what is sent. */
export interface Target {
  readonly path: string;
  /** With its `?`, byte for byte as it came (security T4); empty when there is none. */
  readonly query: string;
}

// RFC 3986 §3.3: pchar and "/". Everything else, `"<>\^`{|}` included, is read differently by different parsers.
const ILLEGAL_IN_PATH = /[^\x21\x24-\x3b\x3d\x40-\x5a\x5f\x61-\x7a\x7e%]/;
const ILLEGAL_IN_QUERY = /[^\x21-\x7e]|[\\#]/;
const NEEDS_CARE = /%|\/\/|\/\./;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

const refuse = (detail: string): never => {
  throw new SwitchyardError("SY_BAD_REQUEST", detail);
};

/**
 * Reads a request target in the one way that is safe, or refuses it (security T1–T4).
 * `authority` is the request's own `Host`; `scheme` the scheme of our listener.
 * @throws SwitchyardError SY_BAD_REQUEST, SY_MISDIRECTED
 */
export function readTarget(raw: string, scheme: "http" | "https", authority: string): Target {
  const origin = raw.startsWith("/") ? raw : reduceAbsolute(raw, scheme, authority);
  const mark = origin.indexOf("?");
  const path = mark === -1 ? origin : origin.slice(0, mark);
  const query = mark === -1 ? "" : origin.slice(mark);
  if (ILLEGAL_IN_PATH.test(path)) refuse("the path holds a character that must be percent-encoded");
  if (query !== "" && ILLEGAL_IN_QUERY.test(query)) refuse("the query holds a character that must be percent-encoded");
  return { path: NEEDS_CARE.test(path) ? canonicalPath(path) : path, query };
}

/** Absolute form (RFC 9112 §3.2.2) only for ourselves; everything else that is no path is refused (security T3). */
function reduceAbsolute(raw: string, scheme: string, authority: string): string {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(raw);
  if (!match) return refuse("the request target is neither a path nor an absolute address");
  const [, ownScheme = "", ownAuthority = "", rest = ""] = match;
  if (ownScheme.toLowerCase() !== scheme || ownAuthority.toLowerCase() !== authority.toLowerCase()) {
    throw new SwitchyardError("SY_MISDIRECTED", "the request target names another host than the Host header");
  }
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function canonicalPath(path: string): string {
  if (path.includes("//")) refuse("the path holds an empty segment");
  const decoded = path.replace(/%(.{0,2})/g, (_all, hex: string) => {
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return refuse("the path holds a percent sign without two hex digits");
    const code = Number.parseInt(hex, 16);
    if (code === 0x00 || code === 0x2f || code === 0x5c) return refuse("the path holds an encoded separator");
    const char = String.fromCharCode(code);
    return UNRESERVED.test(char) ? char : `%${hex.toUpperCase()}`;
  });
  if (DOT_SEGMENT.test(decoded)) refuse("the path holds a dot segment");
  return decoded;
}

/** Paths of the arms that do not exist in public, whatever the configuration says (security T5). */
const INTERNAL = /^\/(?:internal|metrics|livez|readyz)(?:\/|$)/i;
export const isInternalPath = (path: string): boolean => INTERNAL.test(path);

/** Removes every `token` parameter and gives the last one (contract G7, security W8). The rest stays byte for byte. */
export function takeQueryToken(query: string): { readonly token: string | null; readonly query: string } {
  if (!query.includes("token=")) return { token: null, query };
  let token: string | null = null;
  const kept: string[] = [];
  for (const part of query.slice(1).split("&")) {
    if (part.startsWith("token=")) token = decodeOrRaw(part.slice("token=".length));
    else kept.push(part);
  }
  return { token, query: kept.length === 0 ? "" : `?${kept.join("&")}` };
}

function decodeOrRaw(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not a token then: verification refuses it
  }
}
