// One call through the record listener: a byte pipe to the provider and, beside it, a copy (shadow K1, K4, K7). The copy is
// taken of what was already handed on, so that nothing of it ever holds up a byte.
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { sendProblem } from "./answers.ts";
import { type BodyBudget, BodyCopy, type BodyProblem } from "./bodyCopy.ts";
import { callKeyOf, requestIdOf } from "./callKey.ts";
import { providerHeaders } from "./headers.ts";
import type { CassetteLimits } from "./limits.ts";
import { passAnswer } from "./passAnswer.ts";
import type { ModelKeyOf } from "./ports.ts";
import { type OnProvider, type Provider, UNREACHABLE, watchConnection } from "./provider.ts";
import type { TapeShelf } from "./tapeShelf.ts";

export interface RecordDeps {
  readonly provider: Provider;
  readonly shelf: TapeShelf;
  readonly budget: BodyBudget;
  readonly keyOf: ModelKeyOf;
  readonly limits: Pick<CassetteLimits, "bodyBytesMax">;
  readonly onProvider: OnProvider;
}

/** @param path below the provider's base URL @throws TypeError for a head that cannot be sent on; nothing has begun then */
export function recordCall(request: IncomingMessage, response: ServerResponse, path: string, deps: RecordDeps): void {
  const { provider, shelf } = deps;
  const method = request.method ?? "GET";
  const headers = providerHeaders(request.rawHeaders, method, provider.host);
  const outgoing = provider.request(method, provider.basePath + path, headers);
  const tape = shelf.open(requestIdOf(request.headers));

  passRequest(request, outgoing, {
    copy: new BodyCopy(deps.budget, deps.limits.bodyBytesMax),
    onWhole: (body) => shelf.file(tape, callKeyOf({ method, path, rawHeaders: request.rawHeaders }, body, deps.keyOf)),
    onProblem(problem) {
      shelf.drop(tape, problem);
      if (problem === "body_budget") return;
      outgoing.destroy();
      refuseTooLarge(request, response, deps.limits.bodyBytesMax);
    },
  });
  outgoing.on("response", (answer) => passAnswer(answer, response, tape));

  watchConnection(outgoing, response, deps.onProvider, (isConnected) => {
    tape.end(isConnected ? "broken" : "unreachable");
    if (isConnected) response.destroy();
    else sendProblem(request, response, "SY_UPSTREAM_REFUSED", UNREACHABLE);
  });
  response.on("close", () => {
    // Also a client that is gone: the provider must not go on for nobody (K7).
    if (!response.writableEnded) tape.end("broken");
    outgoing.destroy();
    if (tape.key === null) shelf.drop(tape, "unkeyed");
  });
}

export function refuseTooLarge(request: IncomingMessage, response: ServerResponse, bytesMax: number): void {
  if (response.headersSent) response.destroy();
  else sendProblem(request, response, "SY_BODY_TOO_LARGE", `A model call has at most ${bytesMax} bytes.`);
}

interface Copying {
  readonly copy: BodyCopy;
  onWhole(body: Buffer): void;
  onProblem(problem: BodyProblem): void;
}

function passRequest(request: IncomingMessage, outgoing: ClientRequest, { copy, onWhole, onProblem }: Copying): void {
  let isCopied = true;
  request.on("data", (chunk: Buffer) => {
    if (!outgoing.destroyed && !outgoing.write(chunk)) request.pause();
    const problem = isCopied ? copy.add(chunk) : null;
    if (problem === null) return;
    isCopied = false;
    onProblem(problem);
  });
  outgoing.on("drain", () => request.resume());
  // Nobody takes the rest: the client must not wait for it to be taken.
  outgoing.on("close", () => request.resume());
  request.on("end", () => {
    outgoing.end();
    if (isCopied) onWhole(copy.take());
  });
  request.on("error", () => undefined);
  request.on("close", () => copy.release());
}
