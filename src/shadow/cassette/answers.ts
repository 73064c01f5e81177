// Our own answers, and how answers end (RFC 9457 for the former).
import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorCode, toProblem } from "../../kernel/index.ts";
import { requestIdOf } from "./callKey.ts";

export function sendJson(response: ServerResponse, status: number, type: string, value: unknown): void {
  const bytes = Buffer.from(JSON.stringify(value), "utf8");
  response.writeHead(status, { "content-type": type, "content-length": bytes.length, "cache-control": "no-store" });
  response.end(bytes);
}

const PROBLEM = "application/problem+json";

/** @param detail a sentence of ours: nothing of the request is in it */
export function sendProblem(request: IncomingMessage, response: ServerResponse, code: ErrorCode, detail: string): void {
  const problem = toProblem(code, detail, requestIdOf(request.headers) ?? "");
  // The rest of a body that is refused is not read: the connection cannot be used again.
  if (!request.complete) response.setHeader("connection", "close");
  sendJson(response, problem.status, PROBLEM, problem);
}

/** RFC 4918 §11.4: the call depends on a recording, and there is none. */
export function sendNoRecording(
  response: ServerResponse,
  miss: { readonly key: string; readonly kind: string; readonly requestId: string | null; readonly reason: string },
): void {
  sendJson(response, 424, PROBLEM, {
    type: "urn:switchyard:no-recording",
    title: "There is no recording of this model call",
    status: 424,
    detail: "The served arm has not made this call to the model: its request is another one, or there was none.",
    instance: miss.requestId ?? "",
    code: "SY_NO_RECORDING",
    key: miss.key,
    kind: miss.kind,
    reason: miss.reason,
  });
}

/** Cuts the connection once everything that was written has left: what came before the cut is part of the answer. */
export function cutShort(response: ServerResponse): void {
  if (!response.headersSent) response.destroy();
  else response.write("", () => setImmediate(() => response.destroy()));
}
