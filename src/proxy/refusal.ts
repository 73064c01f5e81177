import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type ErrorCode, SwitchyardError, toProblem } from "../kernel/index.ts";

/** After these the connection's framing is in doubt: it closes, and what is pipelined behind is discarded (F13). */
const CLOSING: ReadonlySet<ErrorCode> = new Set([
  "SY_BAD_REQUEST",
  "SY_HEAD_TIMEOUT",
  "SY_BODY_TOO_LARGE",
  "SY_TARGET_TOO_LONG",
  "SY_HEADERS_TOO_LARGE",
  "SY_MISDIRECTED",
  "SY_EXPECTATION",
]);

/** On the socket itself: a weak set costs every collection of garbage, a property costs nothing (bench, rest). */
const DOOMED = Symbol("doomed");
/** A request behind a refused one on the same connection must not be looked at (security F13). */
export const isDoomed = (socket: object): boolean => DOOMED in socket;
export const doom = (socket: object): void => void Object.assign(socket, { [DOOMED]: true });

export interface RefusalContext {
  readonly requestId: string;
  readonly corsHeaders: readonly string[];
}

/** Anything thrown becomes one of our codes; what is not ours is our bug and says nothing of itself (security D3). */
export const toSwitchyardError = (error: unknown): SwitchyardError =>
  error instanceof SwitchyardError
    ? error
    : new SwitchyardError("SY_INTERNAL", "an unexpected failure inside the proxy", { cause: error });

/** Writes a problem body (RFC 9457) on a plain call. */
export function refuseCall(
  req: IncomingMessage,
  res: ServerResponse,
  error: SwitchyardError,
  context: RefusalContext,
): void {
  const body = Buffer.from(JSON.stringify(toProblem(error.code, error.message, context.requestId)));
  const isClosing = CLOSING.has(error.code) || isBodyUnread(req);
  const headers = [
    "content-type",
    "application/problem+json",
    "content-length",
    String(body.length),
    "cache-control",
    "no-store",
    "x-request-id",
    context.requestId,
    ...context.corsHeaders,
  ];
  for (const [name, value] of Object.entries(error.headers)) headers.push(name, value);
  if (isClosing) {
    headers.push("connection", "close");
    doom(req.socket);
  }
  res.writeHead(error.status, headers);
  res.end(req.method === "HEAD" ? undefined : body);
  if (isClosing) endConnection(req, res);
}

const isBodyUnread = (req: IncomingMessage): boolean =>
  !req.complete && (req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0);

const LINGER_MS = 1_000;

/**
 * Closes the connection once the answer has left. A body still on its way is read and thrown away for a moment:
 * closing at once would reset the connection and the client might never see the answer (RFC 9112 §9.6).
 */
function endConnection(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  res.once("finish", () => {
    const timer = setTimeout(() => req.socket.destroy(), LINGER_MS);
    timer.unref();
    req.socket.once("close", () => clearTimeout(timer));
  });
}

/** The same on a bare socket: an upgrade that is refused, or a head that no parser could read. */
export function refuseSocket(socket: Duplex, error: SwitchyardError, context: RefusalContext): void {
  const body = JSON.stringify(toProblem(error.code, error.message, context.requestId));
  writeBareReply(socket, error.status, "application/problem+json", body, [
    "x-request-id",
    context.requestId,
    ...context.corsHeaders,
    ...Object.entries(error.headers).flat(),
  ]);
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** One complete reply by hand, then the connection ends. `extra` is flat; line breaks cannot occur in what we pass. */
export function writeBareReply(
  socket: Duplex,
  status: number,
  contentType: string | null,
  body: string | Buffer,
  extra: readonly string[],
): void {
  doom(socket);
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [`HTTP/1.1 ${status} ${REASONS[status] ?? "Refused"}`, "Connection: close", "Cache-Control: no-store"];
  if (contentType !== null) lines.push(`Content-Type: ${contentType}`);
  lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  for (let i = 0; i < extra.length; i += 2) lines.push(`${extra[i]}: ${extra[i + 1]}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  // Bytes behind a refused handshake are read and discarded with the connection (security W4).
  socket.resume();
  socket.end(body, () => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
  });
}
