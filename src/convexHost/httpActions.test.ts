import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startRealHost } from "./testing/realHost.ts";
import { systemWorkTimers, type WorkTimers } from "./transactionWork.ts";
import { NOBODY, TransportError } from "./words.ts";

const HTTP = `
  import { httpRouter, httpActionGeneric as httpAction, queryGeneric as query, mutationGeneric as mutation, makeFunctionReference } from "convex/server";
  const ref = (name: string): any => makeFunctionReference(name as never);
  declare const globalThis: any;
  const http = httpRouter();
  export const add = mutation({ handler: (ctx) => ctx.db.insert("hits", {}) });
  export const count = query({ handler: async (ctx) => (await ctx.db.query("hits").collect()).length });
  http.route({ path: "/echo", method: "POST", handler: httpAction(async (ctx, request) => {
    const identity = await ctx.auth.getUserIdentity();
    return new Response(await request.text() + (identity?.subject ?? "nobody"), { status: 201, headers: [["x-a", "1"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
  }) });
  http.route({ pathPrefix: "/files/", method: "GET", handler: httpAction(async (_, request) => Response.json({ path: new URL(request.url).pathname })) });
  http.route({ path: "/bad", method: "GET", handler: httpAction(async () => { throw new Error("boom"); }) });
  http.route({ path: "/none", method: "GET", handler: httpAction(async () => "text" as never) });
  http.route({ path: "/empty", method: "DELETE", handler: httpAction(async () => new Response(null, { status: 204 })) });
  http.route({ path: "/stream", method: "GET", handler: httpAction(async (ctx) => new Response(new ReadableStream({
    async pull(controller) {
      await ctx.runMutation(ref("http:add"), {});
      const n = await ctx.runQuery(ref("http:count"), {});
      if (n > 3) { controller.close(); globalThis.late = () => ctx.runMutation(ref("http:add"), {}); }
      else controller.enqueue(new TextEncoder().encode(n + ";"));
    },
    cancel() { globalThis.cancelled = true; },
  }, { highWaterMark: 0 }))) });
  export const wasCancelled = query({ handler: async () => globalThis.cancelled === true });
  http.route({ path: "/endless", method: "GET", handler: httpAction(async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))) });
  export const late = query({ handler: async () => globalThis.late().then(() => "ran", (e: Error) => e.message) });
  export default http;
`;

const start = (t: TestContext, timers: WorkTimers = systemWorkTimers) =>
  startRealHost(
    t,
    { "http.ts": HTTP },
    {
      timers,
      auth: {
        ofHeader: (header) =>
          header === "Bearer good"
            ? Promise.resolve({ ...NOBODY, identity: { tokenIdentifier: "i|ann", subject: "ann" } })
            : Promise.reject(new TransportError(401, "InvalidAuthHeader", "no")),
      },
    },
  );
const to = (path: string, init: RequestInit = {}) => new Request(`http://127.0.0.1${path}`, init);

test("a request is answered by the handler of its route, with all of its headers", async (t) => {
  const { functions } = await start(t);
  const post = { method: "POST", body: "hello " };
  const answer = (await functions.runHttp(to("/echo", post))) ?? assert.fail("no route");
  assert.deepEqual([answer.status, await answer.text(), answer.headers.get("x-a")], [201, "hello nobody", "1"]);
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  const files = await functions.runHttp(to("/files/a/b?c=1"));
  assert.deepEqual(await files?.json(), { path: "/files/a/b" });
  assert.equal((await functions.runHttp(to("/empty", { method: "DELETE" })))?.status, 204);
});

test("without a route for path and method there is no answer", async (t) => {
  const h = await start(t);
  for (const request of [to("/echo"), to("/nowhere"), to("/files")])
    assert.equal(await h.functions.runHttp(request), null);
  const without = await startRealHost(t, { "a.ts": "export const a = 1;" });
  assert.equal(await without.functions.runHttp(to("/echo")), null);
});

test("the caller is who the token says; another header is the handler's own affair", async (t) => {
  const { functions } = await start(t);
  const asked = async (authorization: string) => {
    const answer = await functions.runHttp(to("/echo", { method: "POST", body: "", headers: { authorization } }));
    return answer?.text();
  };
  assert.equal(await asked("Bearer good"), "ann");
  assert.equal(await asked("Bearer of a webhook"), "nobody");
});

test("a handler that throws, or returns no Response, is an answer 500 with its request and place", async (t) => {
  const { functions, events } = await start(t);
  const bad = await functions.runHttp(to("/bad"));
  assert.equal(bad?.status, 500);
  const { code, trace } = (await (bad ?? assert.fail("no route")).json()) as { code: string; trace: string };
  assert.match(code, /^\[Request ID: [0-9a-f]{16}\] Server Error$/);
  assert.match(trace, /^Uncaught Error: boom\n {4}at .*\(?convex\/http\.ts:\d+:\d+\)?$/);
  const none = await functions.runHttp(to("/none"));
  assert.match(await (none?.text() ?? ""), /http:GET \/none must return a Response/);
  assert.equal(events.filter(([event]) => event === "function.failed").length, 2);
});

test("an answer is streamed, and its function runs until the stream ends", async (t) => {
  const h = await start(t);
  const answer = await h.functions.runHttp(to("/stream"));
  assert.equal(await h.value("query", "http:count"), 0, "nothing is read ahead of the client");
  assert.equal(await answer?.text(), "1;2;3;");
  assert.equal(await h.value("query", "http:count"), 4);
  assert.match(await h.value("query", "http:late"), /Operation 1\.0\/actions\/mutation in http:late, which is a query/);
});

test("a client that goes away ends the stream at its source", async (t) => {
  const h = await start(t);
  const reader = (await h.functions.runHttp(to("/stream")))?.body?.getReader();
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), "1;");
  await reader?.cancel();
  assert.equal(await h.value("query", "http:wasCancelled"), true);
});

test("a stream that never ends is broken off after the 10 minutes of an action", async (t) => {
  const waiting = new Set<() => void>();
  const timers: WorkTimers = {
    elapsedMs: () => 0,
    set(callback, delayMs) {
      if (delayMs === 600_000) waiting.add(callback);
      return () => void waiting.delete(callback);
    },
  };
  const { functions } = await start(t, timers);
  const reading = (await functions.runHttp(to("/endless")))?.text();
  assert.equal(waiting.size, 1);
  for (const ring of waiting) ring();
  await assert.rejects(reading ?? assert.fail("no route"), /has run for 600000 ms, the most an action may/);
  assert.equal(waiting.size, 0);
});
