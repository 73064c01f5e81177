// A call whose route is known: body, token, path ids, replay, handler, in the order of contract G9.
import type { IncomingMessage } from "node:http";
import { canonicalUuid, type RouteSpec } from "../../contract/index.ts";
import type { Gate } from "../auth/gate.ts";
import { bearerOf } from "../auth/tokens.ts";
import { strain } from "../faults/processFaults.ts";
import { type Faultable, numberArg, type Switchboard } from "../faults/switchboard.ts";
import type { Metrics } from "../metrics.ts";
import type { Call, Reply } from "./call.ts";
import { type ErrorFamily, HttpError, InvalidInputError } from "./errors.ts";
import { parseJson, readBytes } from "./json.ts";
import { givenKey, keyedScope } from "./keyed.ts";

/** Handlers get a call that passed every check up to path ids; bearer routes look up, validate and act from there. */
export type Handler = (call: Call) => Promise<Reply>;
export type BearerHandler = (call: Call, admitted: { readonly sub: string; readonly email: string }) => Promise<Reply>;

export interface Handlers {
  readonly open: Readonly<Record<string, Handler>>;
  readonly bearer: Readonly<Record<string, BearerHandler>>;
}

export interface RoutedDeps {
  readonly gate: Gate;
  readonly faults: Switchboard;
  readonly metrics: Metrics;
  readonly handlers: Handlers;
}

export interface RoutedRequest {
  readonly request: IncomingMessage;
  readonly route: RouteSpec;
  readonly rawParams: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly requestId: string;
  readonly at: Faultable;
  /** Told once the caller is known: faults act on the answer only from here on. */
  readonly onAdmitted: () => void;
}

/** Bodies of routes that take more than others: one board of 32 MiB in base64, and its change around it. */
const BODY_BYTES_MAX: Readonly<Record<string, number>> = { "internal.changes.apply": 48 * 1_048_576 };

export const familyOf = (route: RouteSpec | null): ErrorFamily => (route?.family === "accounts" ? "D" : "E1");

const UNAUTHENTICATED = {
  E1: () => new HttpError(401, null, "A valid access token is needed."),
  D: (isMissing: boolean) =>
    new HttpError(401, null, isMissing ? "Not authenticated" : "Invalid authentication credentials"),
};

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

export function createRoutedCall({ gate, faults, metrics, handlers }: RoutedDeps) {
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

  async function handle({
    request,
    route,
    rawParams,
    query,
    requestId,
    at,
    onAdmitted,
  }: RoutedRequest): Promise<Reply> {
    const bytes = await readBytes(request, BODY_BYTES_MAX[route.id]);
    const parsed = parseJson(bytes);
    const body = parsed.kind === "json" ? parsed.value : undefined;
    const key = givenKey(request.headers["idempotency-key"], route.isKeyed);
    const base = { request, requestId, route, query, bytes, key, isKeyReused: false, at };
    const open = handlers.open[route.id];
    if (open) {
      onAdmitted();
      const invalid = parsed.kind === "invalid" ? { invalidBody: parsed.error } : {};
      if (parsed.kind === "invalid" && route.method !== "GET" && route.family === "accounts") throw parsed.error;
      return underFaults(at, () => open({ ...base, body, params: rawParams, ...invalid }));
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

  return handle;
}
