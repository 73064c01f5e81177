// HTTP actions under `/http`: request and answer are streamed both ways (embedded-convex §3.9).
import type { IncomingMessage, ServerResponse } from "node:http";
import { ReadableStream } from "node:stream/web";
import { limitedBody } from "./httpReply.ts";
import type { FunctionRunner } from "./ports.ts";
import { TransportError } from "./words.ts";

const PREFIX = "/http";

/** Headers of one connection (RFC 9110 §7.6.1), and the length that a handler claims: Node frames the answer itself. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export function isHttpActionPath(path: string): boolean {
  return path === PREFIX || path.startsWith(`${PREFIX}/`);
}

/** Runs the action of this request, which has a checked `Host`, and sends what it answers. @throws TransportError 404 */
export async function answerHttpAction(
  request: IncomingMessage,
  response: ServerResponse,
  runner: Pick<FunctionRunner, "runHttp">,
  bodyBytesMax: number,
): Promise<void> {
  const toAction = makeRequest(request, bodyBytesMax);
  const answer = await runner.runHttp(toAction);
  if (answer === null) {
    const path = new URL(toAction.url).pathname;
    throw new TransportError(404, "HttpActionNotFound", `There is no HTTP action for ${toAction.method} ${path}`);
  }
  await sendResponse(response, answer);
}

function makeRequest(request: IncomingMessage, bodyBytesMax: number): Request {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) {
    throw new TransportError(413, "RequestTooLarge", `A body has at most ${bodyBytesMax} bytes`);
  }
  const { method = "GET", url = "" } = request;
  if (["CONNECT", "TRACE", "TRACK"].includes(method)) {
    throw new TransportError(405, "MethodNotAllowed", `HTTP actions have no ${method}`);
  }
  const path = url.slice(PREFIX.length).replace(/^(?!\/)/, "/");
  const headers = new Headers();
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    headers.append(request.rawHeaders[i] ?? "", request.rawHeaders[i + 1] ?? "");
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? { body: ReadableStream.from(limitedBody(request, bodyBytesMax)), duplex: "half" } : {};
  return new Request(`http://${request.headers.host}${path}`, { method, headers, ...body } as RequestInit);
}

/** A client that leaves ends the action's stream; a stream that fails ends the connection, so that it is no whole answer. */
async function sendResponse(response: ServerResponse, answer: Response): Promise<void> {
  for (const [name, value] of answer.headers) {
    if (name !== "set-cookie" && !FRAMING.has(name)) response.setHeader(name, value);
  }
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  response.writeHead(answer.status, answer.statusText === "" ? undefined : answer.statusText);
  if (answer.body === null || response.req.method === "HEAD") {
    await answer.body?.cancel();
    response.end();
    return;
  }
  // Tells the client now: the first bytes of the body may be long in coming.
  response.flushHeaders();
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const leave = () => void reader.cancel().catch(() => undefined);
  if (response.destroyed) leave();
  else response.once("close", leave);
  for (let part = await reader.read(); !part.done && !response.destroyed; part = await reader.read()) {
    if (!response.write(part.value)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
