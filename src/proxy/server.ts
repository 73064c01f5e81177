import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ErrorCode, newRequestId, SwitchyardError } from "../kernel/index.ts";
import type { Core, Environment } from "./core.ts";
import { HttpExchange, isWebSocketUpgrade } from "./httpExchange.ts";
import { doom, isDoomed, refuseCall, refuseSocket } from "./refusal.ts";
import { METHODS_ALLOWED } from "./requestHead.ts";
import type { Upgrader } from "./session/upgrade.ts";
import { isInternalPath, readTarget } from "./target.ts";

export interface FrontDoor {
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Stops accepting and closes idle connections; resolves when the last running exchange has ended. */
  close(): Promise<void>;
  /** Cuts what is left. */
  cut(): void;
  readonly openConnections: number;
}

const RUNNING = Symbol("running");
/** A client's socket carries its newest call: a weak map costs every collection of garbage (bench, rest). */
type Carrying = Duplex & { [RUNNING]?: HttpExchange };

const CHECK_INTERVAL_MS = 1_000;

/** The public listener (security §1). `core` is asked per call, so that a reload is seen by the next one. */
export function createFrontDoor(env: Environment, core: () => Core, upgrader: Upgrader): FrontDoor {
  refuseLenientParser();
  const { limits } = core().config;
  const server = createServer({
    maxHeaderSize: limits.headBytesMax,
    headersTimeout: limits.headMs,
    requestTimeout: limits.uploadBodyMs + limits.headMs, // the body has its own, tighter clock
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    keepAliveTimeout: limits.keepAliveMs,
    requireHostHeader: false, // judged with the rest of the head, so that the refusal is counted
    insecureHTTPParser: false, // security F1
    noDelay: true,
    shouldUpgradeCallback: (req) => shouldUpgrade(core(), req),
  });
  // Node drops what exceeds this in silence: one more than the limit, so that the head's own check sees it.
  server.maxHeadersCount = limits.headCountMax + 1;

  const serve = (req: IncomingMessage, res: ServerResponse): void => {
    const exchange = new HttpExchange(env, core(), req, res);
    (req.socket as Carrying)[RUNNING] = exchange;
    exchange.start();
  };
  server.on("request", serve);
  server.on("checkContinue", serve); // the exchange answers 100 itself, after its checks (security F12)
  server.on("checkExpectation", (req, res) => {
    const error = new SwitchyardError("SY_EXPECTATION", "only 100-continue can be expected");
    refuse(env, core(), req, res, error);
  });
  server.on("upgrade", (req, socket, head) => upgrader.handle(core(), req, socket, head));
  server.on("connect", (_req, socket) => refuseTunnel(env, socket));
  server.on("clientError", (error, socket) => onClientError(env, error, socket));
  const connections = guardConnections(env, server, core);
  return {
    listen: (host, port) => listen(server, host, port),
    close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Not the http server's own close: that destroys connections whose answer has ended but not yet left.
      NetServer.prototype.close.call(server, () => resolve());
      // Answers leave in the order of their calls: with the last one gone all are.
      const isIdle = (socket: Socket): boolean => (socket as Carrying)[RUNNING]?.isOver !== false;
      const stop = sweepIdle(env, connections.open, isIdle);
      void promise.then(stop);
      return promise;
    },
    cut() {
      server.close();
      server.closeAllConnections();
    },
    get openConnections() {
      return connections.count;
    },
  };
}

/** Both readings of one request are what smuggling lives from (security F1). */
export function refuseLenientParser(
  execArgv: readonly string[] = process.execArgv,
  nodeOptions = process.env["NODE_OPTIONS"] ?? "",
): void {
  if (execArgv.includes("--insecure-http-parser") || nodeOptions.includes("--insecure-http-parser")) {
    throw new Error("switchyard does not start with --insecure-http-parser: lenient parsing lets requests be smuggled");
  }
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
  server.once("error", reject);
  server.listen({ host, port }, () => {
    server.off("error", reject);
    resolve(server.address() as AddressInfo);
  });
  return promise;
}

