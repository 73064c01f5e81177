// The record listener: the base URL of both serving arms (shadow K1).
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendProblem } from "./answers.ts";
import { pathBelow } from "./provider.ts";
import { recordCall, type RecordDeps, refuseTooLarge } from "./recordCall.ts";
import type { CassetteLog } from "./ports.ts";

export function createRecordHandler(deps: RecordDeps) {
  const { basePath } = deps.provider;
  return (request: IncomingMessage, response: ServerResponse): void => {
    response.on("error", () => response.destroy());
    const path = pathBelow(basePath, request.url ?? "/");
    const { bodyBytesMax } = deps.limits;
    if (path === null) sendProblem(request, response, "SY_NOT_FOUND", `Model calls go to ${basePath}/… here.`);
    else if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) {
      refuseTooLarge(request, response, bodyBytesMax);
    } else {
      try {
        recordCall(request, response, path, deps);
      } catch {
        sendProblem(request, response, "SY_BAD_REQUEST", "The head of the call cannot be sent on.");
      }
    }
  };
}

/** One event when the provider is lost and one when it is back: no line per call (shadow I8). */
export function createProviderWatch(
  log: CassetteLog,
): (isReached: boolean, cause: NodeJS.ErrnoException | null) => void {
  let wasReached = true;
  return (isReached, cause) => {
    if (isReached === wasReached) return;
    wasReached = isReached;
    if (isReached) log("cassette.provider_back", {}, "info");
    else log("cassette.provider_lost", { code: cause?.code ?? "unknown" }, "warn");
  };
}
