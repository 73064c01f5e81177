// The listener: routes, bearer check, fault switch, one log line per request, bounded connections, graceful stop.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { type ApiError, invalidRequest, missingKey, serverError, unknownPath, wrongMethod } from "./errors.ts";
import { type Exchange, openExchange, readBody, Refusal, sendJson, sendText } from "./exchange.ts";
import { createFaultSwitch, type FaultSwitch, FaultSyntaxError, parseFaults } from "./faults.ts";
import { chatCompletion, embeddings, modelList } from "./handlers.ts";
import { RequestError } from "./request.ts";
import type { Settings } from "./settings.ts";

const CONNECTIONS_MAX = 2_000;
const STOP_MS_MAX = 10_000;

export type Log = (line: Readonly<Record<string, unknown>>) => void;

export interface StandIn {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, lets running replies finish for at most 10 s. */
  stop(): Promise<void>;
}

type Handler = (request: IncomingMessage, exchange: Exchange) => Promise<string | undefined>;
type Route = Readonly<Record<string, Handler>>;

/** Any non-empty bearer is welcome (services.md §13). */
function requireBearer(request: IncomingMessage): void {
  if (!/^bearer +\S/i.test(request.headers.authorization ?? "")) throw new Refusal(missingKey);
}

function modelRoutes(settings: Settings, faults: FaultSwitch): Readonly<Record<string, Route>> {
  const call =
    (handle: typeof chatCompletion): Handler =>
    async (request, exchange) => {
      requireBearer(request);
      return handle(exchange, await readBody(request), faults.roll(), settings);
    };
  return {
    "/v1/chat/completions": { POST: call(chatCompletion) },
    "/v1/embeddings": { POST: call(embeddings) },
    "/v1/models": {
      GET: async (request, exchange) => {
        requireBearer(request);
        sendJson(exchange, 200, modelList);
        return undefined;
      },
    },
    "/healthz": {
      GET: async (_, exchange) => {
        sendJson(exchange, 200, { status: "ok" });
        return undefined;
      },
    },
  };
}

/** `PUT|GET /faults` exists only where fault headers are allowed (faults.md §4). */
const faultRoutes = (faults: FaultSwitch): Readonly<Record<string, Route>> => ({
  "/faults": {
    GET: async (_, exchange) => {
      sendText(exchange, 200, faults.text());
      return undefined;
    },
    PUT: async (request, exchange) => {
      faults.set(parseFaults(await readBody(request)));
      sendText(exchange, 204, "");
      return undefined;
    },
  },
});

function refusalOf(error: unknown): ApiError | null {
  if (error instanceof Refusal) return error.error;
  if (error instanceof RequestError) return invalidRequest(error.message, error.param);
  if (error instanceof FaultSyntaxError) return invalidRequest(error.message);
  return null;
}

function find(routes: Readonly<Record<string, Route>>, method: string, path: string): Handler {
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route) throw new Refusal(unknownPath(method, path));
  const handler = Object.hasOwn(route, method) ? route[method] : undefined;
  if (!handler) throw new Refusal(wrongMethod(Object.keys(route).join(", ")));
  return handler;
}

function answerError(exchange: Exchange, error: unknown, log: Log): void {
  if (exchange.gone.aborted) return;
  const refusal = refusalOf(error);
  if (!refusal) log({ level: "error", msg: "unexpected failure", error: String(error) });
  if (exchange.response.headersSent) exchange.response.destroy();
  else sendJson(exchange, (refusal ?? serverError).status, (refusal ?? serverError).body, refusal?.headers);
}

const oneHeader = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

function listener(routes: Readonly<Record<string, Route>>, log: Log) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedAt = performance.now();
    const exchange = openExchange(response);
    const method = request.method ?? "GET";
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const requestId = oneHeader(request.headers["x-request-id"])?.slice(0, 128);
    if (requestId !== undefined) response.setHeader("x-request-id", requestId);
    let kind: string | undefined;
    try {
      kind = await find(routes, method, path)(request, exchange);
    } catch (error) {
      answerError(exchange, error, log);
    }
    const durationMs = Math.round(performance.now() - startedAt);
    const route = Object.hasOwn(routes, path) ? path : "other";
    log({ level: "info", msg: "request", requestId, method, route, kind, status: response.statusCode, durationMs });
  };
}

function listen(server: Server, { port, host }: Settings): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), STOP_MS_MAX);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Rejects with the system's error when the port cannot be had. */
export async function startStandIn(settings: Settings, log: Log): Promise<StandIn> {
  const faults = createFaultSwitch(settings.faults, settings.faultSeed);
  const routes = { ...modelRoutes(settings, faults), ...(settings.canSwitchFaults ? faultRoutes(faults) : {}) };
  const handle = listener(routes, log);
  const server = createServer((request, response) => {
    // A reply that ends while stopping leaves its kept-alive connection behind; nobody would close it.
    response.once("close", () => setImmediate(() => server.listening || server.closeIdleConnections()));
    void handle(request, response);
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on("drop", () => log({ level: "warn", msg: "connection refused", limit: CONNECTIONS_MAX }));
  const address = await listen(server, settings);
  return { host: settings.host, port: address.port, stop: () => stop(server) };
}
