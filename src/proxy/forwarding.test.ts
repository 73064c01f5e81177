import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ERROR_CODES } from "../kernel/index.ts";
import { NOBODY, startProxy } from "./testing/proxyFixture.ts";
import { ask, askOnce, RawClient, request } from "./testing/rawClient.ts";
import { type ParsedRequest, valuesOf } from "./testing/requestBytes.ts";
import { bearer } from "./testing/tokens.ts";
import { useProxy } from "./testing/useProxy.ts";
import { until } from "./testing/wait.ts";

const { origin, fixture } = await useProxy({
  sections: { refuse: ["/docs"] },
  limits: { jsonBodySize: "64KiB", uploadBodySize: "1MiB" },
});

const only = (): ParsedRequest => {
  assert.equal(origin.requests.length, 1);
  return origin.requests[0] as ParsedRequest;
};
const wire = (): string => origin.connections.map((one) => one.received.toString("latin1")).join("");

describe("forwarding", () => {
  test("a chunked upload arrives chunk by chunk before its end", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send(request(["POST /upload HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"]));
    for (const part of ["first", "second", "third"]) {
      client.send(`${part.length.toString(16)}\r\n${part}\r\n`);
      await until(`${part} arrived`, () => wire().includes(part));
      assert.equal(origin.requests.length, 0, "the request is not complete yet");
    }
    client.send("0\r\n\r\n");
    assert.equal((await client.reply()).status, 200);
    assert.equal(only().body.toString(), "firstsecondthird");
    client.end();
  });

  test("an upload with a length keeps it, and arrives as it comes", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send(request(["POST /upload HTTP/1.1", "Host: a", "Content-Length: 6"], "abc"));
    await until("the half arrived", () => wire().endsWith("abc"));
    client.send("def");
    assert.equal((await client.reply()).status, 200);
    assert.deepEqual(valuesOf(only(), "content-length"), ["6"]);
    assert.equal(only().body.toString(), "abcdef");
    client.end();
  });

  test("a client that breaks off its upload leaves no complete request at the arm", async () => {
    for (const lines of [["Content-Length: 6"], ["Transfer-Encoding: chunked"]]) {
      origin.forget();
      const client = await RawClient.connect(fixture.port);
      client.send(
        request(["POST /upload HTTP/1.1", "Host: a", ...lines], lines[0]?.startsWith("T") ? "3\r\nabc\r\n" : "abc"),
      );
      await until("its beginning arrived", () => wire().includes("abc"));
      client.end();
      const serving = () => origin.connections.filter((one) => one.received.includes("abc"));
      await until("the arm's connection is closed", () => serving().every((one) => one.isClosed), 200);
      assert.equal(origin.requests.length, 0);
    }
  });

  test("an answer that comes before the upload's end is passed on", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send(request(["POST /upload HTTP/1.1", "Host: a", "Content-Length: 100000"], "abc"));
    await until("its beginning arrived", () => wire().includes("abc"));
    origin.connections
      .at(-1)
      ?.socket.write("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.body.toString()], [413, "no"]);
    client.end();
  });

  test("a body at its limit passes, one byte more is 413 and counted", async (t) => {
    for (const [path, limit] of [
      ["/calls/a", 65_536],
      ["/upload", 1_048_576],
    ] as const) {
      await t.test(`${path} with a length`, async () => {
        const reply = await askOnce(
          fixture.port,
          request([`POST ${path} HTTP/1.1`, "Host: a", `Content-Length: ${limit}`], "a".repeat(limit)),
        );
        assert.equal(reply.status, 200);
        origin.forget();
        const more = await ask(
          fixture.port,
          request([`POST ${path} HTTP/1.1`, "Host: a", `Content-Length: ${limit + 1}`]),
        );
        assert.deepEqual([more.reply.status, more.reply.code], [413, "SY_BODY_TOO_LARGE"]);
        await more.client.closed;
        assert.equal(origin.bytes, 0);
      });
      await t.test(`${path} in chunks`, async () => {
        const head = request([`POST ${path} HTTP/1.1`, "Host: a", "Transfer-Encoding: chunked"]);
        const body = `${limit.toString(16)}\r\n${"a".repeat(limit)}\r\n`;
        assert.equal((await askOnce(fixture.port, `${head}${body}0\r\n\r\n`)).status, 200);
        origin.forget();
        const counted = await fixture.refused("SY_BODY_TOO_LARGE");
        const more = await ask(fixture.port, `${head}${body}1\r\na\r\n0\r\n\r\n`);
        assert.deepEqual([more.reply.status, more.reply.code], [413, "SY_BODY_TOO_LARGE"]);
        await more.client.closed;
        assert.equal((await fixture.refused("SY_BODY_TOO_LARGE")) - counted, 1);
        assert.equal(origin.requests.length, 0, "the arm never gets a complete request");
      });
    }
  });

  test("pipelined calls are answered in order", async () => {
    origin.answer = (one) => `HTTP/1.1 200 OK\r\nContent-Length: ${one.target.length}\r\n\r\n${one.target}`;
    const client = await RawClient.connect(fixture.port);
    const paths = Array.from({ length: 10 }, (_, i) => `/calls/${i}`);
    client.send(paths.map((path) => request([`GET ${path} HTTP/1.1`, "Host: a"])).join(""));
    for (const path of paths) assert.equal((await client.reply()).body.toString(), path);
    client.end();
  });

  test("a slow reader does not make the proxy hold the whole answer", async () => {
    const size = 64 * 1024 * 1024;
    let sent = 0;
    origin.answer = (_request, { socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const chunk = Buffer.alloc(1024 * 1024, 97);
      const more = (): void => {
        while (sent < size) {
          sent += chunk.length;
          if (!socket.write(chunk)) return void socket.once("drain", more);
        }
      };
      more();
      return null;
    };
    const client = await RawClient.connect(fixture.port);
    client.socket.pause();
    client.send(request(["GET /calls/a HTTP/1.1", "Host: a"]));
    let seen = { sent: -1, sinceMs: 0 };
    await until("the arm is held back", () => {
      if (seen.sent !== sent) seen = { sent, sinceMs: performance.now() };
      return sent > 0 && performance.now() - seen.sinceMs > 300;
    });
    assert.ok(sent < size / 2, `${sent} bytes were taken for a client that reads none`);
    client.end();
  });
});

