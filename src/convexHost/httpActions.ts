// HTTP actions of `http.ts`, streamed both ways (embedded-convex §3.9).
import type { Engine } from "./engine.ts";
import { tellError } from "./failures.ts";
import { type CallTree, Frame, runInFrame } from "./frames.ts";
import type { CallerAuth } from "./ports.ts";
import { type Identity, TransportError } from "./words.ts";

/** Runs the handler of the request's route; null when there is none. What the handler throws is an answer 500. */
export async function runHttpAction(
  engine: Engine,
  auth: Pick<CallerAuth, "ofHeader">,
  tree: CallTree,
  request: Request,
): Promise<Response | null> {
  const { pathname } = new URL(request.url);
  const route = engine.registry.route(pathname, request.method);
  if (route === null) return null;
  const frame = new Frame({
    tree,
    kind: "http",
    address: { component: "", path: `http:${route.name}` },
    identity: await identityOf(auth, request),
    isCallerKnown: true,
    work: null,
    transaction: null,
    journal: null,
    depth: 0,
    isNested: false,
  });
  const { late, callOff } = engine.limitTime(frame);
  const end = async () => {
    await Promise.race([frame.drain(), late]).catch(() => undefined);
    frame.end();
    callOff();
  };
  try {
    const handled = runInFrame(frame, () => route.handler.invokeHttpAction(request));
    const answer = await Promise.race([handled, late]);
    if (!(answer instanceof Response)) throw new Error(`${frame.address.path} must return a Response`);
    return endingWithBody(answer, frame, late, end);
  } catch (error) {
    await end();
    const { text } = tellError(error, engine.mapStack);
    engine.log("function.failed", { ...frame.address, requestId: tree.requestId, error: text });
    return Response.json({ code: `[Request ID: ${tree.requestId}] Server Error`, trace: text }, { status: 500 });
  }
}

/** A header that is no token of ours may be the caller's own affair with the handler: then nobody is known. */
async function identityOf(auth: Pick<CallerAuth, "ofHeader">, request: Request): Promise<Identity | null> {
  const header = request.headers.get("authorization");
  if (header === null) return null;
  try {
    return (await auth.ofHeader(header)).identity;
  } catch (error) {
    if (error instanceof TransportError) return null;
    throw error;
  }
}

/** The function has not ended before its body has: what streams it may still call the host, until its time is up. */
function endingWithBody(answer: Response, frame: Frame, late: Promise<never>, end: () => Promise<void>): Response {
  if (answer.body === null) {
    void end();
    return answer;
  }
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  // Whoever reads, the source's own code runs as the function that made it.
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async pull(controller) {
      try {
        const { done, value } = await runInFrame(frame, () => Promise.race([reader.read(), late]));
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
        void reader.cancel(error).catch(() => undefined);
      }
      await end();
    },
    async cancel(reason) {
      await runInFrame(frame, () => reader.cancel(reason));
      await end();
    },
  };
  const body = new ReadableStream(source, { highWaterMark: 0 });
  const { status, statusText, headers } = answer;
  return new Response(body, { status, statusText, headers });
}
