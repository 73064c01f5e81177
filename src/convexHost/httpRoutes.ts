// Which path of the HTTP face is answered by what (embedded-convex §3.9).
import type { IncomingMessage, ServerResponse } from "node:http";
import { createCallRoutes } from "./callRoutes.ts";
import { deployRefusal, isDeployPath } from "./deployPaths.ts";
import { answerHttpAction, isHttpActionPath } from "./httpActionRoutes.ts";
import { errorReply, jsonReply, type Reply, sendReply, textReply } from "./httpReply.ts";
import { corsHeaders, OPEN_CORS, preflightHeaders } from "./originRules.ts";
import type { CallerAuth, FunctionRunner } from "./ports.ts";
import { downloadFile, fileIdOf, isUploadPath, uploadFile, type UploadShelf } from "./storageRoutes.ts";
import { TransportError } from "./words.ts";

export interface HttpRouteOptions {
  readonly runner: FunctionRunner;
  readonly files: UploadShelf;
  readonly auth: CallerAuth;
  /** Text for `/metrics`. */
  readonly metrics: () => string | Promise<string>;
  /** Of the instance. */
  readonly name: string;
}

export interface RouteLimits {
  readonly httpBodyBytes: number;
  readonly uploadBytes: number;
}

export interface HttpRoutes {
  /** What asks after the host itself; null for other paths. */
  probe(request: IncomingMessage, path: string): Promise<Reply | null>;
  /** Whether pages of any origin may ask for it: files, and HTTP actions, which decide that themselves. */
  isOpen(path: string): boolean;
  /** Answers all but probes. @throws TransportError, and what is the host's own failure */
  answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void>;
  close(): void;
}

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function createHttpRoutes(options: HttpRouteOptions, limits: RouteLimits, isClosing: () => boolean): HttpRoutes {
  const { runner, files, auth } = options;
  const bodyBytesMax = limits.httpBodyBytes;
  const calls = createCallRoutes({ runner, auth, bodyBytesMax });

  return {
    async probe({ method }, path) {
      if (method !== "GET" && method !== "HEAD") return null;
      if (path === "/version") return textReply(200, "embedded");
      if (path === "/instance_name") return textReply(200, options.name);
      if (path === "/livez") return textReply(200, "ok");
      if (path === "/metrics") return textReply(200, await options.metrics(), METRICS_TYPE);
      return path === "/readyz" ? readiness(isClosing() ? "it is shutting down" : runner.notReady()) : null;
    },
    isOpen: (path) => fileIdOf(path) !== null || isHttpActionPath(path),
    async answer(request, response, url) {
      const path = url.pathname;
      if (isHttpActionPath(path)) return answerHttpAction(request, response, runner, bodyBytesMax);
      const fileId = fileIdOf(path);
      setHeaders(response, fileId === null ? corsHeaders(request.headers.origin) : OPEN_CORS);
      if (request.method === "OPTIONS") return sendReply(response, preflight(request));
      if (fileId !== null) return downloadFile(request, response, fileId, files);
      if (isUploadPath(path)) return sendReply(response, await uploadFile(request, url, files, limits.uploadBytes));
      if (isDeployPath(path)) throw deployRefusal();
      const reply = await calls.answer(request, url);
      if (reply === null) throw new TransportError(404, "NotFound", `The embedded host has no ${path}`);
      sendReply(response, reply);
    },
    close: calls.close,
  };
}

function readiness(reason: string | null): Reply {
  if (reason === null) return jsonReply(200, JSON.stringify({ status: "ready" }));
  return errorReply(new TransportError(503, "NotReady", `The embedded host does not serve: ${reason}`));
}

function preflight(request: IncomingMessage): Reply {
  const headers = preflightHeaders(request.headers["access-control-request-headers"]);
  return { status: 204, headers, body: "" };
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}
