// The host's HTTP face: the function API, files, HTTP actions, probes, and the door of the sync sockets (embedded-convex §3.9).
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { errorReply, leaveBody, type Reply, sendReply } from "./httpReply.ts";
import { createHttpRoutes, type HttpRouteOptions, type RouteLimits } from "./httpRoutes.ts";
import { LIMITS } from "./limits.ts";
import { createOpenRequests } from "./openRequests.ts";
import { isOwnHost, isOwnOrigin } from "./originRules.ts";
import { TransportError } from "./words.ts";

export interface HttpServerOptions extends HttpRouteOptions {
  /** A checked upgrade to `/api/<version>/sync`. */
  readonly onSync: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Pages that may call, as `Origin` names them; "*" for all. */
  readonly origins: readonly string[];
  /** Names besides this machine's that `Host` may have. */
  readonly hosts?: readonly string[];
  /** Told of failures that are the host's own. */
  readonly onError?: (error: unknown) => void;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpLimits extends RouteLimits {
  readonly connections: number;
  readonly waitingCalls: number;
  /** How long `close` waits for calls under way. */
  readonly closeMs: number;
}

export interface HttpServer {
  /** Port 0: a free one. */
  listen(host: string, port: number): Promise<{ readonly url: string }>;
  /** Refuses new calls at once, lets those under way finish within 10 s, then ends all connections. */
  close(): Promise<void>;
}

const SYNC_PATH = /^\/api\/(?:[^/]+\/)?sync$/;
/** As long as a call may take: an action 10 min, an upload of 256 MiB about as long over a slow line. */
const REQUEST_TIMEOUT_MS = 600_000;
const HEAD_TIMEOUT_MS = 20_000;
/** Longer than clients keep theirs, so that it is they who close an idle connection, never under a request. */
const KEEP_ALIVE_MS = 65_000;
const CLOSE_MS = 10_000;

/** Serves once `listen` is called; afterwards it owns its connections, except for sockets handed to `onSync`. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { origins, onError = () => undefined } = options;
  const limits: HttpLimits = { ...LIMITS, closeMs: CLOSE_MS, ...options.limits };
  const hosts = [...(options.hosts ?? [])];
  const timeouts = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEAD_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server = createServer({ ...timeouts, shouldUpgradeCallback: (request) => SYNC_PATH.test(pathOf(request)) });
  const requests = createOpenRequests(server, limits.connections, limits.waitingCalls);
  const routes = createHttpRoutes(options, limits, () => requests.isClosing);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = urlOf(request, hosts);
    const reply = await routes.probe(request, url.pathname);
    if (reply !== null) return sendReply(response, reply);
    if (!routes.isOpen(url.pathname)) checkOrigin(request, origins);
    requests.check(request);
    await requests.run(response, () => routes.answer(request, response, url));
  };

  server.on("request", (request, response) => {
    response.on("error", () => undefined).once("close", () => leaveBody(request));
    handle(request, response).catch((error: unknown) => {
      if (!(error instanceof TransportError) && !isClientGone(error)) onError(error);
      if (response.headersSent) response.destroy();
      else {
        if (requests.isClosing) response.setHeader("connection", "close");
        sendReply(response, errorReply(error));
      }
    });
  });

  server.on("upgrade", (request, socket, head) => {
    try {
      urlOf(request, hosts);
      checkOrigin(request, origins);
      requests.check(request);
      options.onSync(request, socket, head);
    } catch (error) {
      if (!(error instanceof TransportError)) onError(error);
      refuseUpgrade(socket, errorReply(error));
    }
  });

  return {
    async listen(host, port) {
      const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
      hosts.push(name);
      server.listen(port, host);
      await once(server, "listening");
      const address = server.address();
      const boundPort = typeof address === "object" && address !== null ? address.port : port;
      return { url: `http://${name.includes(":") ? `[${name}]` : name}:${boundPort}` };
    },
    async close() {
      requests.refuseNew();
      await requests.quiet(limits.closeMs);
      routes.close();
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      requests.destroyConnections();
      await closed;
    },
  };
}

const CLIENT_GONE = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_DESTROYED", "ERR_STREAM_PREMATURE_CLOSE"]);

function isClientGone(error: unknown): boolean {
  return CLIENT_GONE.has(String((error as NodeJS.ErrnoException | null)?.code));
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

/** @throws TransportError 421 for a `Host` that is not ours, 400 for a target that is no path */
function urlOf(request: IncomingMessage, hosts: readonly string[]): URL {
  const { host } = request.headers;
  if (!isOwnHost(host, hosts, request.socket.localAddress)) {
    throw new TransportError(421, "UnknownHost", "This Host is not one of the embedded host's names");
  }
  const text = `http://${host}${request.url ?? ""}`;
  if (!request.url?.startsWith("/") || !URL.canParse(text)) {
    throw new TransportError(400, "BadRequestTarget", "Expected a path as the target of the request");
  }
  return new URL(text);
}

/** @throws TransportError 403 */
function checkOrigin(request: IncomingMessage, origins: readonly string[]): void {
  if (isOwnOrigin(request.headers.origin, request.headers.host, origins)) return;
  throw new TransportError(
    403,
    "OriginNotAllowed",
    "Pages of this Origin may not call the embedded host; configure it",
  );
}

function refuseUpgrade(socket: Duplex, reply: Reply): void {
  const head = [
    `HTTP/1.1 ${reply.status} Refused`,
    "connection: close",
    ...Object.entries(reply.headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(reply.body)}`,
  ];
  socket.on("error", () => undefined);
  socket.end(`${head.join("\r\n")}\r\n\r\n${reply.body}`, () => socket.destroy());
}
