// `/api/query`, `/mutation`, `/action`, `/function`, `/run/…` and what reads at one timestamp (embedded-convex §3.9).
import type { IncomingMessage } from "node:http";
import {
  type CallBody,
  encodeTs,
  functionPathOfUrl,
  outcomeJson,
  parseBatch,
  parseCall,
  parseCallUrl,
  parseJsonBody,
} from "./callBody.ts";
import { jsonReply, readBody, type Reply } from "./httpReply.ts";
import type { Call, CallerAuth, FunctionRunner } from "./ports.ts";
import { createRecentCommits } from "./recentCommits.ts";
import { type Caller, TransportError } from "./words.ts";

export interface CallRoutes {
  /** null: not a path of this API. @throws TransportError */
  answer(request: IncomingMessage, url: URL): Promise<Reply> | null;
  close(): void;
}

const KINDS: ReadonlyMap<string, Call["kind"]> = new Map([
  ["/api/query", "query"],
  ["/api/mutation", "mutation"],
  ["/api/action", "action"],
  ["/api/function", "any"],
]);
const RUN = "/api/run/";

/** Calls go to `runner`; who calls is asked of `auth` before a body is read. */
export function createCallRoutes(options: {
  readonly runner: FunctionRunner;
  readonly auth: CallerAuth;
  readonly bodyBytesMax: number;
}): CallRoutes {
  const { runner, auth, bodyBytesMax } = options;
  const recent = createRecentCommits(runner.ts);
  const close = runner.onCommit((ts, touched) => recent.add(ts, touched));

  const bodyOf = async (request: IncomingMessage) => parseJsonBody((await readBody(request, bodyBytesMax)).toString());
  const callerOf = (request: IncomingMessage) => auth.ofHeader(request.headers.authorization);

  const call = async (request: IncomingMessage, url: URL, kind: Call["kind"]) => {
    const caller = await callerOf(request);
    const body = request.method === "GET" ? parseCallUrl(url.searchParams) : await bodyOf(request);
    return run(parseCall(body, clientOf(request)), kind, caller);
  };
  const runByUrl = async (request: IncomingMessage, url: URL) => {
    const caller = await callerOf(request);
    const path = functionPathOfUrl(url.pathname.slice(RUN.length));
    return run(parseCall({ format: "json", ...(await bodyOf(request)), path }, undefined), "any", caller);
  };
  const run = async (body: CallBody, kind: Call["kind"], caller: Caller) => {
    const { path, args, format } = body;
    const outcome = await runner.run({ kind, path, args, caller, ...componentOf(body, caller) });
    return jsonReply(200, outcomeJson(outcome, format));
  };
  const queryAt = async (request: IncomingMessage) => {
    const caller = await callerOf(request);
    const body = parseCall(await bodyOf(request), clientOf(request));
    const { path, args, format, ts } = body;
    if (ts === null) throw new TransportError(400, "BadJsonBody", '"ts": expected, as /api/query_ts gives it');
    const outcome = await runner.run({ kind: "query", path, args, caller, ...componentOf(body, caller) });
    if (ts > outcome.ts)
      throw new TransportError(400, "BadTimestamp", "This timestamp is newer than the newest commit");
    if (!recent.isUntouchedSince(ts, outcome.reads)) {
      throw new TransportError(
        400,
        "TimestampTooOld",
        "What this query reads has changed since; ask /api/query_ts again",
      );
    }
    return jsonReply(200, outcomeJson(outcome, format));
  };
  const queryBatch = async (request: IncomingMessage) => {
    const caller = await callerOf(request);
    const bodies = parseBatch(await bodyOf(request), clientOf(request));
    const queries = bodies.map((body) => {
      return { path: body.path, args: body.args, journal: null, ...componentOf(body, caller) };
    });
    const { outcomes } = await runner.runQueries(queries, caller);
    const results = outcomes.map((outcome, index) => outcomeJson(outcome, bodies[index]?.format ?? "json"));
    return jsonReply(200, `{"results":[${results.join(",")}]}`);
  };

  const routes: ReadonlyMap<string, (request: IncomingMessage, url: URL) => Promise<Reply>> = new Map([
    ...[...KINDS].map(
      ([path, kind]) => [path, (request: IncomingMessage, url: URL) => call(request, url, kind)] as const,
    ),
    ["/api/query_ts", () => Promise.resolve(jsonReply(200, JSON.stringify({ ts: encodeTs(runner.ts) })))] as const,
    ["/api/query_at_ts", queryAt] as const,
    ["/api/query_batch", queryBatch] as const,
  ]);

  return {
    answer(request, url) {
      const path = url.pathname;
      const route = routes.get(path) ?? (path.startsWith(RUN) ? runByUrl : undefined);
      if (route === undefined) return null;
      const isGet = request.method === "GET" && path.startsWith("/api/query") && !/_(at_ts|batch)$/.test(path);
      if (request.method !== "POST" && !isGet) {
        throw new TransportError(405, "MethodNotAllowed", `${path}: expected POST`);
      }
      return route(request, url);
    },
    close,
  };
}

/** Functions of components are for the app; from outside only an admin reaches them. */
function componentOf(body: CallBody, caller: Caller): { readonly component?: string } {
  if (body.component === "") return {};
  if (!caller.isAdmin) throw new TransportError(403, "AdminKeyRequired", '"componentPath" needs the admin key');
  return { component: body.component };
}

function clientOf(request: IncomingMessage): string | undefined {
  const client = request.headers["convex-client"];
  return typeof client === "string" ? client : undefined;
}
