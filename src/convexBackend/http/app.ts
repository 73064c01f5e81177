// The way of a REST call, in the order of contract G9.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRouteMatcher, isMessageKey, type RouteSpec, SERVED_ROUTES } from "../../contract/index.ts";
import type { Config } from "../config.ts";
import { FaultSyntaxError, parseFaults } from "../faults/parse.ts";
import type { Faultable } from "../faults/switchboard.ts";
import { failureFields, type Log } from "../log.ts";
import { StoreUnavailableError } from "../ports.ts";
import type { Reply } from "./call.ts";
import { corsHeaders, isPreflight, preflightHeaders } from "./cors.ts";
import { errorBody, HttpError, InvalidInputError, violationsBody } from "./errors.ts";
import { createRoutedCall, familyOf, type RoutedDeps } from "./routedCall.ts";
import { isServed, requireServiceToken } from "./internal.ts";
import { identityHeaders, spoilReply, writeReply } from "./respond.ts";

export interface AppDeps extends RoutedDeps {
  readonly config: Config;
  readonly log: Log;
}

const GUARD_EXEMPT: ReadonlySet<string> = new Set(["/livez", "/readyz", "/metrics", "/api/health"]);
const FAULT_EXEMPT: ReadonlySet<string> = new Set(["/livez", "/readyz", "/metrics"]);
const isInternal = (path: string): boolean => path === "/internal" || path.startsWith("/internal/");

/** ASGI decodes the path before it routes; a bad escape stays as it is. */
function decodedPath(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}

/** `%2F` is a separator once decoded, so the matcher sees the decoded path with its own escapes protected. */
const matchable = (path: string): string => path.replaceAll("%", "%25");

export const requestIdOf = (header: string | string[] | undefined): string =>
  isMessageKey(header) ? header : randomUUID();

/** The guard of G15, before everything else. */
export const isMirrorRefused = (config: Config, isMirrored: boolean, isGet: boolean): boolean =>
  config.isShadowInstance ? !isMirrored : isMirrored && !isGet;

const unroutable = (status: 404 | 405, headers: Record<string, string> = {}): Reply => ({
  status,
  body: JSON.stringify({ detail: status === 404 ? "Not Found" : "Method Not Allowed" }),
  headers,
});

export function createApp(deps: AppDeps) {
  const { config, faults, metrics, log } = deps;
  const handleRouted = createRoutedCall(deps);
  const match = createRouteMatcher(SERVED_ROUTES);

  function failure(error: unknown, route: RouteSpec | null, requestId: string): Reply {
    const family = familyOf(route);
    if (error instanceof InvalidInputError) return { status: 422, body: violationsBody(error) };
    const known =
      error instanceof HttpError
        ? error
        : error instanceof StoreUnavailableError
          ? new HttpError(503, "STORE_UNAVAILABLE", "The store cannot be reached.")
          : null;
    const shown = known ?? new HttpError(500, null, "Internal error");
    if (!known) log.error("request failed", { requestId, route: route?.path, ...failureFields(error) });
    if (shown.status >= 500) metrics.errors.labels({ surface: "rest", code: shown.code ?? "INTERNAL" }).inc();
    return { status: shown.status, body: errorBody(shown, family), headers: shown.headers };
  }

  function headerFaults(request: IncomingMessage): Partial<Faultable> {
    const header = request.headers["x-fault"];
    if (!config.allowsFaultHeaders || typeof header !== "string") return {};
    try {
      return { added: parseFaults(header) };
    } catch (error) {
      if (error instanceof FaultSyntaxError) throw new HttpError(400, null, error.message);
      throw error;
    }
  }

  interface Answer {
    readonly reply: Reply;
    readonly route: RouteSpec | null;
    readonly at: Faultable;
  }

  async function answer(request: IncomingMessage, requestId: string): Promise<Answer> {
    const method = request.method ?? "GET";
    const [rawPath = "/", ...queryParts] = (request.url ?? "/").split("?");
    const path = decodedPath(rawPath);
    const nowhere: Faultable = { place: "process", requestId };
    if (isPreflight(request) && !isInternal(path)) {
      const isAllowed = config.corsOrigins.has(request.headers.origin ?? "");
      const body = isAllowed ? "OK" : "Disallowed CORS origin";
      const headers = preflightHeaders;
      return {
        reply: { status: isAllowed ? 200 : 400, body, contentType: "text/plain", headers },
        route: null,
        at: nowhere,
      };
    }
    const isExempt = GUARD_EXEMPT.has(path) || isInternal(path);
    if (!isExempt && isMirrorRefused(config, request.headers["x-shadow"] === "1", method === "GET")) {
      const refusal = new HttpError(421, "SHADOW_REFUSED", "Mirrored traffic and this instance do not fit.");
      return { reply: failure(refusal, null, requestId), route: null, at: nowhere };
    }
    // A user id is any text: there `%2F` is part of a name.
    const found = match(method, isInternal(rawPath) ? rawPath : matchable(path));
    if (found.found === "nothing") return { reply: unroutable(404), route: null, at: nowhere };
    const route = found.found === "route" ? found.route : null;
    if (isInternal(path) && !isServed(config, rawPath)) return { reply: unroutable(404), route: null, at: nowhere };
    if (found.found === "path") {
      return { reply: unroutable(405, { Allow: found.allow.join(", ") }), route, at: nowhere };
    }
    const isTarget = !FAULT_EXEMPT.has(path) && !isInternal(path);
    let at = nowhere;
    // Faults act after authentication: an answer before that is left as it is.
    let answerAt = nowhere;
    try {
      if (found.route.auth === "service") requireServiceToken(config, request);
      if (!isInternal(path)) at = { ...at, ...headerFaults(request) };
      if (isTarget) at = { ...at, place: "rest", routeId: found.route.id };
      const onAdmitted = (): void => {
        answerAt = at;
      };
      const query = new URLSearchParams(queryParts.join("?"));
      const routed = { request, route: found.route, rawParams: found.params, query, requestId, at, onAdmitted };
      const reply = await handleRouted(routed);
      return { reply, route, at: answerAt };
    } catch (error) {
      return { reply: failure(error, route, requestId), route, at: answerAt };
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const requestId = requestIdOf(request.headers["x-request-id"]);
    const { reply, route, at } = await answer(request, requestId);
    const isPublic = !isInternal((request.url ?? "/").split("?")[0] ?? "/");
    const cors = isPublic ? corsHeaders(request.headers.origin, config.corsOrigins) : {};
    const spoiled = at.place === "rest" ? await spoilReply(reply, faults, at) : { kind: "send" as const, reply };
    const sent = spoiled.kind === "send" ? spoiled.reply.status : spoiled.kind;
    const durationMs = performance.now() - started;
    const label = route?.path ?? "unmatched";
    const method = route?.method ?? "other";
    metrics.httpRequests.labels({ method, route: label, status: String(sent) }).inc();
    metrics.httpSeconds.labels({ method, route: label }).observe(durationMs / 1_000);
    const fields = { requestId, method: request.method, route: label, status: sent };
    log.info("request", { ...fields, durationMs: Math.round(durationMs * 1_000) / 1_000 });
    if (spoiled.kind === "silence") return;
    if (spoiled.kind === "reset") return void request.socket.resetAndDestroy();
    writeReply(response, spoiled.reply, { ...cors, "X-Request-Id": requestId });
  }

  return {
    handle(request: IncomingMessage, response: ServerResponse): void {
      serve(request, response).catch((error: unknown) => {
        log.error("request failed", failureFields(error));
        if (!response.headersSent) response.writeHead(500, { ...identityHeaders });
        response.end();
      });
    },
  };
}