describe("what we add", () => {
  test("request ids are ours or clean", async () => {
    const idOf = async (...lines: string[]) => {
      origin.forget();
      const reply = await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a", ...lines]));
      const sent = valuesOf(only(), "x-request-id");
      assert.equal(sent.length, 1);
      assert.deepEqual(reply.all("x-request-id"), sent, "the client learns the id the arm got");
      return sent[0] as string;
    };
    const minted = /^[0-9a-f-]{36}$/;
    assert.equal(await idOf("X-Request-Id: abc-1"), "abc-1");
    assert.equal(await idOf(`X-Request-Id: ${"a".repeat(128)}`), "a".repeat(128));
    assert.match(await idOf(), minted);
    for (const dirty of ["a".repeat(129), "", "a b", "a\tb", "\xe9"])
      assert.match(await idOf(`X-Request-Id: ${dirty}`), minted);
  });

  test("an arm that echoes the request id is not repeated", async () => {
    origin.answer = (one) =>
      `HTTP/1.1 200 OK\r\nX-Request-Id: ${valuesOf(one, "x-request-id")[0]}\r\nContent-Length: 2\r\n\r\nok`;
    const reply = await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a", "X-Request-Id: r1"]));
    assert.deepEqual(reply.all("x-request-id"), ["r1"]);
  });

  test("a keyed write without a key gets one, a client's key is never replaced", async () => {
    const keysOf = async (line: string, ...lines: string[]) => {
      origin.forget();
      await askOnce(fixture.port, request([line, "Host: a", ...lines]));
      return valuesOf(only(), "idempotency-key");
    };
    const [first] = await keysOf("POST /keyed HTTP/1.1");
    const [second] = await keysOf("POST /keyed HTTP/1.1");
    assert.match(first ?? "", /^[0-9a-f-]{36}$/);
    assert.notEqual(first, second, "each call its own");
    assert.equal((await keysOf("DELETE /keyed/1 HTTP/1.1")).length, 1);
    assert.deepEqual(await keysOf("POST /keyed HTTP/1.1", "Idempotency-Key: mine"), ["mine"]);
    // The arm judges a bad key (contract G10): a replaced one would hide the client's fault.
    assert.deepEqual(await keysOf("POST /keyed HTTP/1.1", `Idempotency-Key: ${"k".repeat(200)}`), ["k".repeat(200)]);
    assert.deepEqual(await keysOf("POST /calls/a HTTP/1.1"), [], "none where the contract wants none");
    assert.deepEqual(
      await keysOf("POST /calls/a HTTP/1.1", "Idempotency-Key: mine"),
      ["mine"],
      "the client's own passes",
    );
    assert.deepEqual(await keysOf("GET /keyed HTTP/1.1"), [], "a read needs none");
  });

  test("routes are spelled for the arm that serves", async () => {
    await askOnce(fixture.port, request(["GET /moved/a%20b?x=%2F HTTP/1.1", "Host: a"]));
    assert.equal(only().target, "/legacy/a%20b/old?x=%2F");
  });

  test("a call that comes back through the same proxy is refused", async () => {
    await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a", "Via: 1.0 edge"]));
    const [via = ""] = valuesOf(only(), "via");
    assert.match(via, /^1\.0 edge, 1\.1 switchyard-/);
    const reply = await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a", `Via: ${via}`]));
    assert.deepEqual([reply.status, reply.code], [508, "SY_LOOP"]);
  });
});

