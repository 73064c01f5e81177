import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { newRequestId, type Subject, SwitchyardError } from "../../kernel/index.ts";
import type { Instance } from "../arms.ts";
import { type Core, decideRoute, enterSeat, type Environment, type RoutedDecision, seatedDecision } from "../core.ts";
import type { Outcome, SocketTap } from "../ports.ts";
import { doom, isDoomed, refuseSocket, toSwitchyardError, writeBareReply } from "../refusal.ts";
import type { Route, RouteMatch } from "../routeTable.ts";
import type { Pass } from "../seats/seat.ts";
import { legErrorOf } from "../upstreamError.ts";
import { holdEarlyBytes } from "./earlyBytes.ts";
import { handshakeHeaders, type Judged, judgeHandshake, legHeaders } from "./handshake.ts";
import { type LegResult, openLeg } from "./leg.ts";
import type { SocketRegistry } from "./registry.ts";
import { type SocketLimits, SocketSession } from "./socketSession.ts";

/** Opens client sockets: judged, identified, decided, and upgraded only after the arm's own 101 (security W1–W8). */
export interface Upgrader {
  handle(core: Core, req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Refused with the body that the application's contract fixes for a socket without a valid token. */
class Unauthorized extends Error {}

export function createUpgrader(env: Environment, sockets: SocketRegistry): Upgrader {
  const servers = createServers();

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
    const { route } = judged.match;
    const bytes = holdEarlyBytes(socket, early, core.config.limits.earlyBytesMax);
    const decided = decideRoute(env, route, subject);
    const pass = await enter(env, route, subject, decided).catch((error: unknown) => {
      bytes.drop();
      throw error;
    });
    const decision = pass === null ? decided : seatedDecision(decided, pass);
    core.meters.of(route).decision(decision.arm, decision.reason).count++;
    const attempt = { core, judged, decision, subject, signal: gone.signal };
    const tap = openTap(env, attempt);
    const result = await attach(env, attempt, (instance, { leg, replyHeaders }) => {
      const headers = handshakeHeaders(core, judged, replyHeaders);
      const client = servers.upgrade(core, route, { req, socket, early: bytes.take(), headers });
      if (client === null) {
        leg.terminate(); // the client left between the arm's 101 and ours
        tap?.failed("aborted");
        return;
      }
      const limits = socketLimits(core, judged.match);
      const { address, requestId } = judged;
      const { spreadMs, remove: onClosed, ended: onEnded } = sockets;
      const parts = {
        env,
        route,
        subject,
        address,
        requestId,
        decision,
        instance,
        client,
        leg,
        limits,
        frames: sockets.framesOf(route.id, decision.arm),
        clientSocket: socket,
        tap,
        spreadMs,
        onClosed,
        onEnded,
      };
      tap?.opened();
      const session = new SocketSession(parts);
      instance.sockets++;
      env.metrics.sockets.inc({ route: route.id, arm: decision.arm });
      sockets.add(session);
    }).finally(() => {
      // Whatever happened: a handshake that nobody gives back would keep its subject where it is.
      if (pass !== null) env.seats?.leave(pass);
    });
    bytes.drop();
    const outcome = gone.signal.aborted && result.kind !== "open" ? "aborted" : outcomeOf(result);
    env.metrics.socketHandshakes.inc({ route: route.id, arm: decision.arm, outcome });
    logHandshake(env, judged, { decision, subject, result, outcome });
    if (result.kind === "refused") tap?.refused(result.status, result.contentType ?? "", result.body);
    else if (result.kind === "failed") tap?.failed(outcome === "aborted" ? "aborted" : legErrorOf(result.error.code));
    if (result.kind === "open" || outcome === "aborted") return;
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
        const judged = judgeHandshake(env, core, req, early);
        requestId = judged.requestId;
        open(core, req, socket, early, judged).catch(refuse);
      } catch (error) {
        refuse(error);
      }
    },
  };
}

/** A handshake counts as a write until its socket is known: nobody changes arm beside it. */
const enter = async (...call: [Environment, Route, Subject, RoutedDecision]): Promise<Pass | null> =>
  enterSeat(...call, true);

interface Upgrade {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly early: Buffer;
  readonly headers: readonly string[];
}

