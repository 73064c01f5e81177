// Handshakes (contract G7, G15): every refusal is an HTTP answer with an empty body before the upgrade.
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { STATUS_CODES } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { canonicalUuid, SOCKET_MESSAGE_BYTES_MAX } from "../../contract/index.ts";
import { handshakeToken } from "../auth/gate.ts";
import type { WhiteboardSurface } from "../board/surface.ts";
import { parseFaults } from "../faults/parse.ts";
import type { Faultable } from "../faults/switchboard.ts";
import { numberArg } from "../faults/switchboard.ts";
import { isMirrorRefused, requestIdOf } from "../http/app.ts";
import { errorBody, HttpError } from "../http/errors.ts";
import { identityHeaders } from "../http/respond.ts";
import { failureFields } from "../log.ts";
import { AS_SERVICE, asUser, StoreUnavailableError } from "../ports.ts";
import type { UserIdentity } from "../routes/access.ts";
import type { Services } from "../services.ts";
import type { TutorSurface } from "../tutor/surface.ts";
import { createChannel, type SocketSurface } from "./channel.ts";
import { api } from "../../../convex/_generated/api.js";

const TUTOR = /^\/ws\/v2\/session\/([^/]+)$/;
const WHITEBOARD = /^\/ws\/v2\/session\/([^/]+)\/whiteboard$/;

interface Target {
  readonly surface: SocketSurface;
  readonly rawId: string;
}

function targetOf(path: string): Target | null {
  const [tutor, whiteboard] = [TUTOR.exec(path), WHITEBOARD.exec(path)];
  if (tutor?.[1]) return { surface: "tutor", rawId: tutor[1] };
  return whiteboard?.[1] ? { surface: "whiteboard", rawId: whiteboard[1] } : null;
}

class Refusal extends Error {
  readonly status: number;
  readonly body: string;
  constructor(status: number, body = "") {
    super(`refused with ${status}`);
    this.status = status;
    this.body = body;
  }
}

interface Handshake {
  readonly request: IncomingMessage;
  readonly raw: Socket;
  readonly head: Buffer;
  readonly requestId: string;
  readonly query: URLSearchParams;
}

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

export interface Upgrades {
  handle(request: IncomingMessage, raw: Socket, head: Buffer): void;
  /** Closes every open socket. */
  closeAll(code: number, reason: string): void;
  readonly open: number;
}

