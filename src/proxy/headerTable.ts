// What happens to a header by name (security §3). Lower-case names; one lookup per header.
import { HOP_BY_HOP } from "../kernel/index.ts";

/** Clients cannot speak for the proxy (security H3). `switchyard-*` and `x-forwarded-*` go by prefix. */
const STRIPPED = new Set([
  "x-shadow",
  "x-service-token",
  "x-model-call",
  "x-backend-arm",
  "x-original-url",
  "x-rewrite-url",
  "x-http-method-override",
  "x-method-override",
  "x-http-method",
  "forwarded",
  "x-real-ip",
  "http2-settings",
]);
const STRIPPED_PREFIXES = ["switchyard-", "x-forwarded-"];

/** Two values could be read differently by two parsers: refused when repeated (security F11). */
const SINGLE = new Set([
  "authorization",
  "host",
  "origin",
  "content-type",
  "content-length",
  "transfer-encoding",
  "idempotency-key",
  "x-request-id",
  "expect",
]);

/** Names that `Connection` may not remove (security H2). */
export function isProtectedFromConnection(name: string): boolean {
  return (
    name === "authorization" ||
    name === "cookie" ||
    name === "host" ||
    name === "x-request-id" ||
    name === "idempotency-key" ||
    name === "x-shadow" ||
    name.startsWith("content-") ||
    name.startsWith("x-forwarded-")
  );
}

export interface HeaderRule {
  readonly name: string;
  /** Not sent on as it came: hop-by-hop, stripped, or written anew by us. */
  readonly isDropped: boolean;
  /** One bit per name that may stand there once (security F11); 0 for the others. */
  readonly singleBit: number;
  /** The reader looks at its value. */
  readonly isRead: boolean;
}

const READ = new Set([
  ...SINGLE,
  "connection",
  "upgrade",
  "x-fault",
  "x-forwarded-for",
  "via",
  "switchyard-hop",
  "access-control-request-method",
]);
/** Written anew by us, so never copied. */
const REWRITTEN = new Set(["host", "content-length", "expect", "x-request-id", "idempotency-key", "via"]);

/** Names outside the table that begin with `sec-websocket-` share the last bit: two different ones are refused too. */
const SINGLE_BITS = new Map(
  [...SINGLE, "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions"].map(
    (name, i) => [name, 1 << i],
  ),
);
const OTHER_WEBSOCKET_BIT = 1 << 30;

const bitOf = (name: string): number =>
  SINGLE_BITS.get(name) ?? (name.startsWith("sec-websocket-") ? OTHER_WEBSOCKET_BIT : 0);

function ruleFor(rawName: string): HeaderRule {
  const name = rawName.toLowerCase();
  const singleBit = bitOf(name);
  const isDropped =
    HOP_BY_HOP.has(name) ||
    STRIPPED.has(name) ||
    REWRITTEN.has(name) ||
    name.startsWith("sec-websocket-") ||
    STRIPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
  return { name, isDropped, singleBit, isRead: READ.has(name) || singleBit !== 0 };
}

const RULES_MAX = 2_000;
const rules = new Map<string, HeaderRule>();

/** The rule of a header name as spelled on the wire. Remembered by spelling; the memory is bounded. */
export function headerRule(rawName: string): HeaderRule {
  const known = rules.get(rawName);
  if (known) return known;
  const rule = ruleFor(rawName);
  if (rules.size < RULES_MAX) rules.set(rawName, rule);
  return rule;
}
