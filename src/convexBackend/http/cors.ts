// CORS (contract G14). The proxy replaces all of these; they matter for clients that reach the service directly.
import type { IncomingMessage } from "node:http";

const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
const HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Refresh-Token, X-Request-Id";
const PREFLIGHT_SECONDS = "600";

export type Headers = Readonly<Record<string, string>>;

export function corsHeaders(origin: string | undefined, allowed: ReadonlySet<string>): Headers {
  if (origin === undefined) return {};
  if (!allowed.has(origin)) return { Vary: "Origin" };
  return { "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", Vary: "Origin" };
}

export const isPreflight = (request: IncomingMessage): boolean =>
  request.method === "OPTIONS" &&
  request.headers.origin !== undefined &&
  request.headers["access-control-request-method"] !== undefined;

export const preflightHeaders = {
  "Access-Control-Allow-Methods": METHODS,
  "Access-Control-Allow-Headers": HEADERS,
  "Access-Control-Max-Age": PREFLIGHT_SECONDS,
};