/** Only a WebSocket GET on a socket route becomes an upgrade; everything else stays a plain call (security W1, F7). */
function shouldUpgrade(core: Core, req: IncomingMessage): boolean {
  if (!isWebSocketUpgrade(req)) return false;
  try {
    const { path } = readTarget(req.url ?? "", "http", req.headers.host ?? "");
    return !isInternalPath(path) && core.routes.match("WS", path) !== null;
  } catch {
    return false; // the plain path refuses it with the reason
  }
}

function refuse(env: Environment, core: Core, req: IncomingMessage, res: ServerResponse, error: SwitchyardError): void {
  env.metrics.refused.inc({ reason: error.code });
  const corsHeaders = core.cors.headersFor(req.headers.origin ?? null); // security O3
  refuseCall(req, res, error, { requestId: newRequestId(), corsHeaders });
}

/** CONNECT never becomes a tunnel (security F9). */
function refuseTunnel(env: Environment, socket: Duplex): void {
  const error = new SwitchyardError("SY_METHOD_NOT_ALLOWED", "no tunnels", { headers: { allow: METHODS_ALLOWED } });
  socket.on("error", () => socket.destroy());
  env.metrics.refused.inc({ reason: error.code });
  refuseSocket(socket, error, { requestId: newRequestId(), corsHeaders: [] });
}

const PARSER_CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: "SY_HEADERS_TOO_LARGE",
  ERR_HTTP_REQUEST_TIMEOUT: "SY_HEAD_TIMEOUT",
};
const PARSER_DETAILS: Partial<Record<ErrorCode, string>> = {
  SY_HEADERS_TOO_LARGE: "the request head is too large",
  SY_HEAD_TIMEOUT: "the request head took too long",
  SY_BAD_REQUEST: "the request does not follow HTTP/1.1",
};

/** What no parser could read: one answer at most, then the connection ends (security F5, F13). */
function onClientError(env: Environment, error: NodeJS.ErrnoException, socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  if (error.code === "ECONNRESET" || socket.destroyed || isDoomed(socket)) {
    socket.destroy();
    return;
  }
  const code = PARSER_CODES[error.code ?? ""] ?? "SY_BAD_REQUEST";
  const refusal = new SwitchyardError(code, PARSER_DETAILS[code] ?? "");
  const exchange = (socket as Carrying)[RUNNING];
  doom(socket);
  if (exchange?.isRunning) {
    exchange.breakOff(refusal);
    return;
  }
  env.metrics.refused.inc({ reason: code });
  refuseSocket(socket, refusal, { requestId: newRequestId(), corsHeaders: [] });
}

const SWEEP_MS = 50;

/** While closing: a connection without a running call ends, once what is written to it has left. */
function sweepIdle(env: Environment, open: ReadonlySet<Socket>, isIdle: (socket: Socket) => boolean): () => void {
  let cancel = () => {};
  const sweep = (): void => {
    for (const socket of open) if (isIdle(socket)) socket.destroySoon();
    cancel = env.clock.after(SWEEP_MS, sweep);
  };
  sweep();
  return () => cancel();
}

/** Connections per process and per address (security §11): above, they are not served. */
function guardConnections(env: Environment, server: Server, core: () => Core): { count: number; open: Set<Socket> } {
  /** `open`: those that still speak HTTP; an upgraded one belongs to its session. */
  const state = { count: 0, open: new Set<Socket>() };
  server.prependListener("upgrade", (_req, socket) => void state.open.delete(socket as Socket));
  const byAddress = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => {}); // security W7: also between two owners
    const { connectionsMax, connectionsPerAddressMax } = core().config.limits;
    const address = socket.remoteAddress ?? "";
    const own = byAddress.get(address) ?? 0;
    if (state.count >= connectionsMax || own >= connectionsPerAddressMax) {
      env.metrics.refused.inc({ reason: "connections" });
      doom(socket);
      socket.end(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      );
      return;
    }
    state.count++;
    state.open.add(socket);
    byAddress.set(address, own + 1);
    socket.once("close", () => {
      state.count--;
      state.open.delete(socket);
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left <= 0) byAddress.delete(address);
      else byAddress.set(address, left);
    });
  });
  return state;
}