/** `ws` servers by configuration and message size, the two things they differ in. */
function createServers() {
  const servers = new WeakMap<Core, Map<number, WebSocketServer>>();
  const headersOf = new WeakMap<IncomingMessage, readonly string[]>();
  const serverFor = (core: Core, messageBytesMax: number): WebSocketServer => {
    const { limits } = core.config;
    const own = servers.get(core) ?? new Map<number, WebSocketServer>();
    servers.set(core, own);
    let server = own.get(messageBytesMax);
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
        autoPong: false, // pings have a pace (security X3); many at once would cut the client without a code
      } as ConstructorParameters<typeof WebSocketServer>[0]);
      server.on("headers", (headers, req) => headers.push(...(headersOf.get(req) ?? [])));
      own.set(messageBytesMax, server);
    }
    return server;
  };
  return {
    /** Our 101, at once; null when the client is not there any more. */
    upgrade(core: Core, route: Route, { req, socket, early, headers }: Upgrade): WebSocket | null {
      headersOf.set(req, headers);
      const messageBytesMax = Math.min(route.config.messageBytesMax, core.config.limits.clientMessageBytesMax);
      let client: WebSocket | null = null;
      serverFor(core, messageBytesMax).handleUpgrade(req, socket, early, (opened) => {
        client = opened;
        opened.resume(); // it was paused when the early bytes were taken
      });
      return client;
    },
  };
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

/** Of the handshake as the arm gets it (shadow S2): all of a socket is mirrored, or nothing of it. */
function openTap(env: Environment, { core, judged, decision, subject }: Attempt): SocketTap | null {
  if (env.mirror?.isOn !== true) return null;
  const { route, params } = judged.match;
  return env.mirror.socket({
    unit: route.unit,
    route: route.config,
    arm: decision.arm,
    subject,
    method: "GET",
    headers: Object.entries(legHeaders(core, judged)).flat(),
    requestId: judged.requestId,
    targetFor: (arm) => route.pathFor(arm, judged.target.path, params) + judged.query,
  });
}

type OpenResult = Extract<LegResult, { kind: "open" }>;

/** Tries the arm's instances in order while nothing was sent; never the other arm (security F16). */
async function attach(
  env: Environment,
  attempt: Attempt,
  onOpen: (instance: Instance, opened: OpenResult) => void,
): Promise<LegResult> {
  const { core, judged, decision, subject, signal } = attempt;
  const path = judged.match.route.pathFor(decision.arm, judged.target.path, judged.match.params) + judged.query;
  const request = { path, headers: legHeaders(core, judged) };
  let last: LegResult | null = null;
  for (const instance of core.arms[decision.arm].order(subject)) {
    if (last) env.metrics.upstreamRetries.inc({ arm: decision.arm, reason: "instance_refused" });
    last = await openLeg(instance, request, core.config.limits, {
      clock: env.clock,
      signal,
      onOpen: (opened) => onOpen(instance, opened),
    });
    if (last.kind !== "failed" || !last.isUnsent || signal.aborted) return last;
  }
  return last as LegResult;
}

function socketLimits(core: Core, match: RouteMatch): SocketLimits {
  const { limits } = core.config;
  const { config } = match.route;
  return {
    messagesPerSecond: config.messagesPerSecond,
    messageBytesMax: config.messageBytesMax,
    armMessageBytesMax: limits.armMessageBytesMax,
    pingsPerSecondMax: limits.pingsPerSecondMax,
    floodMs: limits.floodMs,
    bufferBytesMax: limits.socketBufferBytesMax,
    slowReaderMs: limits.slowReaderMs,
    closeMs: limits.closeMs,
  };
}

function outcomeOf(result: LegResult): Outcome {
  if (result.kind === "open") return "ok";
  if (result.kind === "refused") return result.status >= 500 ? "server_error" : "client_error";
  return result.error.code === "SY_UPSTREAM_TIMEOUT" ? "timeout" : "server_error";
}

interface Handshake {
  readonly decision: RoutedDecision;
  readonly subject: Subject;
  readonly result: LegResult;
  readonly outcome: Outcome;
}

function logHandshake(env: Environment, judged: Judged, { decision, subject, result, outcome }: Handshake): void {
  env.log.exchange({
    requestId: judged.requestId,
    traceId: null,
    method: "WS",
    route: judged.match.route.id,
    unit: judged.match.route.unit.id,
    subject,
    arm: decision.arm,
    reason: decision.reason,
    status: result.kind === "open" ? 101 : result.kind === "refused" ? result.status : result.error.status,
    outcome,
    durationMs: env.clock.monotonic() - judged.startedMs,
    isSlow: false,
    code: result.kind === "failed" && outcome !== "aborted" ? result.error.code : null,
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
