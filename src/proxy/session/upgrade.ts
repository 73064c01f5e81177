import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { newRequestId, type Subject, SwitchyardError } from "../../kernel/index.ts";
import type { Instance } from "../arms.ts";
import { type Core, decideRoute, type Environment, type RoutedDecision } from "../core.ts";
import { bearerToken } from "../identity.ts";
import { doom, isDoomed, refuseSocket, toSwitchyardError, writeBareReply } from "../refusal.ts";
import { readHead, type RequestHead } from "../requestHead.ts";
import type { RouteMatch } from "../routeTable.ts";
import { isInternalPath, readTarget, type Target, takeQueryToken } from "../target.ts";
import { type LegResult, openLeg } from "./leg.ts";
import type { SocketRegistry } from "./registry.ts";
import { SocketSession } from "./socketSession.ts";

/** Opens client sockets: judged, identified, decided, and upgraded only after the arm's own 101 (security W1–W8). */
export interface Upgrader {
  handle(core: Core, req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

interface Judged {
  readonly head: RequestHead;
  readonly target: Target;
  readonly match: RouteMatch;
  readonly token: string | null;
  readonly query: string;
  readonly address: string;
  readonly requestId: string;
  readonly startedMs: number;
}

/** Refused with the body that the application's contract fixes for a socket without a valid token. */
class Unauthorized extends Error {}

export function createUpgrader(env: Environment, sockets: SocketRegistry): Upgrader {
  const servers = new Map<number, WebSocketServer>();
  const replyHeaders = new WeakMap<IncomingMessage, string[]>();

  const serverFor = (core: Core, messageBytesMax: number): WebSocketServer => {
    const { limits } = core.config;
    let server = servers.get(messageBytesMax);
    if (!server) {
      server = new WebSocketServer({
        noServer: true,
        clientTracking: false,
        perMessageDeflate: false, // security W6
        maxPayload: messageBytesMax,
        maxFragments: limits.fragmentsMax,
        maxBufferedChunks: limits.chunksMax,
        closeTimeout: limits.closeMs,
        handleProtocols: () => false,
      } as ConstructorParameters<typeof WebSocketServer>[0]);
      server.on("headers", (headers, req) => headers.push(...(replyHeaders.get(req) ?? [])));
      servers.set(messageBytesMax, server);
    }
    return server;
  };

  const open = async (
    core: Core,
    req: IncomingMessage,
    socket: Duplex,
    early: Buffer,
    judged: Judged,
  ): Promise<void> => {
    const subject = await identify(env, core, judged.token);
    const release = admit(env, core, sockets, subject, judged.address);
    const gone = new AbortController();
    const onGone = (): void => {
      release();
      gone.abort();
    };
    socket.once("close", onGone);
    if (socket.destroyed) return onGone();
    const decision = decideRoute(env, judged.match.route, subject);
    const { route } = judged.match;
    env.metrics.decisions.inc({ unit: route.unit.id, arm: decision.arm, reason: decision.reason });
    const attempt = { core, judged, decision, subject, signal: gone.signal };
    const result = await attach(env, attempt, (instance, opened) => {
      const ownHeaders = handshakeHeaders(core, judged, opened.replyHeaders);
      replyHeaders.set(req, ownHeaders);
      const server = serverFor(core, Math.min(route.config.messageBytesMax, core.config.limits.clientMessageBytesMax));
      server.handleUpgrade(req, socket, early, (client) => {
        const session = new SocketSession({
          env,
          route,
          subject,
          address: judged.address,
          requestId: judged.requestId,
          decision,
          instance,
          client,
          leg: opened.leg,
          limits: socketLimits(core, judged.match),
          spreadMs: sockets.spreadMs,
          onClosed: sockets.remove,
        });
        instance.sockets++;
        env.metrics.sockets.inc({ route: route.id, arm: decision.arm });
        sockets.add(session);
      });
    });
    env.metrics.socketHandshakes.inc({ route: route.id, arm: decision.arm, outcome: outcomeOf(result) });
    logHandshake(env, judged, decision, subject, result);
    if (result.kind === "open") return;
    release();
    if (result.kind === "failed") throw result.error;
    const extra = [...core.cors.headersFor(judged.head.origin), "X-Request-Id", judged.requestId];
    writeBareReply(socket, result.status, result.contentType, result.body, extra);
  };

  return {
    handle(core, req, socket, early) {
      // Before the first await: an upgraded socket has no owner, an error without a listener ends the process (W7).
      socket.on("error", () => socket.destroy());
      if (isDoomed(socket)) {
        socket.destroy();
        return;
      }
      let requestId = newRequestId();
      const refuse = (error: unknown): void => {
        const corsHeaders = core.cors.headersFor(req.headers.origin ?? null);
        if (error instanceof Unauthorized) refuseUnauthorized(env, socket, requestId, corsHeaders);
        else {
          const known = toSwitchyardError(error);
          env.metrics.refused.inc({ reason: known.code });
          refuseSocket(socket, known, { requestId, corsHeaders });
        }
      };
      try {
        const judged = judge(env, core, req, early);
        requestId = judged.requestId;
        open(core, req, socket, early, judged).catch(refuse);
      } catch (error) {
        refuse(error);
      }
    },
  };
}

/** Order of security W3: front door, route 404, origin 403, token 401; limits and decision follow. */
function judge(env: Environment, core: Core, req: IncomingMessage, early: Buffer): Judged {
  const { config } = core;
  const head = readHead(
    { method: req.method ?? "", httpVersion: req.httpVersion, url: req.url ?? "", rawHeaders: req.rawHeaders },
    { ...config.limits, isFaultAllowed: config.headers.isFaultAllowed },
  );
  if (head.hasBody) throw new SwitchyardError("SY_BAD_REQUEST", "a handshake carries no body");
  if (early.length > config.limits.earlyBytesMax) {
    throw new SwitchyardError("SY_BAD_REQUEST", "too much was sent before the handshake was answered");
  }
  const target = readTarget(req.url ?? "", "http", head.host);
  const match = isInternalPath(target.path) ? null : core.routes.match("WS", target.path);
  if (!match) throw new SwitchyardError("SY_NOT_FOUND", "no such socket");
  checkHandshake(req);
  if (head.origin !== null && !core.cors.isAllowed(head.origin)) {
    throw new SwitchyardError("SY_ORIGIN_REFUSED", "this origin may not open sockets");
  }
  if (env.isDraining)
    throw new SwitchyardError("SY_DRAINING", "the proxy is stopping", { headers: { "retry-after": "1" } });
  const { token, query } = takeQueryToken(target.query);
  return {
    head,
    target,
    match,
    token: bearerToken(head.authorization) ?? (head.authorization === null ? token : null),
    query,
    address: core.clientAddress(req.socket.remoteAddress ?? "", head.forwardedFor),
    requestId: head.requestId ?? newRequestId(),
    startedMs: env.clock.monotonic(),
  };
}

/** RFC 6455 §4.2.1. */
function checkHandshake(req: IncomingMessage): void {
  if (req.headers["sec-websocket-version"] !== "13") {
    throw new SwitchyardError("SY_UPGRADE_REQUIRED", "WebSocket version 13 is needed", {
      headers: { "sec-websocket-version": "13" },
    });
  }
  // 16 bytes in base64 end in one of four letters before the padding.
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(req.headers["sec-websocket-key"] ?? "")) {
    throw new SwitchyardError("SY_BAD_REQUEST", "Sec-WebSocket-Key is not 16 bytes in base64");
  }
}

async function identify(env: Environment, core: Core, token: string | null): Promise<Subject> {
  const identified = await core.identity.of(token);
  if (identified.kind === "verified") return identified.subject;
  if (identified.kind === "refused") env.metrics.identityRefused.inc({ why: identified.why });
  throw new Unauthorized();
}

function admit(env: Environment, core: Core, sockets: SocketRegistry, subject: Subject, address: string): () => void {
  const { limits } = core.config;
  const retry = { headers: { "retry-after": "5" } };
  if (env.overload.isMemoryShort() || env.overload.shouldShed()) {
    throw new SwitchyardError("SY_OVERLOADED", "too much load, try again shortly", retry);
  }
  if (
    sockets.countOf(subject) >= limits.socketsPerSubjectMax ||
    sockets.countAt(address) >= limits.socketsPerAddressMax
  ) {
    throw new SwitchyardError("SY_RATE_LIMITED", "too many open sockets", retry);
  }
  return sockets.reserve(subject, address);
}

interface Attempt {
  readonly core: Core;
  readonly judged: Judged;
  readonly decision: RoutedDecision;
  readonly subject: Subject;
  readonly signal: AbortSignal;
}

type OpenResult = Extract<LegResult, { kind: "open" }>;

/** Tries the arm's instances in order while nothing was sent; never the other arm (security F16). */
async function attach(
  env: Environment,
  attempt: Attempt,
  onOpen: (instance: Instance, opened: OpenResult) => void,
): Promise<LegResult> {
  const { core, judged, decision, subject, signal } = attempt;
  const instances = core.arms[decision.arm].order(subject);
  let last: LegResult | null = null;
  for (const instance of instances) {
    const path = judged.match.route.pathFor(decision.arm, judged.target.path, judged.match.params) + judged.query;
    const headers = legHeaders(core, judged);
    last = await openLeg(instance, { path, headers }, core.config.limits, {
      signal,
      onOpen: (opened) => (signal.aborted ? opened.leg.terminate() : onOpen(instance, opened)),
    });
    if (last.kind !== "failed" || !last.isUnsent || signal.aborted) return last;
    env.metrics.upstreamRetries.inc({ arm: decision.arm, reason: "instance_refused" });
  }
  return last as LegResult;
}

/** security W5, W8: the token travels in the header only, whatever way it came. */
function legHeaders(core: Core, judged: Judged): Record<string, string> {
  const { head, address, requestId, token } = judged;
  const headers: Record<string, string> = {
    "X-Request-Id": requestId,
    "X-Forwarded-For": address,
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": head.host,
  };
  if (token !== null) headers["Authorization"] = `Bearer ${token}`;
  const allowed = core.config.headers.isFaultAllowed ? ["user-agent", "x-fault"] : ["user-agent"];
  for (let i = 0; i < head.forward.length; i += 2) {
    const name = (head.forward[i] as string).toLowerCase();
    if (allowed.includes(name)) headers[name] = head.forward[i + 1] as string;
  }
  return headers;
}

function handshakeHeaders(core: Core, judged: Judged, reply: IncomingMessage["headers"]): string[] {
  const lines = [`X-Request-Id: ${judged.requestId}`];
  const passed = core.config.headers.isArmExposed ? ["x-contract-version", "x-backend-arm"] : ["x-contract-version"];
  for (const name of passed) {
    const value = reply[name];
    if (typeof value === "string") lines.push(`${name}: ${value}`);
  }
  return lines;
}

function socketLimits(core: Core, match: RouteMatch) {
  const { limits } = core.config;
  const { config } = match.route;
  return {
    messagesPerSecond: config.messagesPerSecond,
    messageBytesMax: config.messageBytesMax,
    pingsPerSecondMax: limits.pingsPerSecondMax,
    floodMs: limits.floodMs,
    bufferBytesMax: limits.socketBufferBytesMax,
    slowReaderMs: limits.slowReaderMs,
    closeMs: limits.closeMs,
  };
}

const outcomeOf = (result: LegResult): string =>
  result.kind === "open"
    ? "ok"
    : result.kind === "refused"
      ? result.status >= 500
        ? "server_error"
        : "client_error"
      : result.error.code === "SY_UPSTREAM_TIMEOUT"
        ? "timeout"
        : "server_error";

function logHandshake(
  env: Environment,
  judged: Judged,
  decision: RoutedDecision,
  subject: Subject,
  result: LegResult,
): void {
  const status = result.kind === "open" ? 101 : result.kind === "refused" ? result.status : result.error.status;
  env.log.exchange({
    requestId: judged.requestId,
    traceId: null,
    method: "WS",
    route: judged.match.route.id,
    unit: judged.match.route.unit.id,
    subject,
    arm: decision.arm,
    reason: decision.reason,
    status,
    outcome: status === 101 ? "ok" : status >= 500 ? "server_error" : "client_error",
    durationMs: env.clock.monotonic() - judged.startedMs,
    code: result.kind === "failed" ? result.error.code : null,
  });
}

function refuseUnauthorized(env: Environment, socket: Duplex, requestId: string, corsHeaders: readonly string[]): void {
  env.metrics.refused.inc({ reason: "unauthorized" });
  const body = env.application.unauthorizedBody;
  doom(socket);
  const contentType = body?.contentType ?? "application/problem+json";
  const text = body?.text ?? JSON.stringify({ type: "about:blank", title: "Unauthorized", status: 401 });
  writeBareReply(socket, 401, contentType, text, [
    "WWW-Authenticate",
    "Bearer",
    "X-Request-Id",
    requestId,
    ...corsHeaders,
  ]);
}
