import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, test } from "node:test";
import { type HttpFace, rawRequest, startHttpFace } from "./testing/httpFace.ts";
import { createSmallRunner } from "./testing/smallRunner.ts";

let face: HttpFace | null = null;
afterEach(async () => {
  await face?.stop();
  face = null;
});

async function start(handler: (request: Request) => Response | null | Promise<Response | null>, httpBodyBytes = 1_000) {
  const runner = createSmallRunner({}, async (request) => handler(request));
  face = await startHttpFace(runner, { limits: { httpBodyBytes } });
  return `${face.url}/http`;
}

test("an HTTP action gets method, path, query, headers and body, and answers with its own", async () => {
  let seen: unknown = null;
  const url = await start(async (request) => {
    const { pathname, search, host } = new URL(request.url);
    seen = {
      method: request.method,
      pathname,
      search,
      host,
      x: request.headers.get("x-signature"),
      body: await request.text(),
    };
    const headers = new Headers({ "x-answer": "yes", "content-type": "text/plain" });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response("créé", { status: 201, headers });
  });
  const response = await fetch(`${url}/hooks/a%20b?x=1&x=2`, {
    method: "PUT",
    headers: { "x-signature": "s" },
    body: "payload",
  });
  const { host } = new URL(url);
  assert.deepEqual(seen, {
    method: "PUT",
    pathname: "/hooks/a%20b",
    search: "?x=1&x=2",
    host,
    x: "s",
    body: "payload",
  });
  assert.deepEqual([response.status, await response.text()], [201, "créé"]);
  assert.equal(response.headers.get("x-answer"), "yes");
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
});

test("the prefix alone is the root, and a path that only begins like it is another", async () => {
  const url = await start((request) => new Response(new URL(request.url).pathname + new URL(request.url).search));
  assert.equal(await (await fetch(url)).text(), "/");
  assert.equal(await (await fetch(`${url}?a=1`)).text(), "/?a=1");
  assert.equal((await rawRequest(`${url}//evil.example/x`)).text, "//evil.example/x");
  assert.equal((await fetch(`${url}x`)).status, 404);
});

test("a request without a route is 404, with its method and path", async () => {
  const url = await start(() => null);
  const response = await fetch(`${url}/nothing`, { method: "DELETE" });
  assert.equal(response.status, 404);
  assert.match(await response.text(), /DELETE \/nothing/);
});

test("an answer is streamed: its first part is there before its second is made", async () => {
  const second = Promise.withResolvers<void>();
  const encoder = new TextEncoder();
  const url = await start(() => {
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(encoder.encode("first"));
        await second.promise;
        controller.enqueue(encoder.encode("second"));
        controller.close();
      },
    });
    return new Response(body);
  });
  const reader = (await fetch(url)).body?.getReader();
  const decoder = new TextDecoder();
  assert.equal(decoder.decode((await reader?.read())?.value), "first");
  second.resolve();
  assert.equal(decoder.decode((await reader?.read())?.value), "second");
  assert.equal((await reader?.read())?.done, true);
});

test("a request is streamed: its first part is there before its second is sent", async () => {
  const gotFirst = Promise.withResolvers<string>();
  const url = await start(async (request) => {
    const reader = request.body?.getReader();
    const decoder = new TextDecoder();
    gotFirst.resolve(decoder.decode((await reader?.read())?.value));
    return new Response(decoder.decode((await reader?.read())?.value));
  });
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode("first"));
      assert.equal(await gotFirst.promise, "first");
      controller.enqueue(new TextEncoder().encode("second"));
      controller.close();
    },
  });
  const response = await fetch(url, { method: "POST", body, duplex: "half" } as RequestInit);
  assert.equal(await response.text(), "second");
});

test("a client that leaves ends the stream of the answer", async () => {
  const cancelled = Promise.withResolvers<void>();
  const url = await start(() => new Response(new ReadableStream({ cancel: () => cancelled.resolve() })));
  const controller = new AbortController();
  await fetch(url, { signal: controller.signal });
  controller.abort();
  await cancelled.promise;
  assert.deepEqual(face?.errors, []);
});

test("a slow client holds a fast action back", async () => {
  let parts = 0;
  const part = new Uint8Array(100_000);
  const url = await start(() => {
    const body = new ReadableStream({
      pull(controller) {
        parts += 1;
        controller.enqueue(part);
        if (parts === 1_000) controller.close();
      },
    });
    return new Response(body);
  });
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.write("GET /http HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "readable");
  let before = -1;
  while (before !== parts) {
    before = parts;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(parts < 900, `${parts} parts of 1,000 were made for a client that reads none`);
  socket.destroy();
});

test("an answer that fails half way is cut off, never ended as if whole", async () => {
  const url = await start(() => {
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode("half"));
        controller.error(new Error("broken"));
      },
    });
    return new Response(body);
  });
  await assert.rejects(async () => (await fetch(url)).text());
  assert.match(String(face?.errors[0]), /broken/);
});

test("a handler cannot break the connection's framing", async () => {
  const headers = { "content-length": "3", "transfer-encoding": "identity", connection: "upgrade", upgrade: "x" };
  const url = await start(() => new Response("longer than three", { headers }));
  for (let n = 0; n < 2; n++) assert.equal(await (await fetch(url)).text(), "longer than three");
  const answer = await rawRequest(url);
  assert.deepEqual([answer.headers["content-length"], answer.headers.upgrade], [undefined, undefined]);
});

test("HEAD, 204, 304 and redirects have no body", async () => {
  const url = await start((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/moved") return new Response(null, { status: 307, headers: { location: "/http/there" } });
    return pathname === "/" ? new Response("body") : new Response(null, { status: Number(pathname.slice(1)) });
  });
  const head = await fetch(url, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  for (const status of [204, 304]) assert.equal((await fetch(`${url}/${status}`)).status, status);
  const moved = await fetch(`${url}/moved`, { redirect: "manual" });
  assert.deepEqual([moved.status, moved.headers.get("location")], [307, "/http/there"]);
});

test("a body beyond the limit is refused when told, and fails its reader when not", async () => {
  const read = Promise.withResolvers<unknown>();
  const url = await start(async (request) => {
    await request.text().catch(read.resolve);
    return new Response("seen");
  });
  const big = "x".repeat(100_000);
  const told = await fetch(url, { method: "POST", body: big });
  assert.equal(told.status, 413);
  const untold = await fetch(url, { method: "POST", body: new Blob([big]).stream(), duplex: "half" } as RequestInit);
  assert.equal(await untold.text(), "seen");
  assert.match(String(await read.promise), /at most 1000 bytes/);
});

test("a body that the action does not read is no trouble to the next call", async () => {
  const url = await start(() => new Response("ok"), 50_000_000);
  for (let n = 0; n < 3; n++) {
    const response = await fetch(url, { method: "POST", body: Buffer.alloc(5_000_000) });
    assert.equal(await response.text(), "ok");
  }
});

test("CORS is the action's own affair, also its preflight", async () => {
  const url = await start(
    (request) => new Response(request.method, { headers: { "access-control-allow-origin": "https://a.example" } }),
  );
  const headers = { origin: "https://elsewhere.example" };
  const answer = await rawRequest(url, { method: "OPTIONS", headers });
  assert.deepEqual([answer.status, answer.text], [200, "OPTIONS"]);
  assert.equal(answer.headers["access-control-allow-origin"], "https://a.example");
});

test("methods that a Request cannot have are refused", async () => {
  const url = await start(() => new Response("ok"));
  assert.equal((await rawRequest(url, { method: "TRACE" })).status, 405);
});