describe("our own failures", () => {
  test("are problem bodies of RFC 9457 with a code, an id and no word about the arm", async (t) => {
    const down = await startProxy({ control: NOBODY, sections: { unmatched: "refuse" } });
    t.after(() => down.stop());
    const cases: readonly (readonly [string, string, keyof typeof ERROR_CODES])[] = [
      ["an arm that is down", "GET /calls/a HTTP/1.1", "SY_UPSTREAM_REFUSED"],
      ["no such route", "GET /nowhere HTTP/1.1", "SY_NOT_FOUND"],
      ["a method", "TRACE /calls/a HTTP/1.1", "SY_METHOD_NOT_ALLOWED"],
      ["a target", "GET /calls//a HTTP/1.1", "SY_BAD_REQUEST"],
    ];
    for (const [name, line, code] of cases) {
      const reply = await askOnce(down.port, request([line, "Host: a", "X-Request-Id: r-1"]));
      const { status, title } = ERROR_CODES[code];
      assert.equal(reply.status, status, name);
      assert.equal(reply.one("content-type"), "application/problem+json");
      assert.equal(reply.one("cache-control"), "no-store");
      const body = JSON.parse(reply.body.toString()) as Record<string, unknown>;
      assert.deepEqual(Object.keys(body).sort(), ["code", "detail", "instance", "status", "title", "type"]);
      assert.deepEqual([body["code"], body["status"], body["title"]], [code, status, title]);
      assert.equal(body["type"], `urn:switchyard:${code.slice(3).toLowerCase().replaceAll("_", "-")}`);
      assert.equal(body["instance"], reply.one("x-request-id"));
      assert.equal(/127\.0\.0\.1|legacy|convex|ECONN/i.test(reply.body.toString()), false, "the arm stays inside");
    }
  });

  test("an upstream error shows no query", async (t) => {
    const down = await startProxy({ control: NOBODY });
    t.after(() => down.stop());
    const { client, reply } = await ask(down.port, request(["GET /calls/a?secret=planted HTTP/1.1", "Host: a"]));
    client.end();
    assert.equal(reply.status, 502);
    await until("it is written down", () => down.lines.length === 1);
    assert.equal(/planted/.test(client.text + JSON.stringify([down.lines, down.events])), false);
  });

  test("internal paths do not exist in public", async () => {
    for (const path of [
      "/internal",
      "/internal/faults",
      "/metrics",
      "/livez",
      "/readyz",
      "/readyz/x",
      "/Internal/faults",
      "/%69nternal/faults",
      "/docs",
      "/docs/x",
    ]) {
      const reply = await askOnce(fixture.port, request([`GET ${path} HTTP/1.1`, "Host: a"]));
      assert.deepEqual([reply.status, reply.code], [404, "SY_NOT_FOUND"], path);
    }
    assert.equal(origin.bytes, 0);
  });

  test("an unmatched path is control's, whoever asks, and the log names the nearest route", async () => {
    fixture.setPins({ bob: "candidate" });
    const reply = await askOnce(fixture.port, request(["GET /calz/a HTTP/1.1", "Host: a", bearer("bob")]));
    assert.equal(reply.status, 200);
    assert.equal(fixture.lines.at(-1)?.reason, "unmatched");
    assert.equal(fixture.events.at(-1)?.fields["nearest"], "* /calls/**");
    const socket = [
      "GET /ws/a/b HTTP/1.1",
      "Host: a",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    assert.equal((await askOnce(fixture.port, request(socket))).status, 404, "an unmatched socket path is 404 always");
  });
});
