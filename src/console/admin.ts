import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Config } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import { checkOrigin, isLoopbackHost, type RequestFacts } from "./access.ts";
import { createAddressLimits } from "./addressLimits.ts";
import { createAdminApp, internal, SECURITY_HEADERS } from "./adminApp.ts";
import { AdminError, toAdminProblem } from "./errors.ts";
import { ensureOperateToken } from "./operateTokenFile.ts";
import type { AdminPorts } from "./ports.ts";
import { adminRoutes } from "./routes.ts";
import { createTokenCheck, TOKEN_BYTES_MIN, type TokenSet } from "./tokens.ts";
import { createTotalsSampler } from "./totalsSampler.ts";

export interface AdminOptions {
  readonly admin: Config["admin"];
  readonly stateDir: string;
  readonly ports: AdminPorts;
  readonly clock: Clock;
  /** A request failed by our own fault; for the log. */
  readonly onFailure?: (error: unknown) => void;
}

export interface AdminAddress {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** File of the operate token that was made here; null when tokens are configured. */
  readonly operateTokenFile: string | null;
}

export interface Admin {
  /** Rejects with the listen error (`EADDRINUSE` …), or when the address is open and no token is set (security A1). */
  listen(): Promise<AdminAddress>;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 256;
const CLOSE_MS = 2_000;
/** security §11: the same head limits as at the front door, with a second between checks (Node: 30 s). */
const SERVER_OPTIONS = {
  insecureHTTPParser: false,
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const;

export function createAdmin(options: AdminOptions): Admin {
  const { admin, ports, clock } = options;
  const sampler = createTotalsSampler(() => ports.totals(), clock, options.onFailure ?? (() => undefined));
  let server: Server | null = null;
  return {
    async listen() {
      const { tokens, file } = await tokensOf(options);
      server = createAdminServer(options, tokens, sampler);
      await listenOn(server, admin.listen.host, admin.listen.port);
      sampler.start();
      const { port } = server.address() as AddressInfo;
      const { host } = admin.listen;
      return { host, port, url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`, operateTokenFile: file };
    },
    async close() {
      sampler.stop();
      const closing = server;
      server = null;
      if (closing) await closeServer(closing, clock);
    },
  };
}

async function tokensOf({ admin, stateDir }: AdminOptions): Promise<{ tokens: TokenSet; file: string | null }> {
  const { viewToken, operateToken } = admin;
  for (const token of [viewToken, operateToken]) {
    if (token !== null && Buffer.byteLength(token) < TOKEN_BYTES_MIN) {
      throw new Error(
        `an admin token must have at least ${TOKEN_BYTES_MIN} bytes; make one with: openssl rand -base64 32`,
      );
    }
  }
  if (viewToken !== null || operateToken !== null) {
    return { tokens: { view: viewToken, operate: operateToken, isGenerated: false }, file: null };
  }
  // An open admin port on another address would let the whole network move users (security A1).
  if (!isLoopbackHost(admin.listen.host)) {
    throw new Error(
      `admin.listen ${admin.listen.host} is not loopback and no token is set; set admin.operateTokenEnv or listen on 127.0.0.1`,
    );
  }
  const { token, file } = await ensureOperateToken(stateDir);
  return { tokens: { view: null, operate: token, isGenerated: true }, file };
}

function createAdminServer(
  options: AdminOptions,
  tokens: TokenSet,
  sampler: ReturnType<typeof createTotalsSampler>,
): Server {
  const { admin, ports, clock, onFailure = () => undefined } = options;
  const app = createAdminApp({
    routes: adminRoutes({ ports, sampler, clock }, admin.isMetricsOpen),
    tokens: createTokenCheck(tokens),
    limits: createAddressLimits(clock),
    onFailure,
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(SERVER_OPTIONS, (request, response) => {
    try {
      // Before the framework: it would build an address from a Host header that nobody has judged yet.
      checkOrigin(factsOf(request), admin.listen.host);
    } catch (error) {
      refuse(error instanceof AdminError ? error : internal(), response);
      return;
    }
    listener(request, response).catch(onFailure);
  });
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function factsOf(request: IncomingMessage): RequestFacts {
  const valuesOf = (name: string): readonly string[] => request.headersDistinct[name] ?? [];
  return {
    method: request.method ?? "",
    target: request.url ?? "",
    hosts: valuesOf("host"),
    origins: valuesOf("origin"),
    fetchSites: valuesOf("sec-fetch-site"),
    localAddress: request.socket.localAddress ?? "",
  };
}

/** Refused before the body was read: the connection goes with it, so that nothing behind it is taken for a request. */
function refuse(error: AdminError, response: ServerResponse): void {
  const body = JSON.stringify(toAdminProblem(error));
  response.writeHead(error.status, {
    ...SECURITY_HEADERS,
    ...error.headers,
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.end(body);
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: host.replace(/^\[|\]$/g, ""), port }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

async function closeServer(server: Server, clock: Clock): Promise<void> {
  const cancel = clock.after(CLOSE_MS, () => server.closeAllConnections());
  await new Promise<void>((resolve) => server.close(() => resolve()));
  cancel();
}