export function createUpgrades(services: Services, tutor: TutorSurface, whiteboard: WhiteboardSurface): Upgrades {
  const { config, gate, faults, metrics, log, store } = services;
  const sockets = new Set<WebSocket>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: SOCKET_MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: () => false,
  });
  const idsOf = new WeakMap<IncomingMessage, string>();
  server.on("headers", (headers, request) => {
    const extra = { ...identityHeaders, "X-Request-Id": idsOf.get(request) ?? "" };
    for (const [name, value] of Object.entries(extra)) headers.push(`${name}: ${value}`);
  });

  function refuse({ raw, requestId }: Handshake, { status, body }: Refusal): void {
    const type = body === "" ? [] : ["Content-Type: application/json", "Cache-Control: no-store"];
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
      "Connection: close",
      ...Object.entries(identityHeaders).map(([name, value]) => `${name}: ${value}`),
      `X-Request-Id: ${requestId}`,
      ...type,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    raw.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  }

  function accepted(
    handshake: Handshake,
    surface: SocketSurface,
    at: Faultable,
    take: (ws: WebSocket, channel: ReturnType<typeof createChannel>) => void,
  ): void {
    const { request, raw, head, requestId } = handshake;
    idsOf.set(request, requestId);
    server.handleUpgrade(request, raw, head, (ws) => {
      sockets.add(ws);
      const opened = performance.now();
      const channel = createChannel(ws, raw, { surface, at, requestId }, { faults, metrics });
      metrics.wsHandshakes.labels({ surface, status: "101" }).inc();
      log.info("handshake", { requestId, surface, status: 101 });
      ws.on("close", (code) => {
        sockets.delete(ws);
        log.info("close", { requestId, surface, code, durationMs: Math.round(performance.now() - opened) });
      });
      take(ws, channel);
    });
  }

  async function identityOf(sub: string, id: string, at: Faultable): Promise<UserIdentity> {
    const own = asUser(sub) as UserIdentity;
    if (!faults.fire("skip-ownership", at)) return own;
    const owner = await store.query(api.sessions.ownerOf, { id }, AS_SERVICE);
    return owner === null ? own : (asUser(owner) as UserIdentity);
  }

  async function greet(handshake: Handshake, target: Target, at: Faultable): Promise<void> {
    const { request, query } = handshake;
    const { surface } = target;
    if (faults.fire("accept-close", at)) return accepted(handshake, surface, at, (ws) => ws.close(1008));
    const refused = faults.fire("refuse-handshake", at);
    if (refused) throw new Refusal(numberArg(refused, 503));
    const caller = await gate.identify(handshakeToken(request.headers.authorization, query), at);
    if (!caller || !(await gate.admit(caller, null))) throw new Refusal(403);
    const id = canonicalUuid(decode(target.rawId));
    if (id === null) throw new Refusal(403);
    const identity = await identityOf(caller.sub, id, at);
    if (surface === "whiteboard") {
      return accepted(handshake, surface, at, (ws, channel) => void whiteboard.attach(ws, channel, id, identity));
    }
    const opening = await tutor.open(id, identity);
    if (!opening) throw new Refusal(403);
    const isStreaming = query.getAll("stream").at(-1) === "1";
    accepted(handshake, surface, at, (ws, channel) => tutor.attach(ws, channel, opening, isStreaming));
  }

  function faultableOf(handshake: Handshake, surface: SocketSurface): Faultable {
    const header = handshake.request.headers["x-fault"];
    const isHonoured = config.allowsFaultHeaders && typeof header === "string";
    const { requestId } = handshake;
    if (!isHonoured) return { place: surface, requestId };
    try {
      return { place: surface, requestId, added: parseFaults(header) };
    } catch {
      throw new Refusal(400);
    }
  }

  function refusalOf(error: unknown, requestId: string): Refusal {
    if (error instanceof Refusal) return error;
    if (error instanceof StoreUnavailableError) {
      return new Refusal(503, errorBody(new HttpError(503, "STORE_UNAVAILABLE", "The store cannot be reached."), "E1"));
    }
    log.error("handshake failed", { requestId, ...failureFields(error) });
    return new Refusal(500, errorBody(new HttpError(500, null, "Internal error"), "E1"));
  }

  return {
    handle(request, raw, head) {
      raw.on("error", () => undefined);
      const [path = "/", ...rest] = (request.url ?? "/").split("?");
      const requestId = requestIdOf(request.headers["x-request-id"]);
      const handshake: Handshake = { request, raw, head, requestId, query: new URLSearchParams(rest.join("?")) };
      const target = targetOf(path);
      const isMirrored = request.headers["x-shadow"] === "1";
      const greeted = async (): Promise<void> => {
        if (!target || isMirrorRefused(config, isMirrored, false) || services.isStopping()) throw new Refusal(403);
        await greet(handshake, target, faultableOf(handshake, target.surface));
      };
      greeted().catch((error: unknown) => {
        const refusal = refusalOf(error, requestId);
        const surface = target?.surface ?? "tutor";
        metrics.wsHandshakes.labels({ surface, status: String(refusal.status) }).inc();
        log.info("handshake", { requestId, surface: target?.surface ?? "unknown", status: refusal.status });
        refuse(handshake, refusal);
      });
    },
    closeAll(code, reason) {
      for (const ws of sockets) ws.close(code, reason);
    },
    get open() {
      return sockets.size;
    },
  };
}
