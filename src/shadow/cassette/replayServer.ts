// The replay listener: the base URL of both shadow targets, and the list of misses (shadow K1, K3, K6).
import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson, sendProblem } from "./answers.ts";
import { type BodyBudget, BodyCopy } from "./bodyCopy.ts";
import { callKeyOf, requestIdOf } from "./callKey.ts";
import { liveCall, type LiveDeps } from "./liveCall.ts";
import type { MissLog } from "./missLog.ts";
import type { ModelKeyOf } from "./ports.ts";
import { pathBelow } from "./provider.ts";
import { refuseTooLarge } from "./recordCall.ts";
import { replayCall, type ReplayDeps } from "./replayCall.ts";

export interface ReplayServerDeps extends ReplayDeps {
  readonly basePath: string;
  readonly keyOf: ModelKeyOf;
  readonly budget: BodyBudget;
  readonly misses: MissLog;
  /** Null: only what was recorded is answered. */
  readonly live: LiveDeps | null;
  /** Who reads the misses must say it; null: anybody who reaches the listener may. */
  readonly missesToken: string | null;
  readonly onError: (error: unknown) => void;
}

export function createReplayHandler(deps: ReplayServerDeps) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    response.on("error", () => response.destroy());
    const target = request.url ?? "/";
    if (target === "/misses" || target.startsWith("/misses?")) return sendMisses(request, response, deps);
    const path = pathBelow(deps.basePath, target);
    if (path === null) {
      return sendProblem(request, response, "SY_NOT_FOUND", `Model calls go to ${deps.basePath}/… here.`);
    }
    handleCall(request, response, path, deps).catch((error: unknown) => {
      deps.counters.replayed("failed");
      deps.onError(error);
      response.destroy();
    });
  };
}

async function handleCall(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  deps: ReplayServerDeps,
): Promise<void> {
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  const body = await readBody(request, response, deps);
  if (body === null) return deps.counters.replayed("failed");
  const head = { method: request.method ?? "GET", path, rawHeaders: request.rawHeaders };
  const key = callKeyOf(head, body, deps.keyOf);
  const call = { request, response, requestId: requestIdOf(request.headers), left: controller.signal };
  const { live } = deps;
  const answering = live === null ? replayCall(key, call, deps) : liveCall({ ...call, key, path, body }, live, deps);
  deps.counters.replayed(await answering);
}

/** Null: refused, or the client is gone. */
function readBody(request: IncomingMessage, response: ServerResponse, deps: ReplayServerDeps): Promise<Buffer | null> {
  const { bodyBytesMax } = deps.limits;
  const copy = new BodyCopy(deps.budget, bodyBytesMax);
  return new Promise((resolve) => {
    const refuse = (problem: ReturnType<BodyCopy["add"]>): void => {
      if (problem === null) return;
      request.removeAllListeners("data");
      request.resume();
      deps.counters.dropped(problem);
      if (problem === "body_too_large") refuseTooLarge(request, response, bodyBytesMax);
      else sendProblem(request, response, "SY_OVERLOADED", "Too many model calls are being read at once.");
      resolve(null);
    };
    request.on("data", (chunk: Buffer) => refuse(copy.add(chunk)));
    request.on("end", () => resolve(copy.take()));
    request.on("error", () => undefined);
    request.on("close", () => {
      copy.release();
      resolve(null);
    });
  });
}

function sendMisses(request: IncomingMessage, response: ServerResponse, deps: ReplayServerDeps): void {
  const isAllowed = deps.missesToken === null || isBearer(request.headers.authorization, deps.missesToken);
  if (!isAllowed) return sendJson(response, 401, "application/json", { error: "expected the bearer token for misses" });
  const since = /^\/misses(?:\?since=(\d{1,15}))?$/.exec(request.url ?? "");
  if (request.method !== "GET") sendProblem(request, response, "SY_METHOD_NOT_ALLOWED", "Misses are read with GET.");
  else if (since === null) sendProblem(request, response, "SY_BAD_REQUEST", "since must be a number of a miss.");
  else sendJson(response, 200, "application/json", deps.misses.since(Number(since[1] ?? 0)));
}

/** Over hashes, which are of one length whatever was sent. */
function isBearer(header: string | undefined, token: string): boolean {
  const given = /^bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? "";
  return timingSafeEqual(hash("sha256", given, "buffer"), hash("sha256", token, "buffer"));
}
