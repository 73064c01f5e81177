// The way of a REST call, in the order of contract G9.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  canonicalUuid,
  createRouteMatcher,
  isMessageKey,
  type RouteSpec,
  SERVED_ROUTES,
} from "../../contract/index.ts";
import type { Gate } from "../auth/gate.ts";
import { bearerOf } from "../auth/tokens.ts";
import type { Config } from "../config.ts";
import { FaultSyntaxError, parseFaults } from "../faults/parse.ts";
import { strain } from "../faults/processFaults.ts";
import type { Faultable, Switchboard } from "../faults/switchboard.ts";
import { numberArg } from "../faults/switchboard.ts";
import { failureFields, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { StoreUnavailableError } from "../ports.ts";
import type { Call, Reply } from "./call.ts";
import { corsHeaders, isPreflight, preflightHeaders } from "./cors.ts";
import { type ErrorFamily, errorBody, HttpError, InvalidInputError, violationsBody } from "./errors.ts";
import { parseJson, readBytes } from "./json.ts";
import { givenKey, keyedScope } from "./keyed.ts";
import { identityHeaders, spoilReply, writeReply } from "./respond.ts";

/** Handlers get a call that passed every check up to path ids; bearer routes look up, validate and act from there. */
export type Handler = (call: Call) => Promise<Reply>;
export type BearerHandler = (call: Call, admitted: { readonly sub: string; readonly email: string }) => Promise<Reply>;

export interface Handlers {
  readonly open: Readonly<Record<string, Handler>>;
  readonly bearer: Readonly<Record<string, BearerHandler>>;
}

export interface AppDeps {
  readonly config: Config;
  readonly gate: Gate;
  readonly faults: Switchboard;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly handlers: Handlers;
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

const familyOf = (route: RouteSpec | null): ErrorFamily => (route?.family === "accounts" ? "D" : "E1");

const UNAUTHENTICATED = {
  E1: () => new HttpError(401, null, "A valid access token is needed."),
  D: (isMissing: boolean) =>
    new HttpError(401, null, isMissing ? "Not authenticated" : "Invalid authentication credentials"),
};

export function createApp(deps: AppDeps) {
  const { config, gate, faults, metrics, log, handlers } = deps;
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

  function canonicalParams(params: Readonly<Record<string, string>>): Record<string, string> {
    const canonical: Record<string, string> = {};
    for (const [name, value] of Object.entries(params)) {
      const id = canonicalUuid(value);
      if (id === null) {
        const ctx = { error: "not a UUID" };
        const row = { type: "uuid_parsing", loc: ["path", name], msg: "This must be a UUID.", input: value, ctx };
        throw new InvalidInputError([row]);
      }
      canonical[name] = id;
    }
    return canonical;
  }

  async function handleRouted(
    request: IncomingMessage,
    route: RouteSpec,
    rawParams: Readonly<Record<string, string>>,
    query: URLSearchParams,
    requestId: string,
    at: Faultable,
    onAdmitted: () => void,
  ): Promise<Reply> {
    const bytes = await readBytes(request);
    const parsed = parseJson(bytes);
    const body = parsed.kind === "json" ? parsed.value : undefined;
    const key = givenKey(request.headers["idempotency-key"], route.isKeyed);
    const base = { request, requestId, route, query, bytes, key, isKeyReused: false, at };
    const open = handlers.open[route.id];
    if (open) {
      onAdmitted();
      if (parsed.kind === "invalid" && route.method !== "GET" && route.family === "accounts") throw parsed.error;
      return underFaults(at, () => open({ ...base, body, params: rawParams }));
    }
    const bearer = handlers.bearer[route.id];
    if (!bearer) throw new TypeError(`no handler for route ${route.id}`);

    const header = request.headers.authorization;
    const token = bearerOf(header);
    const family = familyOf(route);
    const refuse = (): HttpError => (family === "D" ? UNAUTHENTICATED.D(token === null) : UNAUTHENTICATED.E1());
    const caller = await gate.identify(token, at);
    if (!caller) throw refuse();
    const scope = faults.fire("double-effect", at) ? null : keyedScope(key, route, rawParams, body);
    const admitted = await gate.admit(caller, scope);
    if (!admitted) throw refuse();
    onAdmitted();
    const needsJson = (route.method === "POST" || route.method === "PATCH") && route.id !== "R5";
    if (parsed.kind === "invalid" && needsJson) throw parsed.error;
    const params = canonicalParams(rawParams);
    if (admitted.replay) return replayed(admitted.replay);
    const given: Call["key"] = scope || key.kind === "illegal" ? key : { kind: "none" };
    const call: Call = { ...base, body, params, key: given, isKeyReused: admitted.isReused };
    return underFaults(at, () => bearer(call, caller));
  }

  /** An early failure by fault has no effect; a late one follows a committed effect. */
  async function underFaults(at: Faultable, work: () => Promise<Reply>): Promise<Reply> {
    if (at.place !== "rest") return work();
    const early = faults.fire("http-5xx", at);
    if (early) throw new HttpError(numberArg(early, 500), null, "Injected failure.");
    strain(faults, at);
    const reply = await work();
    const late = faults.fire("late-5xx", at);
    if (late) throw new HttpError(numberArg(late, 500), null, "Injected failure.");
    return reply;
  }

  function replayed(stored: { status: number; body: string | null }): Reply {
    metrics.replays.labels({ surface: "rest" }).inc();
    const headers = { "Idempotency-Replayed": "true" };
    return stored.body === null
      ? { status: stored.status, headers }
      : { status: stored.status, body: stored.body, headers };
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
    const found = match(method, matchable(path));
    if (found.found === "nothing") return { reply: unroutable(404), route: null, at: nowhere };
    const route = found.found === "route" ? found.route : null;
    const isSwitchable = config.serviceToken !== null && config.allowsFaultHeaders;
    if (isInternal(path) && !isSwitchable) return { reply: unroutable(404), route: null, at: nowhere };
    if (found.found === "path") {
      return { reply: unroutable(405, { Allow: found.allow.join(", ") }), route, at: nowhere };
    }
    const isTarget = !FAULT_EXEMPT.has(path) && !isInternal(path);
    let at = nowhere;
    // Faults act after authentication: an answer before that is left as it is.
    let answerAt = nowhere;
    try {
      if (!isInternal(path)) at = { ...at, ...headerFaults(request) };
      if (isTarget) at = { ...at, place: "rest", routeId: found.route.id };
      const onAdmitted = (): void => {
        answerAt = at;
      };
      const query = new URLSearchParams(queryParts.join("?"));
      const reply = await handleRouted(request, found.route, found.params, query, requestId, at, onAdmitted);
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
