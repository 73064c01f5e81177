import type { IncomingMessage } from "node:http";
import { newRequestId, SwitchyardError } from "../../kernel/index.ts";
import { checkHop } from "../admission.ts";
import type { Core, Environment } from "../core.ts";
import { bearerToken } from "../identity.ts";
import { readHead, type RequestHead } from "../requestHead.ts";
import type { RouteMatch } from "../routeTable.ts";
import { isInternalPath, readTarget, type Target, takeQueryToken } from "../target.ts";

/** A handshake that may go on: read once, so that nothing later looks at the client's own head again. */
export interface Judged {
  readonly head: RequestHead;
  readonly target: Target;
  readonly match: RouteMatch;
  readonly token: string | null;
  readonly query: string;
  readonly address: string;
  readonly requestId: string;
  readonly startedMs: number;
}

/** Order of security W3: front door, route 404, origin 403, token 401; limits and decision follow. */
export function judgeHandshake(env: Environment, core: Core, req: IncomingMessage, early: Buffer): Judged {
  const { config } = core;
  const head = readHead(
    { method: req.method ?? "", httpVersion: req.httpVersion, url: req.url ?? "", rawHeaders: req.rawHeaders },
    { ...config.limits, isFaultAllowed: config.headers.isFaultAllowed },
  );
  checkHop(env, head);
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

/** security W5, W8: the token travels in the header only, whatever way it came. */
export function legHeaders(core: Core, judged: Judged): Record<string, string> {
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

/** The same the other way: of the arm's head the contract's version passes, and its name only where that is switched on. */
export function handshakeHeaders(core: Core, judged: Judged, reply: IncomingMessage["headers"]): string[] {
  const lines = [`X-Request-Id: ${judged.requestId}`];
  const passed = core.config.headers.isArmExposed ? ["x-contract-version", "x-backend-arm"] : ["x-contract-version"];
  for (const name of passed) {
    const value = reply[name];
    if (typeof value === "string") lines.push(`${name}: ${value}`);
  }
  return lines;
}
